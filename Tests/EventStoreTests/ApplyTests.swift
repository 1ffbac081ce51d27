import Aggregate
import Base
import Columns
import EventStore
import Model
import Testing

/// A batch is stored exactly once, whole, or not at all.
@Suite struct ApplyTests {
    private let directory: TemporaryDirectory
    private let a = collection("a")
    init() throws { directory = try TemporaryDirectory() }

    private func events(_ count: Int, seed: UInt64) -> [PlainEvent] {
        var random = PRNG(seed: seed)
        return randomEvents(count, collections: [a, collection("b")], random: &random)
    }

    @Test func repeatedBatchesAreRecognised() throws {
        let store = try open(directory)
        let first = batch(events(10, seed: 1), from: 0)
        #expect(try store.apply(first) == .applied(next: 10))
        #expect(try store.apply(first) == .alreadyApplied(next: 10))
        #expect(try store.apply(batch([], from: 3, to: 7)) == .alreadyApplied(next: 10))
        try expectEqual(store, events(10, seed: 1), "after a repeat")
    }

    @Test func gapsAndStraddlesSayWhereToGoOn() throws {
        let store = try open(directory)
        _ = try store.apply(batch(events(10, seed: 1), from: 0))
        #expect(try store.apply(batch(events(5, seed: 2), from: 11)) == .gap(next: 10))
        #expect(try store.apply(batch(events(5, seed: 2), from: 8)) == .gap(next: 10))
        #expect(store.appliedOffset(ShardID(0)) == 10)
        try expectEqual(store, events(10, seed: 1), "nothing of the refused batches")
    }

    @Test func recordsWithoutEventsMoveTheOffset() throws {
        let store = try open(directory)
        #expect(try store.apply(batch([], from: 0, to: 1000)) == .applied(next: 1000))
        #expect(try store.apply(batch([], from: 1000, to: 1000)) == .applied(next: 1000))
        #expect(store.appliedOffset(ShardID(0)) == 1000)
    }

    @Test func shardsAreIndependent() throws {
        let store = try open(directory)
        _ = try store.apply(batch(events(10, seed: 1), shard: 1, from: 0))
        _ = try store.apply(batch(events(20, seed: 2), shard: 2, from: 0))
        #expect(store.shardIDs == [ShardID(1), ShardID(2)])
        let both = events(10, seed: 1) + events(20, seed: 2)
        #expect(try answer(store, a, shards: [1, 2]) == expected(both, a))
        #expect(try answer(store, a, shards: [1]) == expected(events(10, seed: 1), a))
        #expect(try rollupCounts(store, a, shards: [1, 2])[0] == expected(both, a).count)
    }

    @Test func everythingIsThereAfterReopening() throws {
        do {
            let store = try open(directory)
            _ = try store.apply(batch(events(30, seed: 1), from: 0))
            try store.close()
            #expect(throws: EventStoreError.self) { try store.apply(batch([], from: 30, to: 31)) }
        }
        let store = try open(directory)
        #expect(store.appliedOffset(ShardID(0)) == 30)
        #expect(store.freshRowCount == 30)
        #expect(try store.apply(batch(events(30, seed: 1), from: 0)) == .alreadyApplied(next: 30))
        _ = try store.apply(batch(events(5, seed: 2), from: 30))
        try expectEqual(store, events(30, seed: 1) + events(5, seed: 2), "reopened")
    }

    @Test func wrongBatchesAreRefusedWhole() throws {
        let store = try open(directory)
        var damaged = batch(events(10, seed: 1), from: 0)
        damaged.blocks[1].bytes[damaged.blocks[1].bytes.count - 1] ^= 1
        var uncounted = batch(events(10, seed: 1), from: 0)
        uncounted.rollups.removeLast()
        var negative = batch(events(1, seed: 1), from: 0)
        negative.rollups[0].count = .min
        var empty = batch([], from: 0, to: 1)
        empty.blocks = [CollectionBlock(collection: a, bytes: BlockBuilder().encode())]
        for wrong in [damaged, uncounted, negative, empty, batch([], from: 5, to: 4)] {
            let error = #expect(throws: EventStoreError.self) { try store.apply(wrong) }
            #expect(error?.code == .badBatch)
        }
        #expect(store.appliedOffset(ShardID(0)) == 0)
        #expect(try answer(store, a) == expected([], a))
    }

    @Test func schemaListsTypesAndCounts() throws {
        let store = try open(directory)
        _ = try store.apply(batch(events(10, seed: 1), from: 0))
        var builder = BlockBuilder()
        builder.beginRow(timestamp: 0)
        builder.appendString("text", to: builder.column("number"))
        builder.appendJSON("[1]", to: builder.column("list"))
        builder.appendInt(5, to: builder.column("keen.created_at"))
        builder.endRow()
        let mixed = ApplyBatch(
            shard: ShardID(3), fromOffset: 0, toOffset: 1,
            blocks: [CollectionBlock(collection: a, bytes: builder.encode())],
            rollups: [RollupDelta(collection: a, hour: 0, count: 1)])
        _ = try store.apply(mixed)
        let all = try store.schema(project: a.project)
        #expect(all.map(\.collection.name) == ["a", "b"])
        #expect(all.map(\.eventCount).reduce(0, +) == 11)
        let one = try store.schema(project: a.project, collection: a.collection)
        #expect(one == [all[0]])
        let types = one[0].properties.map { "\($0.path) \($0.type.name)" }
        #expect(
            types == [
                "keen.created_at datetime", "keen.timestamp datetime", "list array",
                "number string", "number num", "word string",
            ])
        #expect(try store.schema(project: try ProjectID("other")) == [])
    }

    @Test func aNameThatBeginsAnotherIsAnotherCollection() throws {
        let store = try open(directory)
        let names = ["x", "xy", "x y", "x\u{7FF}"].map(collection)
        for (index, name) in names.enumerated() {
            let event = PlainEvent(collection: name, time: 0, number: Int64(index), word: "w")
            _ = try store.apply(batch([event], from: Int64(index)))
        }
        for (index, name) in names.enumerated() {
            #expect(try answer(store, name).sum == .int(Int64(index)))
            let schema = try store.schema(project: name.project, collection: name.collection)
            #expect(schema.map(\.eventCount) == [1])
        }
    }
}
