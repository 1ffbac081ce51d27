import Aggregate
import Base
import Columns
import EventStore
import Model
import Plan
import Testing
import Wire

/// What scans found in sealed blocks is kept, and never answers for events that are gone or others
/// that came.
@Suite struct AnswerCacheTests {
    private let directory: TemporaryDirectory
    private let name = collection("a")
    init() throws { directory = try TemporaryDirectory() }

    private func fill(_ store: EventStore, _ events: [PlainEvent]) throws {
        var from = store.appliedOffset(ShardID(0))
        for start in stride(from: 0, to: events.count, by: 20) {
            let part = Array(events[start..<min(start + 20, events.count)])
            _ = try store.apply(batch(part, from: from))
            from += Int64(part.count)
        }
    }

    private func merge(_ store: EventStore) throws {
        while store.hasMergeWork { _ = try store.mergeOnce() }
    }

    private func plan(
        _ timeframe: Range<Timestamp>? = nil, boundaries: [Int64] = [], groupBy: [String] = ["word"]
    ) throws -> ScanPlan {
        ScanPlan(
            collection: name, timeframe: timeframe, groupBy: try groupBy.map(PropertyPath.init),
            boundaries: boundaries.map { Timestamp(milliseconds: $0) },
            aggregates: [
                AggregateRequest(kind: .sum, target: try PropertyPath("number")),
                AggregateRequest(kind: .countUnique, target: try PropertyPath("number")),
            ])
    }

    private func scan(_ store: EventStore, _ plan: ScanPlan) throws -> PartialResult {
        try store.scan(plan, shards: [ShardID(0)]) {}
    }

    @Test func aRepeatedPlanReadsOnlyWhatIsNew() throws {
        let store = try open(directory)
        var random = PRNG(seed: 3)
        try fill(store, randomEvents(1000, collections: [name], random: &random))
        try merge(store)
        let plan = try plan()
        let first = try scan(store, plan)
        #expect(first.statistics.blocksRead > 5 && first.statistics.blocksCached == 0)
        let second = try scan(store, plan)
        #expect(second.groups == first.groups)
        #expect(second.statistics.blocksRead == 0)
        #expect(second.statistics.blocksCached == first.statistics.blocksRead)
        #expect(second.statistics.bytesRead == 0 && first.statistics.bytesRead > 0)
        let more = randomEvents(60, collections: [name], random: &random)
        try fill(store, more)
        let third = try scan(store, plan)
        #expect(third.statistics.rowsScanned == 60)
        #expect(third.statistics.blocksCached == first.statistics.blocksRead)
    }

    @Test func aWindowThatMovesAsksMostBlocksTheSame() throws {
        let store = try open(directory)
        // One event a minute, so that blocks follow each other in time.
        let events = (0..<1000).map {
            PlainEvent(collection: name, time: Int64($0) * 60_000, number: Int64($0 % 7), word: "w")
        }
        try fill(store, events)
        try merge(store)
        var isFirst = true
        for start in [0, 5, 11] {
            let boundaries = (0...14).map { Int64(start * 60_000) + Int64($0) * hour }
            let frame =
                Timestamp(
                    milliseconds: boundaries[0])..<Timestamp(
                    milliseconds: boundaries[14])
            let found = try scan(store, plan(frame, boundaries: boundaries))
            for bucket in 0..<14 {
                let range = boundaries[bucket]..<boundaries[bucket + 1]
                let sum = events.filter { range.contains($0.time) }.reduce(0) { $0 + $1.number }
                let group = try #require(found.groups.first { $0.bucket == Int32(bucket) })
                #expect(group.states[0].result == .int(sum))
            }
            // Without buckets the blocks within both windows are known; only ends are read.
            let plain = try scan(store, plan(frame))
            #expect(plain.statistics.blocksRead <= 3 || isFirst)
            isFirst = false
        }
    }

    /// Random histories of batches, merges and deletes, asked the same questions again and again.
    @Test(arguments: 0..<6 as Range<UInt64>) func answersStayExact(seed: UInt64) throws {
        let store = try open(directory)
        var random = PRNG(seed: seed)
        var events: [PlainEvent] = []
        for step in 0..<25 {
            let more = randomEvents(
                Int.random(in: 1...90, using: &random), collections: [name], random: &random)
            try fill(store, more)
            events += more
            if Bool.random(using: &random) { try merge(store) }
            if step % 3 == 2 {
                let word = "w\(random.next() % 5)"
                let low = Int64.random(in: -5 * hour...38 * hour, using: &random)
                let frame = Timestamp(milliseconds: low)..<Timestamp(milliseconds: low + hour)
                let filters = [Filter.compare(try PropertyPath("word"), .equal, .string(word))]
                let command = ControlCommand.deleteEvents(timeframe: frame, filters: filters)
                _ = try store.apply(
                    control(command, name, from: store.appliedOffset(ShardID(0))))
                events.removeAll {
                    $0.word == word && frame.contains(Timestamp(milliseconds: $0.time))
                }
            }
            for frame in [nil, Timestamp(milliseconds: 0)..<Timestamp(milliseconds: 20 * hour)] {
                let wanted = expected(events, name, timeframe: frame)
                for _ in 0..<2 {
                    #expect(
                        try answer(store, name, timeframe: frame) == wanted,
                        "seed \(seed), step \(step)")
                }
            }
        }
    }

    @Test func aPropertyThatIsDeletedIsGoneAtOnce() throws {
        let store = try open(directory)
        var random = PRNG(seed: 8)
        try fill(store, randomEvents(500, collections: [name], random: &random))
        try merge(store)
        let plan = try plan()
        for _ in 0..<2 { #expect(try scan(store, plan).groups.count == 5) }
        _ = try store.apply(
            control(
                .deleteProperty(try PropertyPath("word")), name,
                from: store.appliedOffset(ShardID(0))))
        let after = try scan(store, plan)
        #expect(after.groups.map(\.key) == [[.null]])
    }

    @Test func whatIsKeptIsBounded() throws {
        var options = smallPolicy()
        options.answerCacheBytesMax = 40_000
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var random = PRNG(seed: 5)
        let events = randomEvents(1000, collections: [name], random: &random)
        try fill(store, events)
        try merge(store)
        for number in 0..<300 {
            let frame =
                Timestamp(
                    milliseconds: Int64(-10 * hour) - Int64(number))..<Timestamp(
                    milliseconds: 50 * hour)
            let found = try scan(store, plan(frame, boundaries: []))
            #expect(found.groups.count == 5)
            #expect(store.answerCacheByteCount <= 40_000)
        }
    }
}

/// Scans that need too much memory end with an error that says so; the store answers others.
@Suite struct ScanBudgetTests {
    private let directory: TemporaryDirectory
    private let name = collection("a")
    init() throws { directory = try TemporaryDirectory() }

    private func store(query: Int, node: Int) throws -> EventStore {
        var options = smallPolicy()
        options.scanBytesMax = query
        options.scansBytesMax = node
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var from: Int64 = 0
        for start in stride(from: 0, to: 20_000, by: 1000) {
            let events = (start..<start + 1000).map {
                PlainEvent(collection: name, time: Int64($0), number: Int64($0), word: "word \($0)")
            }
            _ = try store.apply(batch(events, from: from))
            from += 1000
        }
        return store
    }

    private func greedy() throws -> [ScanPlan] {
        let (number, word) = (try PropertyPath("number"), try PropertyPath("word"))
        return [
            ScanPlan(
                collection: name,
                aggregates: [AggregateRequest(kind: .countUnique, target: word)]),
            ScanPlan(
                collection: name, groupBy: [number, word],
                aggregates: [AggregateRequest(kind: .count)]),
            ScanPlan(
                collection: name, groupBy: [word],
                aggregates: [AggregateRequest(kind: .selectUnique, target: number)]),
        ]
    }

    @Test func aGreedyQueryFailsAndOthersAreAnswered() throws {
        let store = try store(query: 400_000, node: 1 << 30)
        for plan in try greedy() {
            #expect(throws: ScanBudgetError.query(bytesMax: 400_000)) {
                try store.scan(plan, shards: [ShardID(0)]) {}
            }
        }
        let small = ScanPlan(
            collection: name,
            aggregates: [AggregateRequest(kind: .sum, target: try PropertyPath("number"))])
        let found = try store.scan(small, shards: [ShardID(0)]) {}
        #expect(found.groups.first?.states[0].result == .int(19_999 * 10_000))
    }

    @Test func whatScansTookIsGivenBack() throws {
        let store = try store(query: 1 << 30, node: 10_000_000)
        for _ in 0..<3 {
            for plan in try greedy() { _ = try store.scan(plan, shards: [ShardID(0)]) {} }
        }
        // Many at once are too many, one after the other are not.
        let plan = try greedy()[1]
        var held: [(scan: StoreScan, lane: ScanLane)] = []
        #expect(throws: ScanBudgetError.node(bytesMax: 10_000_000)) {
            for _ in 0..<100 {
                let scan = try store.beginScan(plan, shards: [ShardID(0)]) {}
                let lane = scan.makeLane()
                held.append((scan, lane))
                while try lane.step() {}
            }
        }
        #expect(held.count > 1)
        let first = held.removeFirst()
        held = []
        _ = try first.scan.finish([first.lane])
        #expect(try store.scan(plan, shards: [ShardID(0)]) {}.count > 0)
    }
}
