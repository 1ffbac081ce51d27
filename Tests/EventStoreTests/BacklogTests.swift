import Base
import Model
import Testing

@testable import EventStore

/// The tail stays bounded, and every collection gets its turn.
@Suite struct BacklogTests {
    @Test func everyCollectionGetsItsTurn() {
        var backlog = Backlog()
        let names = (0..<10).map { collection("c\($0)") }
        for name in names { backlog.set(name, byteCount: 5) }
        backlog.set(names[3], byteCount: 0)
        backlog.set(names[4], byteCount: 9)
        #expect(backlog.byteCount == 8 * 5 + 9)
        let others = names.filter { $0 != names[3] }
        #expect(backlog.takeTurns(4) == Array(others[..<4]))
        // Come in again while they wait: no second place.
        backlog.set(names[0], byteCount: 7)
        backlog.set(names[3], byteCount: 1)
        #expect(backlog.takeTurns(5) == Array(others[4...]))
        #expect(backlog.takeTurns(100) == others[..<4] + [names[3]] + others[4...])
    }

    @Test func whatCannotBeMergedDoesNotCount() throws {
        var backlog = Backlog()
        let (bad, good) = (collection("bad"), collection("good"))
        backlog.set(bad, byteCount: 100)
        backlog.set(good, byteCount: 10)
        #expect(throws: EventStoreError.self) { try backlog.checkRoom(100) }
        backlog.set(bad, isStuck: true)
        backlog.set(bad, byteCount: 500)
        #expect(backlog.byteCount == 10)
        try backlog.checkRoom(100)
        #expect(backlog.takeTurns(2) == [bad, good])
        backlog.set(bad, isStuck: false)
        #expect(backlog.byteCount == 510)
    }

    /// Beyond the bound batches are refused until a merge has made room; none is lost by it.
    @Test func aLongTailAnswersBusyUntilItIsMerged() throws {
        let directory = try TemporaryDirectory()
        var options = smallPolicy()
        options.backlogBytesMax = 20_000
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var random = PRNG(seed: 3)
        var events: [PlainEvent] = []
        var refusals = 0
        while events.count < 20_000 {
            let added = randomEvents(
                200, collections: [collection("a"), collection("b")], random: &random)
            do {
                _ = try store.apply(batch(added, from: Int64(events.count)))
                events += added
            } catch let error as EventStoreError {
                #expect(error.code == .busy)
                refusals += 1
                // What was there before is answered all the same.
                #expect(
                    try store.apply(batch(Array(events.prefix(5)), from: 0))
                        == .alreadyApplied(next: Int64(events.count)))
                _ = try store.mergeOnce()
            }
            #expect(store.freshRowCount < 4000)
        }
        #expect(refusals > 3)
        try expectEqual(store, events, "after refusals")
    }
}
