import Aggregate
import Base
import Columns
import EventStore
import Model
import Plan
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

    /// An apply that changes no offset could be repeated and would count twice.
    @Test func eventsOfNoRecordAreRefused() throws {
        let store = try open(directory)
        let wrong = batch(events(3, seed: 1), from: 0, to: 0)
        let error = #expect(throws: EventStoreError.self) { try store.apply(wrong) }
        #expect(error?.code == .badBatch)
        #expect(try answer(store, a) == expected([], a))
    }

    @Test func rollupsOfOtherHoursAreRefused() throws {
        let store = try open(directory)
        var wrong = batch(events(3, seed: 1), from: 0)
        wrong.rollups[0].hour += 1000
        let error = #expect(throws: EventStoreError.self) { try store.apply(wrong) }
        #expect(error?.code == .badBatch)
    }

    /// Whatever an apply accepts can be read: every change under right checksums is refused, or
    /// the store answers and merges what it took.
    @Test func whatIsAcceptedCanBeReadAndMerged() throws {
        let seed: UInt64 = 5
        var random = PRNG(seed: seed)
        let clean = batch(
            events(40, seed: 6).map { event in
                PlainEvent(collection: a, time: event.time, number: event.number, word: event.word)
            }, from: 0)
        let store = try open(directory)
        var next: Int64 = 0
        for _ in 0..<600 {
            var changed = clean
            (changed.fromOffset, changed.toOffset) = (next, next + 40)
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 12..<changed.blocks[0].bytes.count, using: &random)
                changed.blocks[0].bytes[place] = UInt8(truncatingIfNeeded: random.next())
            }
            repairChecksums(&changed.blocks[0].bytes)
            do { _ = try store.apply(changed) } catch let error as EventStoreError {
                #expect(error.code == .badBatch, "seed \(seed): \(error)")
            }
            next = store.appliedOffset(ShardID(0))
            if next > 0, random.next() % 8 == 0 { _ = try store.mergeOnce() }
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        var plan = ScanPlan(collection: a, aggregates: [AggregateRequest(kind: .count)])
        plan.filters = [.exists(.timestamp, true)]
        let read = try store.scan(plan, shards: [ShardID(0)]) {}
        #expect(read.groups.map(\.states) == [[.count(next)]], "seed \(seed)")
        #expect(try store.verify().damages == [], "seed \(seed)")
        #expect(next > 0 && next < 600 * 40, "seed \(seed)")
    }

    @Test func typesAddUpAlsoAfterReopening() throws {
        func apply(
            _ names: [String], from: Int64, _ fill: (inout BlockBuilder, ColumnIndex) -> Void
        )
            throws
        {
            let store = try open(directory)
            var builder = BlockBuilder()
            builder.beginRow(timestamp: 0)
            for name in names { fill(&builder, builder.column(name)) }
            builder.endRow()
            _ = try store.apply(
                ApplyBatch(
                    shard: ShardID(0), fromOffset: from, toOffset: from + 1,
                    blocks: [CollectionBlock(collection: a, bytes: builder.encode())],
                    rollups: [RollupDelta(collection: a, hour: 0, count: 1)]))
        }
        // Two spellings of one letter are two properties.
        try apply(["\u{E9}", "e\u{301}"], from: 0) { $0.appendInt(1, to: $1) }
        try apply(["\u{E9}"], from: 1) { $0.appendString("x", to: $1) }
        try apply(["\u{E9}", "x"], from: 2) { $0.appendBool(true, to: $1) }
        let schema = try open(directory).schema(project: a.project)
        let types = schema.flatMap(\.properties).map {
            "\($0.path.text.utf8.count) \($0.type.name)"
        }
        #expect(
            types == ["3 num", "14 datetime", "1 bool", "2 string", "2 num", "2 bool"])
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

/// Makes the checksums of a block right again, as a broken writer would.
private func repairChecksums(_ bytes: inout [UInt8]) {
    func field(_ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    func store(_ value: UInt32, at offset: Int) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }
    for entry in stride(from: 48, through: min(field(20) * 48, bytes.count - 48), by: 48) {
        let (begin, end) = (field(entry + 8), field(entry + 8) + field(entry + 12))
        if end <= bytes.count { store(crc32c(bytes[begin..<end]), at: entry + 16) }
    }
    let header = field(4)
    if header >= 12, header <= bytes.count { store(crc32c(bytes[12..<header]), at: 8) }
}
