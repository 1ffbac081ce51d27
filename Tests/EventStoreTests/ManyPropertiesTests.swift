import Aggregate
import Base
import Columns
import EventStore
import Foundation
import Model
import Plan
import Testing

/// Ten thousand properties of one collection work, and cost the others nothing but their names.
@Suite struct ManyPropertiesTests {
    private static let propertyCount = 10_000

    private func batch(
        _ count: Int, from: Int64, wide: Bool, _ random: inout PRNG
    ) -> ApplyBatch {
        var builder = BlockBuilder()
        for index in 0..<count {
            builder.beginRow(timestamp: from + Int64(index))
            builder.appendInt(1, to: builder.column("common"))
            for _ in 0..<(wide ? 5 : 1) {
                let number = wide ? Int(random.next() % UInt64(Self.propertyCount)) : 0
                builder.appendInt(Int64(number), to: builder.column("p\(number)"))
            }
            builder.endRow()
        }
        let id = collection("a")
        return ApplyBatch(
            shard: ShardID(0), fromOffset: from, toOffset: from + Int64(count),
            blocks: [CollectionBlock(collection: id, bytes: builder.encode())],
            rollups: [RollupDelta(collection: id, hour: 0, count: Int64(count))])
    }

    private func filled(_ directory: TemporaryDirectory, wide: Bool) throws -> EventStore {
        var options = smallPolicy()
        options.mergePolicy.sealRows = 4000
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var random = PRNG(seed: 4)
        for start in stride(from: Int64(0), to: 12_000, by: 500) {
            _ = try store.apply(batch(500, from: start, wide: wide, &random))
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        return store
    }

    private func sum(_ store: EventStore, _ path: String) throws -> AggregateResult? {
        let plan = ScanPlan(
            collection: collection("a"),
            aggregates: [AggregateRequest(kind: .sum, target: try PropertyPath(path))])
        return try store.scan(plan, shards: [ShardID(0)]) {}.groups.first?.states.first?.result
    }

    @Test func tenThousandPropertiesWork() throws {
        let directory = try TemporaryDirectory()
        let store = try filled(directory, wide: true)
        #expect(store.freshRowCount < 4000)
        #expect(try sum(store, "common") == .int(12_000))
        #expect(try sum(store, "p17") != .int(0))
        let schema = try store.schema(project: collection("a").project)
        // Sixty thousand draws leave out a few dozen of ten thousand.
        #expect((schema.first?.properties.count ?? 0) > 9900)
        let plan = ExtractionPlan(collection: collection("a"), limit: 20, isLatest: true)
        let read = try store.extract(plan, shards: [ShardID(0)]) {}.events
        #expect(read.count == 20)
        #expect(try store.verify().damages == [])
    }

    /// By hand, with MILLRACE_LONG=measure: what a common property costs beside ten thousand others.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "measure"))
    func measure() throws {
        for wide in [false, true] {
            let directory = try TemporaryDirectory()
            let start = ContinuousClock.now
            let store = try filled(directory, wide: wide)
            let stored = ContinuousClock.now - start
            let first = ContinuousClock.now
            for _ in 0..<50 { #expect(try sum(store, "common") == .int(12_000)) }
            print("wide \(wide): stored in \(stored), sum \((ContinuousClock.now - first) / 50)")
        }
    }
}
