import Base
import Model
import Plan
import RowStore
import Testing

@testable import EventStore

/// Many collections of few events: each is one cell until it has grown, answers are those of a
/// plain list throughout, and the order of the log stays.
@Suite struct SmallBlockTests {
    private let shard = ShardID(0)

    @Test func manyCollectionsAreACellEach() throws {
        let directory = try TemporaryDirectory()
        var store: EventStore? = try open(directory)
        let names = (0..<300).map { collection("c\($0)") }
        var events: [PlainEvent] = []
        for round in 0..<20 {
            let added = names.map {
                PlainEvent(
                    collection: $0, time: Int64(round % 7) * hour, number: Int64(round), word: "w")
            }
            _ = try #require(store).apply(batch(added, from: Int64(events.count)))
            events += added
            if round == 6 {
                let opened = try #require(store)
                #expect(cells(opened, StoreTables.small) == 300)
                #expect(cells(opened, StoreTables.blocks) == 0)
                #expect(!opened.hasMergeWork)
                #expect(opened.freshRowCount == events.count)
                try compare(opened, names, events)
            }
            guard round % 6 == 5 else { continue }
            while try #require(store).hasMergeWork { _ = try #require(store).mergeOnce() }
            store = nil
            store = try open(directory)
            #expect(try #require(store).freshRowCount == events.count)
            try compare(try #require(store), names, events)
        }
        let opened = try #require(store)
        while opened.hasMergeWork { _ = try opened.mergeOnce() }
        // Twice eight have become two blocks, four wait.
        #expect(cells(opened, StoreTables.blocks) == 600)
        #expect(opened.verifyIsClean)
        try compare(opened, names, events)
    }

    private func compare(
        _ store: EventStore, _ names: [CollectionID], _ events: [PlainEvent]
    ) throws {
        for index in stride(from: 0, to: names.count, by: 37) {
            #expect(try answer(store, names[index]) == expected(events, names[index]))
            let counts = try rollupCounts(store, names[index])
            #expect(counts[0] == Int64(events.count / names.count))
        }
        let schema = try store.schema(project: names[0].project)
        #expect(schema.count == names.count)
        #expect(schema.allSatisfy { $0.eventCount == Int64(events.count / names.count) })
    }

    private func cells(_ store: EventStore, _ table: TableName) -> Int {
        (try? store.rows.snapshot().slice(table, in: .all, limit: .max).count) ?? -1
    }

    /// Small blocks between large ones: events of one moment come out in the order of the log.
    @Test func smallAndLargeBlocksInTurn() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        let name = collection("a")
        var random = PRNG(seed: 4)
        var next: Int64 = 0
        for _ in 0..<60 {
            let count = Bool.random(using: &random) ? 2 : 25
            let added = (0..<count).map {
                PlainEvent(collection: name, time: 0, number: next + Int64($0), word: "w")
            }
            _ = try store.apply(batch(added, from: next))
            next += Int64(count)
            if Int.random(in: 0..<4, using: &random) == 0 { _ = try store.mergeOnce() }
            let read = try store.extract(
                ExtractionPlan(collection: name, limit: 10_000), shards: [shard]
            ) {}.events
            let numbers = read.map { String(decoding: $0.json, as: UTF8.self) }
            let wanted = (0..<next).reversed().map {
                #"{"keen":{"timestamp":"1970-01-01T00:00:00.000Z"},"number":\#($0),"word":"w"}"#
            }
            #expect(numbers == wanted, "seed 4, \(next) events")
        }
        #expect(store.verifyIsClean)
    }
}

extension EventStore {
    fileprivate var verifyIsClean: Bool { (try? verify().damages.isEmpty) ?? false }
}
