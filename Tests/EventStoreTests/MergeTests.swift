import Base
import EventStore
import Model
import Synchronization
import Testing

/// Merging changes where events are and nothing else.
@Suite struct MergeTests {
    private let directory: TemporaryDirectory
    private let names = [collection("big"), collection("small"), collection("tiny")]
    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func answersStayTheSame(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        var store = try open(directory)
        var events: [PlainEvent] = []
        for round in 0..<60 {
            let count = Int.random(in: 0...30, using: &random)
            let names = random.next() % 3 == 0 ? names : [names[0]]
            let added = randomEvents(count, collections: names, random: &random)
            let outcome = try store.apply(batch(added, from: Int64(events.count)))
            events += added
            #expect(outcome == .applied(next: Int64(events.count)))
            if random.next() % 3 == 0 { _ = try store.mergeOnce() }
            guard round % 10 == 9 else { continue }
            try expectEqual(store, events, "seed \(seed), round \(round)")
            try store.close()
            store = try reopened(&store)
            try expectEqual(store, events, "seed \(seed), reopened after round \(round)")
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        #expect(store.freshRowCount < events.count)
        try expectEqual(store, events, "seed \(seed), all merged")
    }

    /// Lets go of the old store before the new one is opened.
    private func reopened(_ store: inout EventStore) throws -> EventStore {
        let other = try TemporaryDirectory()
        store = try open(other)
        return try open(directory)
    }

    @Test func singleEventsBecomeFewBlocks() throws {
        let store = try open(directory)
        var random = PRNG(seed: 9)
        var events: [PlainEvent] = []
        for index in 0..<500 {
            events += randomEvents(1, collections: [names[0]], random: &random)
            _ = try store.apply(batch([events[index]], from: Int64(index)))
            while store.hasMergeWork { _ = try store.mergeOnce() }
        }
        let report = try store.verify()
        // Four sizes of fresh blocks, at most four of each, and five sealed ones.
        #expect(report.blocks < 22)
        #expect(report.segments >= 4)
        try expectEqual(store, events, "single events")
    }

    /// Names are bytes: an accent typed as one letter or as two makes two collections.
    @Test func collectionsThatOnlyLookAlikeStayApart() throws {
        let alike = [collection("caf\u{E9}"), collection("cafe\u{301}")]
        let store = try open(directory)
        var random = PRNG(seed: 12)
        var events: [PlainEvent] = []
        for _ in 0..<30 {
            let added = randomEvents(10, collections: alike, random: &random)
            _ = try store.apply(batch(added, from: Int64(events.count)))
            events += added
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        try expectEqual(store, events, "two spellings")
        let schema = try store.schema(project: alike[0].project)
        #expect(schema.map(\.collection) == alike.sorted().map(\.collection))
        #expect(schema.allSatisfy { $0.properties.count == 3 })
    }

    @Test func oneSegmentHoldsManyCollections() throws {
        let store = try open(directory)
        var events: [PlainEvent] = []
        for name in 0..<8 {
            for number in 0..<120 {
                events.append(
                    PlainEvent(
                        collection: collection("c\(name)"), time: Int64(number),
                        number: Int64(number), word: "w"))
            }
        }
        _ = try store.apply(batch(events, from: 0))
        let report = try store.mergeOnce()
        #expect(report.sealedBlocks == 8 && report.segments == 1)
        #expect(report.sealedRows == events.count)
        try expectEqual(store, events, "eight collections")
    }

    @Test func scansDuringApplyAndMergeSeeWholeBatches() async throws {
        let store = try open(directory)
        let name = names[0]
        let isDone = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { isDone.raise() }
                var random = PRNG(seed: 4)
                for index in 0..<150 {
                    let added = randomEvents(10, collections: [name], random: &random)
                    _ = try store.apply(batch(added, from: Int64(index) * 10))
                }
            }
            group.addTask {
                while !isDone.isRaised {
                    _ = try store.mergeOnce()
                    await Task.yield()
                }
            }
            group.addTask {
                var last: Int64 = 0
                while !isDone.isRaised {
                    let before = store.appliedOffset(ShardID(0))
                    let count = try answer(store, name).count
                    let after = store.appliedOffset(ShardID(0))
                    // A batch may become readable a moment before its offset does.
                    #expect(count >= before && count <= after + 10 && count % 10 == 0)
                    #expect(count >= last)
                    last = count
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        #expect(try answer(store, name).count == 1500)
        #expect(try store.verify().damages == [])
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isRaised: Bool { value.load(ordering: .sequentiallyConsistent) }
    func raise() { value.store(true, ordering: .sequentiallyConsistent) }
}
