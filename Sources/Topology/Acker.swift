// Who is done: counts, for each batch of one lane, the tuples that still have to be executed.
//
// Storm's acker keeps an XOR of random ids because its tuples cross processes; within a lane a
// count is exact. Batches are reported in log order, whatever order they finish in, because an
// acked offset stands for everything below it.

/// The batches of one lane that are on their way, oldest first.
struct Acker: Sendable {
    struct Pending: Sendable {
        let batch: UInt64
        let toOffset: Int64
        let emittedAt: Duration
        var tuples: Int
    }

    /// A batch that is done, with all before it.
    struct Done: Sendable, Equatable {
        let toOffset: Int64
        let emittedAt: Duration
    }

    private(set) var pending: [Pending] = []
    private var lastBatch: UInt64 = 0

    /// Registers a batch of the spout that became `tuples` tuples.
    mutating func add(toOffset: Int64, tuples: Int, now: Duration) -> UInt64 {
        lastBatch += 1
        pending.append(
            Pending(batch: lastBatch, toOffset: toOffset, emittedAt: now, tuples: tuples))
        return lastBatch
    }

    /// One tuple of `batch` was executed and became `emitted` others.
    mutating func executed(batch: UInt64, emitted: Int) {
        guard let index = pending.firstIndex(where: { $0.batch == batch }) else {
            preconditionFailure("tuple of batch \(batch), which is not pending")
        }
        pending[index].tuples += emitted - 1
        precondition(pending[index].tuples >= 0, "batch \(batch) was acked twice")
    }

    /// Takes away the batches at the front that are done.
    mutating func takeDone() -> [Done] {
        let count = pending.firstIndex { $0.tuples > 0 } ?? pending.count
        defer { pending.removeFirst(count) }
        return pending[..<count].map { Done(toOffset: $0.toOffset, emittedAt: $0.emittedAt) }
    }
}
