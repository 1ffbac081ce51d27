// Whose turn it is among reads that share a node's threads. Who has had the least so far comes
// first, so a small read passes the large ones by; every fourth turn goes to whoever has waited
// longest, so that many small ones do not starve a large one. Pure: time comes in.

/// Waiting turns.
struct TurnQueue<Turn> {
    private struct Entry {
        var turn: Turn
        /// Nanoseconds that the read had before.
        var spent: UInt64
        var ticket: UInt64
    }

    /// A heap with the entry that has spent the least on top.
    private var entries: [Entry] = []
    private var nextTicket: UInt64 = 0
    private var turnCount = 0

    /// Turns between two that go by age. A choice.
    private static var fairness: Int { 4 }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    mutating func add(_ turn: Turn, spent: UInt64) {
        entries.append(Entry(turn: turn, spent: spent, ticket: nextTicket))
        nextTicket += 1
        rise(entries.count - 1)
    }

    /// The next turn; nil if nobody waits.
    mutating func take() -> Turn? {
        guard !entries.isEmpty else { return nil }
        turnCount += 1
        guard turnCount.isMultiple(of: Self.fairness),
            let oldest = entries.indices.min(by: { entries[$0].ticket < entries[$1].ticket })
        else { return remove(at: 0) }
        return remove(at: oldest)
    }

    private mutating func remove(at index: Int) -> Turn {
        let last = entries.count - 1
        entries.swapAt(index, last)
        let entry = entries.removeLast()
        if index < last {
            rise(index)
            sink(index)
        }
        return entry.turn
    }

    private func comesBefore(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (entries[left], entries[right])
        return (left.spent, left.ticket) < (right.spent, right.ticket)
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, comesBefore(index, (index - 1) / 2) {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && comesBefore(child, least) { least = child }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
