// A store as a test sees it: batches in, answers out, and a plain list of events beside it.

import Aggregate
import Base
import Columns
import EventStore
import Logging
import Model
import Plan
import Testing

/// Small enough that a few hundred events make several sealed blocks.
func smallPolicy() -> EventStoreOptions {
    var options = EventStoreOptions()
    options.mergePolicy.sealRows = 100
    options.mergePolicy.fanIn = 4
    options.rowStore.memtableBytes = 8 << 20
    return options
}

let quiet = Logger(label: "test")

func open(
    _ directory: TemporaryDirectory, options: EventStoreOptions = smallPolicy(),
    disk: any Disk = LocalDisk()
) throws -> EventStore {
    try EventStore(
        directory: directory.path + "/store", options: options, disk: disk, logger: quiet)
}

struct PlainEvent: Sendable {
    var collection: CollectionID
    var time: Int64
    var number: Int64
    var word: String
}

func collection(_ name: String) -> CollectionID {
    do {
        return CollectionID(project: try ProjectID("p"), collection: try CollectionName(name))
    } catch { preconditionFailure("\(error)") }
}

let hour: Int64 = 3_600_000

/// A batch of events as a worker makes it.
func batch(_ events: [PlainEvent], shard: Int32 = 0, from: Int64, to: Int64? = nil) -> ApplyBatch {
    var builders: [CollectionID: BlockBuilder] = [:]
    var hours: [CollectionID: [Int64: Int64]] = [:]
    for event in events {
        builders[event.collection, default: BlockBuilder()].append(event)
        hours[event.collection, default: [:]][event.time.floorDivided(by: hour), default: 0] += 1
    }
    let blocks = builders.sorted { $0.key < $1.key }.map {
        CollectionBlock(collection: $0.key, bytes: $0.value.encode())
    }
    let rollups = hours.flatMap { collection, counts in
        counts.map { RollupDelta(collection: collection, hour: $0.key, count: $0.value) }
    }
    return ApplyBatch(
        shard: ShardID(shard), fromOffset: from, toOffset: to ?? from + Int64(events.count),
        blocks: blocks, rollups: rollups)
}

extension BlockBuilder {
    fileprivate mutating func append(_ event: PlainEvent) {
        beginRow(timestamp: event.time)
        appendInt(event.number, to: column("number"))
        appendString(event.word, to: column("word"))
        endRow()
    }
}

func randomEvents(
    _ count: Int, collections: [CollectionID], random: inout PRNG
) -> [PlainEvent] {
    (0..<count).map { _ in
        PlainEvent(
            collection: collections[Int(random.next() % UInt64(collections.count))],
            time: Int64.random(in: -5 * hour...40 * hour, using: &random),
            number: Int64.random(in: -1000...1000, using: &random),
            word: "w\(random.next() % 5)")
    }
}

/// What a store says about a collection, by reading events.
struct Answer: Equatable, Sendable {
    var count: Int64 = 0
    var sum: AggregateResult = .int(0)
    var words: [String: Int64] = [:]
}

func answer(
    _ store: EventStore, _ collection: CollectionID, shards: [Int32] = [0],
    timeframe: Range<Timestamp>? = nil, whileReading: () throws -> Void = {}
) throws -> Answer {
    let plan = ScanPlan(
        collection: collection, timeframe: timeframe, groupBy: [try PropertyPath("word")],
        aggregates: [
            AggregateRequest(kind: .count),
            AggregateRequest(kind: .sum, target: try PropertyPath("number")),
        ])
    var isFirst = true
    let result = try store.scan(plan, shards: shards.map(ShardID.init)) {
        if isFirst { try whileReading() }
        isFirst = false
    }
    #expect(!result.statistics.usedRollup)
    var answer = Answer()
    var total = AggregateState(empty: .sum)
    for group in result.groups {
        guard case .count(let count) = group.states[0], case .string(let word) = group.key[0]
        else { continue }
        answer.count += count
        answer.words[word] = count
        try total.merge(group.states[1])
    }
    answer.sum = total.result
    return answer
}

/// The same from the plain list.
func expected(
    _ events: [PlainEvent], _ collection: CollectionID, timeframe: Range<Timestamp>? = nil
) -> Answer {
    let chosen = events.filter {
        $0.collection == collection
            && timeframe?.contains(Timestamp(milliseconds: $0.time)) ?? true
    }
    var answer = Answer()
    answer.count = Int64(chosen.count)
    answer.sum = .int(chosen.reduce(0) { $0 + $1.number })
    for event in chosen { answer.words[event.word, default: 0] += 1 }
    return answer
}

/// A count that rollups answer, a bucket for each boundary but the last.
func rollupCounts(
    _ store: EventStore, _ collection: CollectionID, boundaries: [Int64] = [], shards: [Int32] = [0]
) throws -> [Int32: Int64] {
    let times = boundaries.map { Timestamp(milliseconds: $0) }
    var plan = ScanPlan(
        collection: collection, boundaries: times, aggregates: [AggregateRequest(kind: .count)])
    if let first = times.first, let last = times.last { plan.timeframe = first..<last }
    let result = try store.scan(plan, shards: shards.map(ShardID.init)) {}
    #expect(result.statistics.usedRollup)
    var counts: [Int32: Int64] = [:]
    for group in result.groups {
        if case .count(let count) = group.states[0] { counts[group.bucket] = count }
    }
    return counts
}

/// Everything the tests compare.
func expectEqual(_ store: EventStore, _ events: [PlainEvent], _ note: String) throws {
    for id in Set(events.map(\.collection)) {
        let read = try answer(store, id)
        #expect(read == expected(events, id), "\(note)")
        #expect(try rollupCounts(store, id)[0] == read.count, "\(note)")
        let frame = Timestamp(milliseconds: 3 * hour + 7)..<Timestamp(milliseconds: 21 * hour)
        #expect(
            try answer(store, id, timeframe: frame) == expected(events, id, timeframe: frame),
            "\(note)")
        let boundaries = [-10, 0, 1, 5, 50].map { $0 * hour }
        var counts: [Int32: Int64] = [:]
        for event in events where event.collection == id {
            let bucket = (boundaries.firstIndex { event.time < $0 } ?? 0) - 1
            counts[Int32(bucket), default: 0] += 1
        }
        #expect(try rollupCounts(store, id, boundaries: boundaries) == counts, "\(note)")
    }
    #expect(try store.verify().damages == [], "\(note)")
}
