import Base
import Columns
import Model
import RowStore
import Testing
import Wire

@testable import EventStore

/// One event however often it is sent: decided with the applied offset, in one write.
@Suite struct DedupeTests {
    private let directory: TemporaryDirectory
    private let a = collection("a")
    private let b = collection("b")
    private let day: Int64 = 86_400_000
    init() throws { directory = try TemporaryDirectory() }

    private struct Sent {
        var token: String?
        /// Hours since 1970.
        var created: Int64 = 1
        var time: Int64 = 1
        var number: Int64 = 0
    }

    private func batch(
        _ events: [Sent], in target: CollectionID? = nil, shard: Int32 = 0, from: Int64
    ) -> ApplyBatch {
        var builder = BlockBuilder()
        var hours: [Int64: Int64] = [:]
        for event in events {
            builder.beginRow(timestamp: event.time * hour)
            builder.appendInt(event.created * hour, to: builder.column("keen.created_at"))
            builder.appendInt(event.number, to: builder.column("number"))
            if let token = event.token {
                builder.appendString(token, to: builder.column("keen.uniqueness_token"))
            }
            builder.endRow()
            hours[event.time, default: 0] += 1
        }
        let target = target ?? a
        return ApplyBatch(
            shard: ShardID(shard), fromOffset: from, toOffset: from + Int64(events.count),
            blocks: [CollectionBlock(collection: target, bytes: builder.encode())],
            rollups: hours.map { RollupDelta(collection: target, hour: $0.key, count: $0.value) })
    }

    /// Blocks, totals and rollups agree on how many there are.
    private func expect(
        _ count: Int64, _ store: EventStore, _ target: CollectionID? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let target = target ?? a
        let totals = try store.rows.counter(
            StoreTables.totals, key: StoreTables.row(ShardID(0), target))
        #expect(totals == count, sourceLocation: sourceLocation)
        #expect(
            try rollupCounts(store, target, shards: [0])[0] == count,
            sourceLocation: sourceLocation)
        let snapshot = store.rows.snapshot()
        let rows = try store.blocks(of: target, ShardID(0), snapshot)
            .reduce(0) { $0 + $1.record.rowCount }
        #expect(Int64(rows) == count, sourceLocation: sourceLocation)
    }

    @Test func aTokenIsStoredOnceWithinABatchAndBetweenBatches() throws {
        let store = try open(directory)
        _ = try store.apply(
            batch([Sent(token: "x"), Sent(token: "x", time: 7), Sent(), Sent()], from: 0))
        try expect(3, store)
        #expect(try store.apply(batch([Sent(token: "x")], from: 4)) == .applied(next: 5))
        try expect(3, store)
        _ = try store.apply(batch([Sent(token: "y"), Sent(token: "x"), Sent()], from: 5))
        try expect(5, store)
        _ = try store.apply(batch([Sent(token: "x")], in: b, from: 8))
        try expect(1, store, b)
        #expect(try store.verify().damages.isEmpty)
    }

    @Test func theWindowIsThatOfTheLogAndEndsExactly() throws {
        let store = try open(directory)
        _ = try store.apply(batch([Sent(token: "x", created: 0)], from: 0))
        _ = try store.apply(batch([Sent(token: "x", created: 23)], from: 1))
        try expect(1, store)
        _ = try store.apply(batch([Sent(token: "x", created: 24)], from: 2))
        try expect(2, store)
        // The later one counts from now on; clocks may differ the other way round too.
        _ = try store.apply(batch([Sent(token: "x", created: 1)], from: 3))
        try expect(2, store)
        _ = try store.apply(batch([Sent(token: "x", created: 0)], from: 4))
        try expect(3, store)
    }

    @Test func tokensOutliveRestartsAndRepeats() throws {
        do {
            let store = try open(directory)
            _ = try store.apply(batch([Sent(token: "x")], from: 0))
            try store.close()
        }
        let store = try open(directory)
        #expect(try store.apply(batch([Sent(token: "x")], from: 0)) == .alreadyApplied(next: 1))
        _ = try store.apply(batch([Sent(token: "x"), Sent(token: "z")], from: 1))
        try expect(2, store)
    }

    @Test func tokensGoWhenTheyAreOfNoUse() throws {
        let store = try open(directory)
        store.advanceTime(to: 100 * day)
        _ = try store.apply(batch([Sent(token: "x")], from: 0))
        let key = StoreTables.tokenKey(StoreTables.row(ShardID(0), a), "x")
        store.advanceTime(to: 102 * day - 1)
        #expect(try store.rows.get(StoreTables.tokens, key: key) != nil)
        store.advanceTime(to: 102 * day)
        #expect(try store.rows.get(StoreTables.tokens, key: key) == nil)
    }

    @Test func aDeletedCollectionForgetsItsTokens() throws {
        let store = try open(directory)
        _ = try store.apply(batch([Sent(token: "x")], from: 0))
        _ = try store.apply(batch([Sent(token: "x")], in: b, from: 1))
        var delete = ApplyBatch(shard: ShardID(0), fromOffset: 2, toOffset: 3)
        delete.control = CollectionControl(
            collection: a, bytes: ControlCommand.deleteCollection.encoded)
        _ = try store.apply(delete)
        _ = try store.apply(batch([Sent(token: "x")], from: 3))
        _ = try store.apply(batch([Sent(token: "x")], in: b, from: 4))
        try expect(1, store)
        try expect(1, store, b)
    }

    @Test func whatIsNoTokenIsNotLookedAt() throws {
        var options = smallPolicy()
        options.dedupeWindowMilliseconds = 0
        do {
            let store = try EventStore(
                directory: directory.path + "/off", options: options, logger: quiet)
            _ = try store.apply(batch([Sent(token: "x"), Sent(token: "x")], from: 0))
            try expect(2, store)
        }
        let store = try open(directory)
        let long = String(repeating: "x", count: Limits.uniquenessTokenBytesMax + 1)
        _ = try store.apply(
            batch(
                [Sent(token: long), Sent(token: long), Sent(token: ""), Sent(token: "")], from: 0)
        )
        try expect(4, store)
    }

    /// Whatever the cut into batches, and however often a batch is sent, as many are stored as
    /// there are tokens and events without one.
    @Test func theCutIntoBatchesDoesNotMatter() throws {
        for seed in UInt64(1)...8 {
            var random = PRNG(seed: seed)
            let events = (0..<200).map { _ in
                Sent(
                    token: Bool.random(using: &random)
                        ? "t\(Int.random(in: 0..<40, using: &random))" : nil,
                    time: Int64.random(in: 0...5, using: &random))
            }
            let tokens = Set(events.compactMap(\.token)).count
            let count = tokens + events.count { $0.token == nil }
            let store = try EventStore(
                directory: directory.path + "/\(seed)", options: smallPolicy(), logger: quiet)
            var at = 0
            while at < events.count {
                let size = min(Int.random(in: 1...30, using: &random), events.count - at)
                let next = batch(Array(events[at..<at + size]), from: Int64(at))
                _ = try store.apply(next)
                if Bool.random(using: &random) { _ = try store.apply(next) }
                if Bool.random(using: &random) { _ = try store.mergeOnce() }
                at += size
            }
            try expect(Int64(count), store)
            #expect(try store.verify().damages.isEmpty, "seed \(seed)")
        }
    }
}
