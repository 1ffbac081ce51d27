// Bringing to the disk what no producer waits for, beside the writers: files that are only derived,
// and, unless every acknowledgement waits for a sync, segments that are full. A writer that did it
// itself would stand still for as long as a sync of a whole segment takes.

internal import Base
internal import EventLoop

/// Who flushes partitions.
protocol PartitionFlusher: Sendable {
    /// Segments are synced here. With the policy `always` they have to be synced before the next
    /// acknowledgement anyway.
    var syncs: Bool { get }
    /// Flushes a partition soon; false if nobody will. Any thread, never blocks.
    func add(_ log: PartitionLog) -> Bool
}

/// Threads that flush partitions.
final class LogFlusher: PartitionFlusher {
    let syncs: Bool
    private let pool: BlockingPool

    init(policy: FsyncPolicy) throws {
        syncs = policy != .always
        // A partition is in line once, or twice if its writer has done the work of the first time.
        pool = try BlockingPool(
            name: "log-flusher", threads: Limits.logFlushThreads,
            queueMax: 2 * Limits.logPartitionsMax)
    }

    func add(_ log: PartitionLog) -> Bool { pool.submit { log.flush() } }

    /// Flushes what is in line, then ends the threads.
    func shutdown() async { await pool.shutdown() }
}
