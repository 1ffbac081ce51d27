import Base
import Testing

@testable import StoreService

/// Whose turn it is.
@Suite struct TurnQueueTests {
    @Test func theOneThatHadTheLeastComesFirst() {
        var queue = TurnQueue<String>()
        for (name, spent) in [("large", 900), ("new", 0), ("middle", 50), ("newer", 0)] {
            queue.add(name, spent: UInt64(spent))
        }
        #expect((0..<3).map { _ in queue.take() } == ["new", "newer", "middle"])
        #expect(queue.take() == "large")
        #expect(queue.take() == nil && queue.isEmpty)
    }

    /// A large read among endless small ones goes on.
    @Test func everyFourthTurnGoesByAge() {
        var queue = TurnQueue<String>()
        queue.add("large", spent: 1_000_000)
        var turns: [String] = []
        for _ in 0..<40 {
            queue.add("small", spent: 0)
            guard let turn = queue.take() else { break }
            turns.append(turn)
            if turn == "large" { queue.add("large", spent: 1_000_000) }
        }
        #expect(turns.count { $0 == "large" } >= 3)
    }

    /// Nothing is lost or given twice, and the order is that of a plain search.
    @Test(arguments: 0..<20 as Range<UInt64>) func agreesWithAPlainSearch(seed: UInt64) {
        var random = PRNG(seed: seed)
        var queue = TurnQueue<Int>()
        var plain: [(turn: Int, spent: UInt64)] = []
        var takes = 0
        for turn in 0..<400 {
            if Bool.random(using: &random) || plain.isEmpty {
                let spent = UInt64.random(in: 0...9, using: &random)
                queue.add(turn, spent: spent)
                plain.append((turn, spent))
                continue
            }
            takes += 1
            let wanted =
                takes.isMultiple(of: 4)
                ? plain[0] : plain.min { ($0.spent, $0.turn) < ($1.spent, $1.turn) }
            #expect(queue.take() == wanted?.turn, "seed \(seed)")
            plain.removeAll { $0.turn == wanted?.turn }
            #expect(queue.count == plain.count)
        }
    }
}
