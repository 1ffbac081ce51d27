// The spout between the log's consumer, whoever applies the batches, and the topology: performs
// what the table decides.
//
// The consumer's thread, the topology's loop and the jobs of `run` all come here. One lock guards
// the table, and commands are performed under it: a pause that a resume overtakes would stop a
// partition for good. None of them waits for the network.

internal import Base
internal import LogClient
internal import Logging
internal import Metrics
internal import Model
internal import RPC
internal import Synchronization
internal import Topology

/// Feeds a topology from a topic of the log.
final class LogSpout<Payload: TuplePayload>: Spout, Sendable {
    private struct State {
        var table: SpoutTable
        var consumer: LogConsumer?
        var runtime: TopologyRuntime<Payload>?
        /// What the consumer said before it was attached.
        var early: [LogConsumerEvent] = []
        var isJoined = false
        var refusals = LogGate(every: .seconds(10))
    }

    private enum Job: Sendable {
        case locate(Int32, ticket: UInt64, after: Duration)
        case place(Int32, ticket: UInt64, after: Duration)
    }

    private let topic: String
    private let positions: any Positions
    private let admin: LogAdmin
    private let metrics: WorkerMetrics
    private let logger: Logger
    private let make: @Sendable (RecordStretch) -> Payload
    private let fail: @Sendable (any Error) -> Void
    private let state: Mutex<State>
    private let jobs: AsyncStream<Job>
    private let inbox: AsyncStream<Job>.Continuation
    private let locateFailures = Mutex(LogGate(every: .seconds(10)))

    /// How long the log may take to say where a partition begins and ends.
    private static var rangeTimeout: Duration { .seconds(5) }

    /// `fail` is told of what only a new process can mend.
    init(
        topic: String, table: SpoutTable, positions: any Positions, admin: LogAdmin,
        metrics: WorkerMetrics, logger: Logger,
        make: @escaping @Sendable (RecordStretch) -> Payload,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.topic = topic
        self.positions = positions
        self.admin = admin
        self.metrics = metrics
        self.logger = logger
        self.make = make
        self.fail = fail
        state = Mutex(State(table: table))
        // No bound of its own: a partition has one job that counts at a time, and those before it
        // end within the longest wait.
        (jobs, inbox) = AsyncStream.makeStream(of: Job.self)
    }

    func attach(consumer: LogConsumer, runtime: TopologyRuntime<Payload>) {
        state.withLock { state in
            state.consumer = consumer
            state.runtime = runtime
            for event in state.early { handle(event, &state) }
            state.early = []
        }
    }

    /// Lets go of consumer and topology.
    func detach() {
        state.withLock { state in
            state.consumer = nil
            state.runtime = nil
        }
        inbox.finish()
    }

    // MARK: The consumer's thread

    func handle(_ event: LogConsumerEvent) {
        state.withLock { state in
            if state.consumer == nil { state.early.append(event) } else { handle(event, &state) }
        }
    }

    private func handle(_ event: LogConsumerEvent, _ state: inout State) {
        switch event {
        case .assigned(let partitions):
            let numbers = partitions.filter { $0.topic == topic }.map(\.partition)
            logger.info("assigned", metadata: [LogKeys.partition: "\(numbers.sorted())"])
            state.isJoined = true
            perform(state.table.assigned(numbers), &state)
        case .revoked(_, let areLost):
            logger.info("revoked", metadata: [LogKeys.isLost: "\(areLost)"])
            state.isJoined = false
            perform(state.table.revoked(areLost: areLost), &state)
        case .records(let records):
            perform(state.table.received(records), &state)
        case .partitionEnd(let end):
            perform(state.table.reachedEnd(end.partition, at: end.offset), &state)
        case .placed(let placement, let error):
            if let error {
                logger.warning("cannot be placed", metadata: [LogKeys.reason: "\(error)"])
            }
            perform(state.table.placed(placement, failed: error != nil), &state)
        case .outOfRange(let place):
            logger.warning(
                "the log does not hold the wanted offset",
                metadata: [LogKeys.partition: "\(place.partition)"])
            perform(state.table.outOfRange(place.partition), &state)
        case .commitFailed(let error):
            // The next commit says more anyway; the store's applied offset is what counts.
            logger.info("cannot commit offsets", metadata: [LogKeys.reason: "\(error)"])
        case .failed(let error):
            if error.isFatal { fail(error) }
            // The client has logged it; all others pass by themselves.
            logger.debug("the log's consumer failed", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    // MARK: The topology's loop

    func nextBatch(of partition: Int32) -> SpoutBatch<Payload>? {
        state.withLock { state in
            let (batch, commands) = state.table.nextBatch(of: partition)
            perform(commands, &state)
            return batch.map {
                SpoutBatch(
                    fromOffset: $0.fromOffset, toOffset: $0.toOffset,
                    payload: make(
                        RecordStretch(
                            fromOffset: $0.fromOffset, toOffset: $0.toOffset, records: $0.payload)))
            }
        }
    }

    func acked(partition: Int32, toOffset: Int64) {
        state.withLock { $0.table.acked(partition, toOffset: toOffset) }
    }

    func failed(partition: Int32, failure: TupleFailure) {
        logger.info(
            "a batch is read again",
            metadata: [
                LogKeys.partition: "\(partition)", LogKeys.reason: "\(failure.reason)",
            ])
        state.withLock { state in
            perform(state.table.failed(partition, replayFrom: failure.replayFrom), &state)
        }
    }

    // MARK: The pipeline's tasks

    /// Performs what takes time, until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                group.addTask { await self.perform(job) }
            }
            group.cancelAll()
        }
    }

    /// Commits what is due; `force` everything, because the partitions are given up.
    func commit(force: Bool) {
        state.withLock { state in
            perform(state.table.commit(now: monotonicTime(), force: force), &state)
            metrics.partitions.set(state.table.partitions.count)
            metrics.reading.set(state.table.readingCount)
        }
    }

    /// Hands out no batch any more.
    func stop() { state.withLock { $0.table.stop() } }

    /// Whether the group has assigned partitions, how many are not being read, and which of them
    /// because their log ends early.
    var standing: (isJoined: Bool, waiting: Int, refused: [Int32]) {
        state.withLock { state in
            let table = state.table
            return (state.isJoined, table.partitions.count - table.readingCount, table.refused)
        }
    }

    /// Asks the stores where all partitions stand; returns which stores did not answer.
    func survey() async -> [String] {
        let known = state.withLock { $0.table.applied }
        let survey = await positions.survey(known.keys.sorted().map { ShardID($0) })
        state.withLock { state in
            for (partition, known) in known {
                guard let applied = survey.offsets[ShardID(partition)] else { continue }
                let commands = state.table.surveyed(partition, known: known, applied: applied)
                guard !commands.isEmpty else { continue }
                logger.warning(
                    "the store lost what it had applied, reading it again",
                    metadata: [
                        LogKeys.partition: "\(partition)", LogKeys.offset: "\(known)",
                        LogKeys.applied: "\(applied)",
                    ])
                perform(commands, &state)
            }
        }
        return survey.failures
    }

    private func perform(_ job: Job) async {
        do {
            switch job {
            case .place(let partition, let ticket, let wait):
                try await Task.sleep(for: wait)
                state.withLock { state in
                    perform(state.table.place(partition, ticket: ticket), &state)
                }
            case .locate(let partition, let ticket, let wait):
                try await Task.sleep(for: wait)
                await locate(partition, ticket)
            }
        } catch { return }  // Cancelled: the worker stops.
    }

    /// The applied offset is asked first: read the other way round, a shard that moves on in
    /// between would seem to stand beyond the log's end.
    private func locate(_ partition: Int32, _ ticket: UInt64) async {
        do {
            let applied = try await positions.appliedOffset(of: ShardID(partition))
            let range = try await admin.range(
                of: TopicPartition(topic: topic, partition: partition), timeout: Self.rangeTimeout)
            state.withLock { state in
                perform(
                    state.table.located(partition, ticket: ticket, applied: applied, range: range),
                    &state)
            }
        } catch {
            guard !Task.isCancelled else { return }
            if let count = locateFailures.withLock({ $0.pass(1, now: monotonicTime()) }) {
                logger.warning(
                    "cannot find out where a partition stands",
                    metadata: [
                        LogKeys.partition: "\(partition)", LogKeys.reason: "\(error)",
                        LogKeys.count: "\(count)",
                    ])
            }
            state.withLock { state in
                perform(state.table.cannotLocate(partition, ticket: ticket), &state)
            }
        }
    }
}

extension LogSpout {
    private func perform(_ commands: [SpoutCommand], _ state: inout State) {
        for command in commands { perform(command, &state) }
    }

    private func perform(_ command: SpoutCommand, _ state: inout State) {
        switch command {
        case .begin(let partition): state.runtime?.assign(partition)
        case .end(let partition): state.runtime?.revoke(partition)
        case .wake(let partition): state.runtime?.wake(partition)
        case .assign(let places, let placement):
            state.consumer?.assign(offsets(places), ticket: placement)
        case .unassign: state.consumer?.unassign()
        case .pause(let partition): state.consumer?.pause([place(partition)])
        case .resume(let partition): state.consumer?.resume([place(partition)])
        case .locate(let partition, let ticket, let wait):
            inbox.yield(.locate(partition, ticket: ticket, after: wait))
        case .place(let partition, let ticket, let wait):
            inbox.yield(.place(partition, ticket: ticket, after: wait))
        case .commit(let places): commit(places, state.consumer)
        case .lost(let partition, let lost): reportLoss(partition, lost)
        case .logEndsEarly(let partition, let applied, let end):
            reportEarlyEnd(partition, applied: applied, end: end, &state)
        }
    }

    private func place(_ partition: Int32) -> TopicPartition {
        TopicPartition(topic: topic, partition: partition)
    }

    private func offsets(_ places: [Int32: Int64]) -> [PartitionOffset] {
        places.sorted { $0.key < $1.key }.map {
            PartitionOffset(topic: topic, partition: $0.key, offset: $0.value)
        }
    }

    private func commit(_ places: [Int32: Int64], _ consumer: LogConsumer?) {
        do { try consumer?.commit(offsets(places)) } catch {
            logger.info("cannot commit offsets", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    private func reportLoss(_ partition: Int32, _ lost: Range<Int64>) {
        metrics.lost.increment(by: lost.count)
        logger.error(
            "data is lost: the log deleted records before they were applied; going on behind them",
            metadata: [
                LogKeys.partition: "\(partition)", LogKeys.offset: "\(lost.lowerBound)",
                LogKeys.end: "\(lost.upperBound)", LogKeys.count: "\(lost.count)",
            ])
    }

    private func reportEarlyEnd(
        _ partition: Int32, applied: Int64, end: Int64, _ state: inout State
    ) {
        metrics.refusals.increment()
        guard let count = state.refusals.pass(1, now: monotonicTime()) else { return }
        logger.error(
            "the log ends before what the store has applied; the partition is not read",
            metadata: [
                LogKeys.partition: "\(partition)", LogKeys.end: "\(end)",
                LogKeys.applied: "\(applied)", LogKeys.count: "\(count)",
            ])
    }
}
