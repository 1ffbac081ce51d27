// Retention and compaction of all partitions, one at a time, on a thread of their own. What changes
// a log is handed to its writer, and the next step begins when that is done: so a writer never has
// more than one such step in its queue, and appends go on in between.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// Looks after all partitions of a server.
final class LogCleaner: Sendable {
    private struct State {
        var isStopped = false
        var isRetaining = false
        var isCompacting = false
        var timers: [LoopTimer] = []
        var random: PRNG
    }

    private let topics: TopicTable
    private let clock: @Sendable () -> Int64
    private let metrics: LogServerMetrics
    private let logger: Logger
    private let pool: BlockingPool
    private let state: Mutex<State>

    init(
        topics: TopicTable, clock: @escaping @Sendable () -> Int64, metrics: LogServerMetrics,
        logger: Logger
    ) throws {
        self.topics = topics
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        state = Mutex(State(random: PRNG(seed: UInt64(bitPattern: clock()))))
        // One step of retention and one of compaction at a time, and a tick of each.
        pool = try BlockingPool(name: "log-cleaner", threads: 1, queueMax: 8)
    }

    /// Looks at all partitions again and again. Any thread.
    func start(on loop: EventLoop, retention: Duration, compaction: Duration) {
        let timers = [
            loop.schedule(after: retention, repeating: retention) { [self] in retain() },
            loop.schedule(after: compaction, repeating: compaction) { [self] in compact() },
        ]
        state.withLock { $0.timers = timers }
    }

    /// Ends after the step that is under way.
    func shutdown() async {
        let timers = state.withLock { state in
            state.isStopped = true
            defer { state.timers = [] }
            return state.timers
        }
        for timer in timers { timer.cancel() }
        await pool.shutdown()
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// The server's own topics rewrite themselves.
    private var partitions: [Partition] {
        topics.all.filter { !$0.isInternal }.flatMap(\.partitions)
    }

    /// Does `body` on the cleaner's thread, unless the server stops.
    private func step(_ body: @escaping @Sendable () -> Void) {
        if !isStopped { _ = pool.submit(body) }
    }

    // MARK: Retention

    /// One look at all partitions; nothing while the last one is under way. Any thread.
    func retain() {
        let begins = state.withLock { state in
            defer { state.isRetaining = true }
            return !state.isRetaining && !state.isStopped
        }
        guard begins else { return }
        step { [self] in
            retain(partitions[...]) { [self] in state.withLock { $0.isRetaining = false } }
        }
    }

    /// On the cleaner's thread.
    private func retain(_ partitions: ArraySlice<Partition>, then: @escaping @Sendable () -> Void) {
        let now = clock()
        let due = partitions.firstIndex { $0.log?.retentionPlan(now: now).isEmpty == false }
        guard let due, let log = partitions[due].log else { return then() }
        let rest = partitions[(due + 1)...]
        partitions[due].writer.run { [self] in
            let dropped = log.retain(now: now)
            step { [self] in
                log.unlink(dropped)
                metrics.removed(segments: dropped.count)
                retain(rest, then: then)
            }
        }
    }

    // MARK: Compaction

    /// One look at all partitions; nothing while the last one is under way. Any thread.
    func compact() {
        let begins = state.withLock { state in
            defer { state.isCompacting = true }
            return !state.isCompacting && !state.isStopped
        }
        guard begins else { return }
        step { [self] in
            let compacted = partitions.filter { $0.log?.rules.cleaning.compacts == true }
            // Segments that are old enough are closed first, or they could not be compacted.
            retain(compacted[...]) { [self] in compact(byDirt(compacted)[...]) }
        }
    }

    /// Those that are due, the one with most to gain first.
    private func byDirt(_ partitions: [Partition]) -> [Partition] {
        let now = clock()
        let ratios = partitions.map { partition -> (Partition, Double)? in
            guard let log = partition.log else { return nil }
            let candidate = CompactionCandidate(log, now: now)
            return candidate.isDue ? (partition, candidate.dirtyRatio) : nil
        }
        return ratios.compactMap(\.self).sorted { $0.1 > $1.1 }.map(\.0)
    }

    /// On the cleaner's thread.
    private func compact(_ partitions: ArraySlice<Partition>) {
        guard let partition = partitions.first, let log = partition.log else {
            return state.withLock { $0.isCompacting = false }
        }
        let rest = partitions.dropFirst()
        do {
            let begun = try Compaction(log, now: clock()) { [weak self] in
                self?.isStopped ?? true
            }
            guard let compaction = begun else { return compact(rest) }
            goOn(compaction, partition, rest)
        } catch {
            failed(log, error)
            compact(rest)
        }
    }

    private func goOn(
        _ compaction: Compaction, _ partition: Partition, _ rest: ArraySlice<Partition>
    ) {
        var compaction = compaction
        do {
            guard let swap = try compaction.rewriteNext() else {
                try compaction.finish()
                return compact(rest)
            }
            let next = compaction
            partition.writer.run { [self] in
                let outcome = Result { () throws(DiskError) in try next.log.swap(swap) }
                step { [self] in swapped(outcome, swap, next, partition, rest) }
            }
        } catch {
            failed(compaction.log, error)
            compact(rest)
        }
    }

    private func swapped(
        _ outcome: Result<Bool, DiskError>, _ swap: SegmentSwap, _ compaction: Compaction,
        _ partition: Partition, _ rest: ArraySlice<Partition>
    ) {
        switch outcome {
        case .success(true):
            let before = swap.old.reduce(0) { $0 + $1.byteCount }
            metrics.compacted(bytes: before, to: swap.content.byteCount)
            goOn(compaction, partition, rest)
        case .success(false):
            // Records were deleted meanwhile; the next look begins anew.
            compact(rest)
        case .failure(let error):
            // What is on the disk is finished at the next start; what is open still serves.
            compaction.log.cleaner.withLock { $0.needsRestart = true }
            failed(compaction.log, error)
            compact(rest)
        }
    }

    private func failed(_ log: PartitionLog, _ error: any Error) {
        if error is CompactionStopped || log.view.withLock({ $0.isDeleted }) { return }
        let now = clock()
        state.withLock { state in
            log.cleaner.withLock { $0.failed(now: now, using: &state.random) }
        }
        logger.error("partition cannot be compacted", metadata: log.metadata(error))
    }
}
