import Aggregate
import Base
import Columns
import Foundation
import Model
import Plan
import RPC
import Testing
import Wire

/// kill -9 of the real executable while workers apply and the merger seals: nothing is lost that
/// was acknowledged, and nothing is counted twice.
@Suite struct StoreChaosTests {
    /// How often the store is killed; `make chaos` means it.
    private static let rounds = isLong ? 50 : 5
    /// Fewer a round in a long run: every round reads everything there is.
    private static let batchesMax = isLong ? 3 : 14
    private static let isLong =
        ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "chaos"
    private let name: CollectionID
    private let directory: TemporaryDirectory
    private static let shards: [Int32] = [0, 1]
    private static let batchRows: Int64 = 5000

    init() throws {
        directory = try TemporaryDirectory()
        name = CollectionID(project: try ProjectID("p"), collection: try CollectionName("c"))
    }

    @Test func nothingIsLostAndNothingTwice() async throws {
        let seed: UInt64 = 21
        var random = PRNG(seed: seed)
        var acknowledged: [Int32: Int64] = [:]
        for round in 0..<Self.rounds {
            let store = try await StoreProcess(
                data: directory.path + "/store", files: directory.path)
            try await check(store.client, acknowledged, "seed \(seed), round \(round)")
            let batches = Int.random(in: 1...Self.batchesMax, using: &random)
            for shard in Self.shards {
                for _ in 0..<batches {
                    let outcome = try await apply(store.client, shard, acknowledged[shard] ?? 0)
                    guard case .applied(let next) = outcome else {
                        // Applied before, but the process ended before it could say so.
                        guard case .alreadyApplied(let next) = outcome else {
                            Issue.record("\(outcome)")
                            continue
                        }
                        acknowledged[shard] = next
                        continue
                    }
                    acknowledged[shard] = next
                }
            }
            // One more under way, of which nobody knows what became.
            let client = store.client
            let last = batch(0, acknowledged[0] ?? 0)
            async let unknown = client.apply(last)
            await store.kill()
            _ = try? await unknown
        }
        let store = try await StoreProcess(data: directory.path + "/store", files: directory.path)
        try await check(store.client, acknowledged, "seed \(seed), at the end")
        #expect(await store.stop() == 0)
        let (status, text) = try StoreProcess.verify(data: directory.path + "/store")
        #expect(status == 0, "\(text)")
        // Sealing happened in between.
        #expect(!text.contains(" 0 segments"), "\(text)")
    }

    private func apply(
        _ client: StoreClient, _ shard: Int32, _ from: Int64
    ) async throws -> ApplyOutcome {
        try await client.apply(batch(shard, from))
    }

    private func batch(_ shard: Int32, _ from: Int64) -> ApplyBatch {
        var builder = BlockBuilder()
        for row in 0..<Self.batchRows {
            builder.beginRow(timestamp: (from + row) * 1000)
            builder.appendInt(from + row, to: builder.column("n"))
            builder.endRow()
        }
        var hours: [Int64: Int64] = [:]
        for row in 0..<Self.batchRows { hours[(from + row) / 3600, default: 0] += 1 }
        return ApplyBatch(
            shard: ShardID(shard), fromOffset: from, toOffset: from + Self.batchRows,
            blocks: [CollectionBlock(collection: name, bytes: builder.encode())],
            rollups: hours.map {
                RollupDelta(collection: name, hour: $0.key, count: $0.value)
            })
    }

    /// Every shard stands where it said or one batch further, and holds the events up to there,
    /// each once, by its blocks as by its rollups.
    private func check(
        _ client: StoreClient, _ acknowledged: [Int32: Int64], _ note: String
    ) async throws {
        let number = try PropertyPath("n")
        for shard in Self.shards {
            let applied = try await client.appliedOffsets([ShardID(shard)])[0].offset
            let known = acknowledged[shard] ?? 0
            #expect(applied == known || applied == known + Self.batchRows, "\(note)")
            guard applied > 0 else { continue }
            let plan = ScanPlan(
                collection: name,
                aggregates: [
                    AggregateRequest(kind: .count),
                    AggregateRequest(kind: .sum, target: number),
                    AggregateRequest(kind: .countUnique, target: number),
                ])
            let states = try await client.scan(plan, shards: [ShardID(shard)]).groups[0].states
            #expect(
                states.map(\.result)
                    == [.int(applied), .int(applied * (applied - 1) / 2), .int(applied)], "\(note)")
            let counted = ScanPlan(collection: name, aggregates: [AggregateRequest(kind: .count)])
            let rollup = try await client.scan(counted, shards: [ShardID(shard)])
            #expect(rollup.statistics.usedRollup, "\(note)")
            #expect(rollup.groups[0].states == [.count(applied)], "\(note)")
        }
    }
}
