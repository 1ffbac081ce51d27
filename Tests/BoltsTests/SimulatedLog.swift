// A log, a store and a consumer that misbehave by the book, for the worker's simulation.

import Base
import Columns
import LogClient
import Model

/// The partitions of one topic: offsets with gaps, and an end that may lie behind the last record.
struct SimulatedLog {
    struct Partition {
        /// Offsets of all records ever written.
        var history: [Int64] = []
        var earliest: Int64 = 0
        var end: Int64 = 0
    }

    var partitions: [Partition]

    mutating func append(to partition: Int, using random: inout PRNG) {
        if Int.random(in: 0..<4, using: &random) == 0 {
            partitions[partition].end += Int64.random(in: 1...3, using: &random)
        }
        partitions[partition].history.append(partitions[partition].end)
        partitions[partition].end += 1
        // A control batch, or the tail of a compacted segment.
        if Int.random(in: 0..<8, using: &random) == 0 { partitions[partition].end += 1 }
    }

    /// Retention: forgets records at the beginning, whoever still wants them.
    mutating func forget(_ partition: Int, using random: inout PRNG) {
        let log = partitions[partition]
        partitions[partition].earliest = min(
            log.end, log.earliest + Int64.random(in: 0...4, using: &random))
    }

    /// Up to `count` records that the log still holds from `offset` on.
    func records(_ partition: Int32, from offset: Int64, count: Int) -> [LogRecord] {
        let log = partitions[Int(partition)]
        let start = log.history.partition { $0 >= max(offset, log.earliest) }
        return log.history[start...].prefix(count).map { Self.record(partition, $0) }
    }

    /// The record's value names its offset; every fifth is no event.
    static func record(_ partition: Int32, _ offset: Int64) -> LogRecord {
        let value =
            isEvent(offset)
            ? #"{"n":\#(offset),"keen":{"timestamp":"2024-01-01T00:00:00Z"}}"# : "no event"
        return LogRecord(
            topic: "t", partition: partition, offset: offset, timestampMilliseconds: 1,
            key: Array("p/c".utf8), value: Array(value.utf8))
    }

    static func isEvent(_ offset: Int64) -> Bool { offset % 5 != 3 }
}

extension Array where Element == Int64 {
    /// The first index whose element fulfils a condition that all later ones fulfil too.
    fileprivate func partition(_ isBehind: (Int64) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Shards that keep the rule of `ApplyBatch`, remember what they applied, and can lose its end.
struct SimulatedStore {
    struct Shard {
        var applied: Int64 = 0
        /// What each batch brought, in order.
        var batches: [(from: Int64, events: [Int64])] = []
        var events: [Int64] { batches.flatMap(\.events) }
    }

    var shards: [Shard]
    var isUp = true
    /// Batches that the store refused to believe.
    var wrongBatches: [String] = []

    mutating func apply(_ batch: ApplyBatch, log: SimulatedLog, lost: Set<Int64>) -> ApplyOutcome {
        let shard = Int(batch.shard.number)
        let applied = shards[shard].applied
        guard batch.fromOffset == applied else {
            return batch.toOffset <= applied ? .alreadyApplied(next: applied) : .gap(next: applied)
        }
        check(batch, log.partitions[shard].history, lost)
        shards[shard].batches.append((batch.fromOffset, Self.events(batch)))
        shards[shard].applied = batch.toOffset
        return .applied(next: batch.toOffset)
    }

    /// The last batches of a shard are gone, as after a power cut.
    mutating func loseTail(_ shard: Int, using random: inout PRNG) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard let last = shards[shard].batches.popLast() else { return }
            shards[shard].applied = last.from
        }
    }

    /// A batch holds every event of its offsets, but for those that the worker said are lost.
    private mutating func check(_ batch: ApplyBatch, _ history: [Int64], _ lost: Set<Int64>) {
        let range = batch.fromOffset..<batch.toOffset
        let events = Self.events(batch)
        let expected = history.filter { range.contains($0) && SimulatedLog.isEvent($0) }
        let found = Set(events)
        let isWhole = expected.allSatisfy { found.contains($0) || lost.contains($0) }
        let isOrdered = zip(events, events.dropFirst()).allSatisfy { $0 < $1 }
        let counted = batch.rollups.reduce(0) { $0 + $1.count }
        guard isWhole, isOrdered, found.isSubset(of: expected), counted == events.count else {
            wrongBatches.append("\(batch.shard): \(range) with \(events), not \(expected)")
            return
        }
    }

    private static func events(_ batch: ApplyBatch) -> [Int64] {
        batch.blocks.flatMap { part -> [Int64] in
            guard let path = try? PropertyPath("n"), let block = try? Block(part.bytes),
                let column = try? block.column(path)?.decode()
            else { return [] }
            return column.ints
        }
    }
}

/// One worker's consumer as librdkafka behaves: what is fetched ahead is outdated by a seek, a pause
/// and an assignment, what has been gathered is not.
struct SimulatedConsumer {
    enum Item {
        case records([LogRecord])
        case end(Int32, Int64)
        case outOfRange(Int32)
    }

    private struct Feed {
        var version: Int
        /// Where the next fetch begins; nil until the assignment has taken effect.
        var position: Int64?
        var start: Int64
        /// After the last record that was handed over.
        var taken: Int64?
        var isPaused = false
        var isStopped = false
        var queue: [(version: Int, item: Item)] = []
    }

    private var feeds: [Int32: Feed] = [:]
    private var lastVersion = 0
    /// Popped from the queues, on their way to the handler.
    private var gathered: [Item] = []
    var seeks: [(partition: Int32, offset: Int64, ticket: UInt64)] = []

    mutating func assign(_ places: [Int32: Int64]) {
        lastVersion += 1
        feeds = places.mapValues { Feed(version: lastVersion, start: $0) }
    }

    mutating func setPaused(_ partition: Int32, _ isPaused: Bool) {
        lastVersion += 1
        feeds[partition]?.version = lastVersion
        feeds[partition]?.isPaused = isPaused
        if isPaused, let taken = feeds[partition]?.taken { feeds[partition]?.position = taken }
    }

    /// Whether the seek begins.
    mutating func seek(_ partition: Int32, _ offset: Int64) -> Bool {
        guard let feed = feeds[partition], feed.position != nil, !feed.isStopped else {
            return false
        }
        lastVersion += 1
        feeds[partition]?.version = lastVersion
        feeds[partition]?.position = offset
        feeds[partition]?.taken = nil
        return true
    }

    /// One partition's fetcher does one thing.
    mutating func fetch(_ log: SimulatedLog, using random: inout PRNG) {
        guard let partition = feeds.keys.sorted().randomElement(using: &random),
            var feed = feeds[partition]
        else { return }
        defer { feeds[partition] = feed }
        let range = log.partitions[Int(partition)]
        guard let position = feed.position else {
            feed.position = feed.start == PartitionOffset.end ? range.end : feed.start
            return
        }
        guard !feed.isPaused, !feed.isStopped, feed.queue.count < 4 else { return }
        guard (range.earliest...range.end).contains(position) else {
            feed.isStopped = true
            return feed.queue.append((feed.version, .outOfRange(partition)))
        }
        let records = log.records(
            partition, from: position, count: Int.random(in: 1...5, using: &random))
        feed.position = records.last.map { $0.offset + 1 } ?? range.end
        feed.queue.append(
            (feed.version, records.isEmpty ? .end(partition, range.end) : .records(records)))
    }

    /// The thread takes an event from one queue, unless it is outdated.
    mutating func gather(using random: inout PRNG) {
        guard let partition = feeds.keys.sorted().randomElement(using: &random),
            let feed = feeds[partition], !feed.queue.isEmpty
        else { return }
        let (version, item) = feed.queue[0]
        feeds[partition]?.queue.removeFirst()
        guard version == feed.version else { return }
        if case .records(let records) = item, let last = records.last {
            feeds[partition]?.taken = last.offset + 1
        }
        gathered.append(item)
    }

    mutating func takeGathered() -> [Item] {
        defer { gathered = [] }
        return gathered
    }
}
