// What waits to be merged in one shard: in which order collections get their turn, and how much it
// is. Beyond a bound the shard takes no batches, so that the tail stays as small as the log is not.

internal import Base
internal import Model

/// A part of a shard's state.
struct Backlog: Sendable {
    /// Bytes of fresh blocks that due merges would read, of each collection.
    private var bytes: [CollectionID: Int] = [:]
    /// Sum of `bytes` without those that cannot be merged.
    private(set) var byteCount = 0
    /// Collections in the order of their turns; some may have nothing to do any more.
    private var queue: [CollectionID] = []
    private var queued: Set<CollectionID> = []
    /// Collections whose last merge met damage: they do not keep the others from growing.
    private var stuck: Set<CollectionID> = []

    /// Notes what is due of a collection, which may be nothing.
    mutating func set(_ collection: CollectionID, byteCount due: Int) {
        if !stuck.contains(collection) { byteCount += due - bytes[collection, default: 0] }
        bytes[collection] = due > 0 ? due : nil
        if due > 0, queued.insert(collection).inserted { queue.append(collection) }
    }

    /// The collections whose turn it is, at most so many. Their next turn comes after all others'.
    mutating func takeTurns(_ most: Int) -> [CollectionID] {
        var turns: [CollectionID] = []
        var seen = 0
        while seen < queue.count, turns.count < most {
            let collection = queue[seen]
            seen += 1
            if bytes[collection] == nil {
                queued.remove(collection)
            } else {
                turns.append(collection)
            }
        }
        queue.removeFirst(seen)
        queue += turns
        return turns
    }

    /// Notes whether a collection's merge met damage.
    mutating func set(_ collection: CollectionID, isStuck: Bool) {
        let due = bytes[collection, default: 0]
        if isStuck {
            if stuck.insert(collection).inserted { byteCount -= due }
        } else if stuck.remove(collection) != nil {
            byteCount += due
        }
    }

    /// Throws `busy` if there is more than may wait.
    func checkRoom(_ most: Int) throws {
        guard byteCount >= most else { return }
        throw EventStoreError(
            .busy, "\(byteCount) bytes of fresh blocks wait to be merged, at most \(most) may")
    }
}

extension TailPlanner {
    /// Bytes that the steps read.
    static func byteCount(of steps: [Step], _ blocks: [FreshSize]) -> Int {
        // A step is work even if its blocks were of no size.
        steps.reduce(0) { sum, step in
            sum + blocks[step.range].reduce(1) { $0 + $1.byteCount }
        }
    }
}
