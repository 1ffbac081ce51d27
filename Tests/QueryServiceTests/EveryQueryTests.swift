import Base
import Bolts
import EventStore
import Foundation
import JSON
import Logging
import Model
import Plan
import Query
import QueryService
import Testing
import Wire

/// Whatever is asked of whatever blocks (in the tail, merged, with deleted events in them), planner,
/// scan and writer together answer as a plain walk over the same events does.
@Suite struct EveryQueryTests {
    /// Set MILLRACE_SEED for another world, MILLRACE_LONG=fuzz and MILLRACE_SECONDS for a long run.
    @Test(.timeLimit(.minutes(60))) func everyAnswerIsThatOfAList() throws {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 9_000
        let isLong = environment["MILLRACE_LONG"] == "fuzz"
        let seconds = environment["MILLRACE_SECONDS"].flatMap { Double($0) } ?? 60
        let start = ContinuousClock.now
        var seed = first
        var count = 0
        while isLong ? .now - start < .seconds(seconds) : seed < first + 4 {
            var world = try StoredWorld(seed: seed)
            for _ in 0..<3 {
                try world.change()
                for _ in 0..<(isLong ? 400 : 160) {
                    try world.ask()
                    count += 1
                }
            }
            try world.end()
            seed += 1
        }
        print("\(count) queries agreed, seeds \(first) to \(seed - 1), in \(.now - start)")
    }
}

/// A store, and beside it the list of the events that it must hold.
private struct StoredWorld {
    private static let now = ReferenceCalendar(timezone: nil).instant(TestCluster.now)
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let zones = ZoneLibrary(logger: logger)

    private let seed: UInt64
    private var random: PRNG
    private var queries: RandomQueries
    private let directory: URL
    private let store: EventStore
    private let shards = (0..<3).map { ShardID($0) }
    private var events: [PlainEvent] = []
    private var asked = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = PRNG(seed: ~seed)
        queries = RandomQueries(seed: seed)
        directory = FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString)")
        var options = EventStoreOptions()
        options.mergePolicy.sealRows = 20
        options.mergePolicy.fanIn = 3
        options.rowStore.memtableBytes = 8 << 20
        store = try EventStore(
            directory: directory.path, options: options, logger: Self.logger)
    }

    func end() throws {
        try store.close()
        try FileManager.default.removeItem(at: directory)
    }

    /// More events, deletes and merges.
    mutating func change() throws {
        for _ in 0..<1 + Int.random(in: 0..<6, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: try delete()
            case 1: _ = try store.mergeOnce()
            default: try write(Int.random(in: 1..<25, using: &random))
            }
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            while store.hasMergeWork { _ = try store.mergeOnce() }
        }
    }

    private mutating func write(_ count: Int) throws {
        let shard = shards[Int.random(in: 0..<shards.count, using: &random)]
        let from = store.appliedOffset(shard)
        let decoder = EventDecoder()
        var decoded = DecodedEvents()
        for index in 0..<count {
            let event = queries.event()
            events.append(flattened(event))
            decoder.decode(
                offset: from + Int64(index), key: Array("\(TestCluster.project)/orders".utf8),
                value: event.encoded, into: &decoded)
        }
        _ = try store.apply(
            ApplyBatch(
                shard: shard, fromOffset: from, toOffset: from + Int64(count),
                blocks: decoded.blocks(), rollups: decoded.rollups))
    }

    /// Deletes what the filters of some query choose, as long as that leaves something.
    private mutating func delete() throws {
        let query = queries.query()
        guard let filters = query["filters"]?.array, !filters.isEmpty else { return }
        var parameters = JSONObject()
        for name in ["filters", "timezone"] { parameters[name] = query[name] }
        let reference = ReferenceAnswer(query: parameters, now: Self.now)
        let left = events.filter { event in !filters.allSatisfy { reference.holds($0, event) } }
        guard left.count > events.count / 2 else { return }
        let choice = try EventChoice(
            parameters: Parameters(parameters), now: Timestamp(milliseconds: Self.now),
            zones: { Self.zones.zone(named: $0) })
        let control = CollectionControl(
            collection: try Self.collection(),
            bytes: ControlCommand.deleteEvents(timeframe: nil, filters: choice.filters).encoded)
        for shard in shards {
            let from = store.appliedOffset(shard)
            _ = try store.apply(
                ApplyBatch(shard: shard, fromOffset: from, toOffset: from + 1, control: control))
        }
        events = left
    }

    private static func collection() throws -> CollectionID {
        CollectionID(
            project: try ProjectID(TestCluster.project), collection: try CollectionName("orders"))
    }

    mutating func ask() throws {
        let query = queries.query()
        asked += 1
        let expected = ReferenceAnswer(query: query, now: Self.now).result(events)
        let found = try answer(query)
        let text = String(decoding: JSONValue.object(query).encoded, as: UTF8.self)
        try #require(
            isSame(found["result"], expected),
            """
            seed \(seed), query \(asked): \(text)
            found \(String(decoding: found.encoded, as: UTF8.self).prefix(2000))
            wanted \(String(decoding: expected.encoded, as: UTF8.self).prefix(2000))
            """)
    }

    /// As the query server does it, with two nodes and without the network.
    private func answer(_ query: JSONObject) throws -> JSONValue {
        let analysis = try #require(
            query["analysis_type"]?.string.flatMap { AnalysisName(rawValue: $0) })
        let prepared = try PreparedQuery(
            analysis: analysis, project: try ProjectID(TestCluster.project),
            parameters: Parameters(query), now: Timestamp(milliseconds: Self.now),
            zones: { Self.zones.zone(named: $0) })
        let parts = try prepared.plans.map { try scan($0) }
        return try JSONValue(parsing: try prepared.finish(prepared.combine(parts)))
    }

    private func scan(_ plan: ScanPlan) throws -> PartialResult {
        var writer = ByteWriter()
        plan.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        let plan = try ScanPlan(from: &reader)
        var merger = PartialMerger()
        for part in [shards[..<1], shards[1...]] {
            var writer = ByteWriter()
            try store.scan(plan, shards: Array(part)) {}.encode(into: &writer)
            var reader = ByteReader(writer.bytes)
            try merger.add(try PartialResult(from: &reader))
        }
        return try merger.finish()
    }
}
