import Aggregate
import Base
import Columns
import EventStore
import Foundation
import Model
import Plan
import Testing
import Wire

/// A delete hides what it says at its offset, in every count, and leaves the disk afterwards.
@Suite struct DeleteTests {
    private let directory: TemporaryDirectory
    private let name = collection("a")
    private let other = collection("b")
    init() throws { directory = try TemporaryDirectory() }

    private func filled(_ store: EventStore, count: Int = 250) throws -> [PlainEvent] {
        var random = PRNG(seed: 11)
        let events = randomEvents(count, collections: [name, other], random: &random)
        for start in stride(from: 0, to: count, by: 10) {
            _ = try store.apply(
                batch(Array(events[start..<start + 10]), from: Int64(start)))
        }
        return events
    }

    private func delete(
        _ store: EventStore, _ command: ControlCommand, _ collection: CollectionID? = nil
    ) throws {
        let from = store.appliedOffset(ShardID(0))
        let outcome = try store.apply(control(command, collection ?? name, from: from))
        #expect(outcome == .applied(next: from + 1))
    }

    @Test(arguments: [false, true]) func rowsGoByFilterAndTime(isSealed: Bool) throws {
        let store = try open(directory)
        var events = try filled(store)
        if isSealed { while store.hasMergeWork { _ = try store.mergeOnce() } }
        let frame = Timestamp(milliseconds: 2 * hour + 5)..<Timestamp(milliseconds: 30 * hour)
        let filters = [Filter.compare(try PropertyPath("word"), .equal, .string("w1"))]
        try delete(store, .deleteEvents(timeframe: frame, filters: filters))
        events.removeAll {
            $0.collection == name && $0.word == "w1"
                && frame.contains(Timestamp(milliseconds: $0.time))
        }
        try expectEqual(store, events, "at once")
        // What comes afterwards is not touched, and the whole can be replayed.
        let later = PlainEvent(collection: name, time: 3 * hour, number: 7, word: "w1")
        let from = store.appliedOffset(ShardID(0))
        _ = try store.apply(batch([later], from: from))
        let again = try store.apply(
            control(.deleteEvents(timeframe: frame, filters: filters), name, from: from - 1))
        #expect(again == .alreadyApplied(next: from + 1))
        events.append(later)
        try expectEqual(store, events, "afterwards")
        _ = try store.mergeOnce()
        while store.hasMergeWork { _ = try store.mergeOnce() }
        #expect(try store.mergeOnce().rewrittenBlocks == 0)
        try expectEqual(store, events, "rewritten")
    }

    @Test func aWholeCollectionGoesWithAllThatIsKnownOfIt() throws {
        let store = try open(directory)
        let events = try filled(store)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        try delete(store, .deleteCollection)
        #expect(try store.schema(project: name.project).map(\.collection) == [other.collection])
        #expect(try rollupCounts(store, name) == [:])
        try expectEqual(store, events.filter { $0.collection == other }, "the other")
        // The same property comes back when events bring it.
        let event = PlainEvent(collection: name, time: 5, number: 1, word: "w")
        _ = try store.apply(batch([event], from: store.appliedOffset(ShardID(0))))
        let types = try store.schema(project: name.project, collection: name.collection)
        #expect(types[0].properties.map(\.path.text) == ["keen.timestamp", "number", "word"])
        #expect(try answer(store, name).count == 1)
        try delete(store, .deleteEvents(timeframe: nil, filters: []))
        #expect(try store.schema(project: name.project, collection: name.collection) == [])
        // A filter that leaves nothing is the end of the collection too.
        try delete(
            store, .deleteEvents(timeframe: nil, filters: [.exists(.timestamp, true)]), other)
        #expect(try store.schema(project: name.project) == [])
        #expect(store.freshRowCount == 0)
        #expect(try store.verify().damages == [])
        _ = try store.mergeOnce()
        #expect(try LocalDisk().names(in: directory.path + "/store/segments") == [])
    }

    @Test func aPropertyGoesFromEventsAndSchema() throws {
        let store = try open(directory)
        let events = try filled(store).filter { $0.collection == name }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        try delete(store, .deleteProperty(try PropertyPath("word")))
        func check(_ note: String) throws {
            let schema = try store.schema(project: name.project, collection: name.collection)
            #expect(schema[0].properties.map(\.path.text) == ["keen.timestamp", "number"])
            #expect(schema[0].eventCount == Int64(events.count))
            let plan = ExtractionPlan(collection: name, limit: 1000)
            let read = try store.extract(plan, shards: [ShardID(0)]) {}.events
            #expect(read.count == events.count)
            let texts = read.map { String(decoding: $0.json, as: UTF8.self) }
            #expect(texts.allSatisfy { !$0.contains("word") && $0.contains("number") })
            let filtered = ExtractionPlan(
                collection: name, filters: [.exists(try PropertyPath("word"), true)], limit: 1)
            #expect(try store.extract(filtered, shards: [ShardID(0)]) {}.events.isEmpty)
            #expect(try store.verify().damages == [], "\(note)")
        }
        try check("hidden")
        #expect(try store.mergeOnce().rewrittenBlocks > 0)
        try check("rewritten")
        let segments = directory.path + "/store/segments/"
        for file in try LocalDisk().names(in: segments) {
            let bytes = try LocalDisk().read(segments + file) ?? []
            #expect(!bytes.isEmpty)
        }
    }

    @Test func segmentsStayForTheirReaders() throws {
        let store = try open(directory)
        let events = try filled(store)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        var isFirst = true
        let plan = ExtractionPlan(collection: name, limit: 1000)
        let read = try store.extract(plan, shards: [ShardID(0)]) {
            guard isFirst else { return }
            isFirst = false
            try delete(store, .deleteCollection)
            try delete(store, .deleteCollection, other)
            _ = try store.mergeOnce()
        }
        #expect(read.events.count == expected(events, name).count)
        _ = try store.mergeOnce()
        #expect(try LocalDisk().names(in: directory.path + "/store/segments") == [])
    }

    /// Nobody can say which events of an unreadable block a delete leaves, so nobody is told.
    @Test func aDeleteThatCannotBeDecidedIsNoAnswer() throws {
        do {
            let store = try open(directory)
            _ = try filled(store)
            while store.hasMergeWork { _ = try store.mergeOnce() }
        }
        let segments = directory.path + "/store/segments/"
        let file = segments + (try #require(try LocalDisk().names(in: segments).min()))
        let clean = try #require(try LocalDisk().read(file))
        var bytes = clean
        // The block's header, so that no column of it can be read.
        bytes[64 + 20] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let store = try open(directory)
        for id in [name, other] {
            try delete(
                store,
                .deleteEvents(
                    timeframe: nil,
                    filters: [.compare(try PropertyPath("word"), .equal, .string("w1"))]), id)
        }
        // Whole again, but the delete has been passed over.
        try Data(clean).write(to: URL(fileURLWithPath: file))
        var failures = 0
        for id in [name, other] {
            do { _ = try answer(store, id) } catch let error as EventStoreError {
                failures += 1
                #expect(error.code == .damaged)
                #expect(error.message.contains("delete"), "\(error)")
                #expect(error.message.contains("\(id) in shard 0 from "), "\(error)")
            }
        }
        #expect(failures == 1)
        #expect(try store.verify().damages.count == 1)
        // Deleting everything decides it.
        for id in [name, other] { try delete(store, .deleteCollection, id) }
        #expect(try store.verify().damages == [])
    }

    @Test func eventsThatAreTooOldGoByTheHour() throws {
        let store = try open(directory)
        var events = try filled(store)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        try delete(store, .keep(milliseconds: 10 * hour))
        // Nothing goes before somebody looks at the clock.
        try expectEqual(store, events, "before")
        let now = Timestamp(milliseconds: 20 * hour + 17)
        let before = events.count
        events.removeAll { $0.collection == name && $0.time < 10 * hour }
        #expect(try store.applyRetention(now: now) == Int64(before - events.count))
        #expect(try store.applyRetention(now: now) == 0)
        try expectEqual(store, events, "hidden")
        _ = try store.mergeOnce()
        try expectEqual(store, events, "merged")
        try delete(store, .keep(milliseconds: nil))
        #expect(try store.applyRetention(now: Timestamp(milliseconds: 90 * hour)) == 0)
        try expectEqual(store, events, "kept")
    }

    @Test func wrongControlRecordsAreRefused() throws {
        let store = try open(directory)
        let event = PlainEvent(collection: name, time: 5, number: 1, word: "w")
        var mixed = batch([event], from: 0)
        mixed.control = CollectionControl(
            collection: name, bytes: ControlCommand.deleteCollection.encoded)
        var garbage = control(.deleteCollection, name, from: 0)
        garbage.control?.bytes[5] ^= 1
        let keen = control(.deleteProperty(.timestamp), name, from: 0)
        for wrong in [mixed, garbage, keen] {
            let error = #expect(throws: EventStoreError.self) { try store.apply(wrong) }
            #expect(error?.code == .badBatch)
        }
        #expect(store.appliedOffset(ShardID(0)) == 0)
    }
}

/// A batch of one control record.
func control(
    _ command: ControlCommand, _ collection: CollectionID, shard: Int32 = 0, from: Int64
) -> ApplyBatch {
    ApplyBatch(
        shard: ShardID(shard), fromOffset: from, toOffset: from + 1,
        control: CollectionControl(collection: collection, bytes: command.encoded))
}
