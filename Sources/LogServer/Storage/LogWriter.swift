// The thread that appends. Partitions are spread over a few writers; each takes what has gathered
// while it was busy as one round:
//
//     append every batch (write) -> sync every file that was written to -> tell who waits
//
// So one sync serves all batches of a round (group commit), and the longer a sync takes the more it
// serves. Whoever asked only for the write is told before the sync.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Synchronization

/// When records are safe enough to be acknowledged and shown to readers.
package enum FsyncPolicy: String, Sendable, CaseIterable {
    /// When the disk has them.
    case always
    /// When the kernel has them; the disk gets them every second.
    case interval
    /// When the kernel has them; the disk gets them when the kernel likes.
    case never
}

/// A batch on its way into a partition.
struct PendingAppend: Sendable {
    var log: PartitionLog
    var batch: CheckedBatch
    /// Whether to be told only after the sync, where the policy has one.
    var waitsForSync: Bool
    /// Asked right before the append, on the writer's thread: whether a transaction still takes it.
    var admission: (@Sendable () -> KafkaErrorCode)?
    /// Called once, on the writer's thread; must not block.
    var completion: @Sendable (AppendOutcome) -> Void
}

/// One appending thread.
final class LogWriter: Sendable {
    private enum Work {
        case append(PendingAppend)
        case run(@Sendable () -> Void)
    }

    private struct Queue {
        var work: [Work] = []
        /// The thread has been told, or is at it.
        var isDraining = false
    }

    private let queue = Mutex(Queue())
    /// Written to since the last sync, where the policy has none of its own. Writer only.
    private let unsynced = Mutex([ObjectIdentifier: PartitionLog]())
    private let thread: BlockingPool
    private let policy: FsyncPolicy
    private let clock: @Sendable () -> Int64
    private let metrics: LogServerMetrics

    init(
        name: String, policy: FsyncPolicy, clock: @escaping @Sendable () -> Int64,
        metrics: LogServerMetrics
    ) throws {
        // One entry in the thread's queue stands for all work.
        thread = try BlockingPool(name: name, threads: 1, queueMax: 1)
        self.policy = policy
        self.clock = clock
        self.metrics = metrics
    }

    /// Queues a batch; batches of one caller keep their order. Any thread, never blocks. What waits
    /// here is bounded by the requests that the server takes in.
    func append(_ pending: PendingAppend) { add(.append(pending)) }

    /// Runs `body` on the writer's thread when everything queued before is appended, synced and
    /// reported, and before anything queued later. Any thread.
    func run(_ body: @escaping @Sendable () -> Void) { add(.run(body)) }

    private func add(_ work: Work) {
        let mustTell = queue.withLock { queue in
            queue.work.append(work)
            defer { queue.isDraining = true }
            return !queue.isDraining
        }
        guard mustTell, !thread.submit({ self.drain() }) else { return }
        // Only after `shutdown`: nobody has a reason to ask any more.
        let left = queue.withLock { queue in
            defer { queue = Queue() }
            return queue.work
        }
        for work in left {
            if case .append(let pending) = work {
                pending.completion(.refused(.notLeaderOrFollower, "the server has stopped"))
            }
        }
    }

    private func drain() {
        while true {
            let work = queue.withLock { queue in
                defer { queue.work = [] }
                queue.isDraining = !queue.work.isEmpty
                return queue.work
            }
            guard !work.isEmpty else { return }
            process(work)
        }
    }

    // MARK: A round

    /// What waits for the end of a round, by partition.
    private struct Round {
        struct Waiting {
            var outcome: AppendOutcome
            var completion: @Sendable (AppendOutcome) -> Void
        }

        struct Part {
            var log: PartitionLog
            var isDirty = false
            var waiting: [Waiting] = []
        }

        var parts: [Part] = []
        var indexes: [ObjectIdentifier: Int] = [:]

        mutating func index(of log: PartitionLog) -> Int {
            let id = ObjectIdentifier(log)
            if let index = indexes[id] { return index }
            indexes[id] = parts.count
            parts.append(Part(log: log))
            return parts.count - 1
        }
    }

    private func process(_ work: [Work]) {
        var round = Round()
        let now = clock()
        for item in work {
            switch item {
            case .append(let pending): append(pending, now: now, to: &round)
            case .run(let body):
                finish(round)
                round = Round()
                body()
            }
        }
        finish(round)
    }

    private func append(_ pending: PendingAppend, now: Int64, to round: inout Round) {
        if let code = pending.admission?(), code != .none {
            return pending.completion(.refused(code, code.text))
        }
        let outcome = pending.log.append(pending.batch, now: now)
        let index = round.index(of: pending.log)
        switch outcome {
        case .appended:
            round.parts[index].isDirty = true
            metrics.appended(batchBytes: pending.batch.bytes.count)
        case .duplicate: break
        case .refused: return pending.completion(outcome)
        }
        // A duplicate's first copy may have come in this same round, so it waits like that one.
        guard pending.waitsForSync else { return pending.completion(outcome) }
        round.parts[index].waiting.append(
            .init(outcome: outcome, completion: pending.completion))
    }

    private func finish(_ round: Round) {
        for part in round.parts {
            if part.isDirty { makeSafe(part.log) }
            let isFailed = part.log.isFailed
            for waiting in part.waiting {
                waiting.completion(
                    isFailed
                        ? .refused(.storageError, "the disk failed") : waiting.outcome)
            }
        }
    }

    private func makeSafe(_ log: PartitionLog) {
        switch policy {
        case .always:
            let began = monotonicNanoseconds()
            _ = log.sync()
            metrics.synced(nanoseconds: monotonicNanoseconds() - began)
        case .interval, .never:
            log.publish()
            unsynced.withLock { $0[ObjectIdentifier(log)] = log }
        }
    }

    /// Syncs what was published unsynced: what the timer of the policy `interval` calls.
    func syncUnsynced() {
        run { [self] in
            let logs = unsynced.withLock { logs in
                defer { logs = [:] }
                return Array(logs.values)
            }
            for log in logs { log.syncSoon() }
        }
    }

    /// Lets go of a partition that is deleted, or its files would stay on the disk unseen.
    func forget(_ log: PartitionLog) {
        run { [self] in unsynced.withLock { $0[ObjectIdentifier(log)] = nil } }
    }

    /// Appends and syncs what is queued, then ends the thread.
    func shutdown() async {
        syncUnsynced()
        await thread.shutdown()
    }
}
