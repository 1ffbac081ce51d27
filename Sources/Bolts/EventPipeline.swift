// A worker: a member of the group, its spout and its topology, from joining to leaving.

internal import Base
package import Enrich
package import LogClient
package import Logging
internal import Synchronization
package import Topology

/// How a worker works.
package struct EventPipelineConfiguration: Sendable {
    package var connection: LogConnection
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
    /// Where the addresses of add-ons are looked up, if anywhere.
    package var geo: (any GeoSource)?
    /// Where records that are no events go; nil: they are counted and logged only.
    package var deadLetterTopic: String? = MillraceTopics.dead
    /// Decides how waits vary.
    package var seed: UInt64

    package init(connection: LogConnection, seed: UInt64) {
        self.connection = connection
        self.seed = seed
    }
}

/// Why a worker is not ready, part by part; nil is ready.
package struct EventPipelineStatus: Sendable, Equatable {
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

/// Turns the events of the log into what the store keeps, once each, until it is stopped.
package final class EventPipeline: Sendable {
    /// Between two looks at what is to be committed; far below what people watch lag with.
    private static let beat = Duration.milliseconds(200)

    private let configuration: EventPipelineConfiguration
    private let admin: LogAdmin
    private let spout: EventSpout
    private let runtime: TopologyRuntime<EventTuple>
    private let logger: Logger
    private let report: @Sendable (EventPipelineStatus) -> Void
    private let failure: Failure
    private let deadLetters: DeadLetterTopic?
    private let storeFailures = Mutex<[String]?>(nil)

    /// The first error that only a new process can mend, and the wish to stop.
    private final class Failure: Sendable {
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

    /// `report` is told each time that the status has changed, and at first.
    package init(
        configuration: EventPipelineConfiguration, store: any ShardStore, logger: Logger,
        report: @escaping @Sendable (EventPipelineStatus) -> Void
    ) throws {
        let metrics = WorkerMetrics()
        let failure = Failure()
        deadLetters = configuration.deadLetterTopic.map {
            DeadLetterTopic(
                name: $0, source: configuration.topic, connection: configuration.connection,
                logger: logger)
        }
        let topology = try EventTopology.make(
            store: store, enricher: Enricher(geo: configuration.geo), deadLetters: deadLetters,
            metrics: metrics, seed: configuration.seed)
        admin = try LogAdmin(connection: configuration.connection, logger: logger)
        let table = SpoutTable(limits: configuration.limits, seed: configuration.seed)
        spout = EventSpout(
            topic: configuration.topic, table: table, store: store, admin: admin,
            metrics: metrics, logger: logger
        ) { failure.stop($0) }
        runtime = TopologyRuntime(topology, spout: spout, logger: logger)
        self.configuration = configuration
        self.failure = failure
        self.logger = logger
        self.report = report
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
        await deadLetters?.close()
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
        var last: EventPipelineStatus?
        while !Task.isCancelled {
            spout.commit(force: false)
            let status = status
            if status != last { report(status) }
            last = status
            // Cancelled is the only way to fail, and the loop sees it.
            try? await Task.sleep(for: Self.beat)
        }
    }

    private func keepSurveying() async {
        while !Task.isCancelled {
            let failures = await spout.survey()
            if !Task.isCancelled { storeFailures.withLock { $0 = failures } }
            try? await Task.sleep(for: configuration.surveyEvery)
        }
    }

    private var status: EventPipelineStatus {
        let (isJoined, waiting, refused) = spout.standing
        var status = EventPipelineStatus()
        if isJoined { status.group = nil }
        if let failures = storeFailures.withLock({ $0 }) {
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
