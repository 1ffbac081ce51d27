// A topology that reads a topic of the log: a member of a group, its spout and the running
// topology, from joining to leaving. The worker is one (EventPipeline.swift).

internal import Base
package import LogClient
package import Logging
internal import Synchronization
package import Topology

/// How a pipeline works.
package struct LogPipelineConfiguration: Sendable {
    package var connection: LogConnection
    /// Its members share the partitions of the topic.
    package var group = MillraceTopics.workerGroup
    package var topic = MillraceTopics.events
    /// Partitions that the topic is made with if it does not exist; nil leaves that to others.
    package var topicPartitions: Int32?
    package var limits = SpoutLimits()
    package var sessionTimeout = Duration.seconds(10)
    /// This worker's name in the group, if it has one that outlives its process.
    package var instanceID: String?
    /// How long a stop waits for batches under way. What is dropped then is read again by whoever
    /// gets the partition.
    package var drainTimeout = Duration.seconds(10)
    /// How often the stores are asked whether they are there and where the shards stand.
    package var surveyEvery = Duration.seconds(1)
    /// Decides how waits vary.
    package var seed: UInt64

    package init(connection: LogConnection, seed: UInt64) {
        self.connection = connection
        self.seed = seed
    }
}

/// Why a pipeline is not ready, part by part; nil is ready.
package struct LogPipelineStatus: Sendable, Equatable {
    package var group: String?
    package var stores: String?
    /// Partitions that are not read although they are assigned.
    package var partitions: String?

    package init(
        group: String? = "joining", stores: String? = "not asked yet", partitions: String? = nil
    ) {
        self.group = group
        self.stores = stores
        self.partitions = partitions
    }
}

/// Between two looks at what is to be committed; far below what people watch lag with.
private let beat = Duration.milliseconds(200)

/// Runs a topology over the records of a topic, until it is stopped.
package final class LogPipeline<Payload: TuplePayload>: Sendable {
    private let configuration: LogPipelineConfiguration
    private let admin: LogAdmin
    private let spout: LogSpout<Payload>
    private let runtime: TopologyRuntime<Payload>
    private let logger: Logger
    private let report: @Sendable (LogPipelineStatus) -> Void
    private let failure: PipelineFailure
    private let positionFailures = Mutex<[String]?>(nil)
    private let onEnd: @Sendable () async -> Void

    /// `positions` knows where each partition is to go on, and `make` makes a batch's payload of
    /// its records. `report` is told each time that the status has changed, and at first. `onEnd`
    /// is called when no bolt runs any more.
    package init(
        configuration: LogPipelineConfiguration, topology: Topology<Payload>,
        positions: any Positions, statistics: TopologyStatistics = TopologyStatistics(),
        logger: Logger, make: @escaping @Sendable (RecordStretch) -> Payload,
        onEnd: @escaping @Sendable () async -> Void = {},
        report: @escaping @Sendable (LogPipelineStatus) -> Void = { _ in }
    ) throws {
        let failure = PipelineFailure()
        admin = try LogAdmin(connection: configuration.connection, logger: logger)
        let table = SpoutTable(limits: configuration.limits, seed: configuration.seed)
        spout = LogSpout(
            topic: configuration.topic, table: table, positions: positions, admin: admin,
            metrics: WorkerMetrics(), logger: logger, make: make
        ) { failure.stop($0) }
        runtime = TopologyRuntime(topology, spout: spout, statistics: statistics, logger: logger)
        self.configuration = configuration
        self.failure = failure
        self.logger = logger
        self.report = report
        self.onEnd = onEnd
    }

    /// Asks `run` to finish what is under way, commit, leave the group and return. Any thread.
    package func stop() { failure.stop() }

    /// Joins the group and works until `stop`. Throws what only a new process can mend. If the task
    /// is cancelled, what is under way is dropped.
    package func run() async throws {
        var member = LogConsumerConfiguration(
            connection: configuration.connection, group: configuration.group,
            topics: [configuration.topic])
        try await makeTopics()
        member.sessionTimeout = configuration.sessionTimeout
        member.instanceID = configuration.instanceID
        let spout = spout
        let consumer = try LogConsumer(configuration: member, logger: logger) { spout.handle($0) }
        spout.attach(consumer: consumer, runtime: runtime)
        let result: Result<Void, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        spout.commit(force: true)
        await consumer.close()
        spout.detach()
        await onEnd()
        try result.get()
        try failure.check()
    }

    /// A topic that appears after the group was joined would be noticed only seconds later.
    private func makeTopics() async throws {
        guard let partitions = configuration.topicPartitions else { return }
        while !failure.isStopped {
            do {
                try await MillraceTopics.ensure(
                    with: admin, eventPartitions: partitions, timeout: .seconds(5))
                return
            } catch let error as LogError where error.isRetriable {
                logger.warning(
                    "the log does not answer", metadata: [LogKeys.reason: "\(error)"])
            }
        }
    }

    private enum Ended { case topology, wish, patience }

    private func work() async throws {
        try await withThrowingTaskGroup(of: Ended?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await self.runtime.run()
                return .topology
            }
            group.addTask {
                for await _ in self.failure.stopped {}
                return .wish
            }
            for task in [spout.run, keepCommitting, keepSurveying] {
                group.addTask {
                    await task()
                    return nil
                }
            }
            while let ended = try await group.next() {
                switch ended {
                case .topology, .patience: return
                case .wish: drain(in: &group)
                case nil: break
                }
            }
        }
    }

    private func drain(in group: inout ThrowingTaskGroup<Ended?, any Error>) {
        spout.stop()
        runtime.drain()
        let timeout = configuration.drainTimeout
        group.addTask {
            try await Task.sleep(for: timeout)
            return .patience
        }
    }

    // MARK: Watching

    private func keepCommitting() async {
        var last: LogPipelineStatus?
        while !Task.isCancelled {
            spout.commit(force: false)
            let status = status
            if status != last { report(status) }
            last = status
            // Cancelled is the only way to fail, and the loop sees it.
            try? await Task.sleep(for: beat)
        }
    }

    private func keepSurveying() async {
        while !Task.isCancelled {
            let failures = await spout.survey()
            if !Task.isCancelled { positionFailures.withLock { $0 = failures } }
            try? await Task.sleep(for: configuration.surveyEvery)
        }
    }

    private var status: LogPipelineStatus {
        let (isJoined, waiting, refused) = spout.standing
        var status = LogPipelineStatus()
        if isJoined { status.group = nil }
        if let failures = positionFailures.withLock({ $0 }) {
            status.stores = failures.isEmpty ? nil : failures.joined(separator: "; ")
        }
        if !refused.isEmpty {
            status.partitions = "the log of \(refused) ends before what their shards have applied"
        } else if waiting > 0 {
            status.partitions = "\(waiting) partitions wait for their store or the log"
        }
        return status
    }
}

/// The first error that only a new process can mend, and the wish to stop.
private final class PipelineFailure: Sendable {
    private let error = Mutex<(any Error)?>(nil)
    private let hasStopped = Atomic(false)
    let stopped: AsyncStream<Never>
    private let signal: AsyncStream<Never>.Continuation

    init() { (stopped, signal) = AsyncStream.makeStream(of: Never.self) }

    func stop(_ reason: (any Error)? = nil) {
        hasStopped.store(true, ordering: .relaxed)
        error.withLock { $0 = $0 ?? reason }
        signal.finish()
    }

    var isStopped: Bool { hasStopped.load(ordering: .relaxed) }

    func check() throws { if let error = error.withLock({ $0 }) { throw error } }
}
