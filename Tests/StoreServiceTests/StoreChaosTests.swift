import Aggregate
import Base
import Columns
import Foundation
import Model
import Plan
import RPC
import Testing
import Wire

/// kill -9 of the real executable while workers apply and delete and the merger seals and rewrites:
/// nothing is lost that was acknowledged, nothing counted twice, and what was deleted stays gone.
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

    /// What a record, or several of them, do to a shard.
    private enum Step {
        /// Events whose number and second are their offsets.
        case events(Range<Int64>)
        /// The delete, at an offset, of the events of some seconds.
        case delete(Range<Int64>, at: Int64)

        var offsets: Range<Int64> {
            switch self {
            case .events(let offsets): offsets
            case .delete(_, let offset): offset..<offset + 1
            }
        }
    }

    /// The plain model of a shard: the numbers of its events, in stretches.
    private struct Model {
        var applied: Int64 = 0
        var live: [Range<Int64>] = []
        /// Sent, and nobody knows what became of it.
        var unknown: Step?

        mutating func take(_ step: Step) {
            applied = step.offsets.upperBound
            unknown = nil
            switch step {
            case .events(let offsets): live.append(offsets)
            case .delete(let gone, _):
                live = live.flatMap { stretch in
                    [
                        stretch.clamped(to: .min..<gone.lowerBound),
                        stretch.clamped(to: gone.upperBound..<Int64.max),
                    ].filter { !$0.isEmpty }
                }
            }
        }

        var count: Int64 { live.reduce(0) { $0 + Int64($1.count) } }
        var sum: Int64 {
            live.reduce(0) { $0 + ($1.lowerBound + $1.upperBound - 1) * Int64($1.count) / 2 }
        }
    }

    @Test func nothingIsLostAndNothingTwice() async throws {
        let seed: UInt64 = 21
        var random = PRNG(seed: seed)
        var models: [Int32: Model] = [:]
        for shard in Self.shards { models[shard] = Model() }
        for round in 0..<Self.rounds {
            let store = try await StoreProcess(
                data: directory.path + "/store", files: directory.path)
            try await check(store.client, &models, "seed \(seed), round \(round)")
            let steps = Int.random(in: 1...Self.batchesMax, using: &random)
            for shard in Self.shards {
                for _ in 0..<steps {
                    let step = step(models[shard]?.applied ?? 0, &random)
                    let outcome = try await store.client.apply(batch(shard, step))
                    #expect(outcome == .applied(next: step.offsets.upperBound))
                    models[shard]?.take(step)
                }
            }
            // One more under way, of which nobody knows what became.
            let shard = Self.shards[round % Self.shards.count]
            let last = step(models[shard]?.applied ?? 0, &random)
            models[shard]?.unknown = last
            let client = store.client
            let request = batch(shard, last)
            async let unknown = client.apply(request)
            await store.kill()
            _ = try? await unknown
        }
        let store = try await StoreProcess(data: directory.path + "/store", files: directory.path)
        try await check(store.client, &models, "seed \(seed), at the end")
        #expect(await store.stop() == 0)
        let (status, text) = try StoreProcess.verify(data: directory.path + "/store")
        #expect(status == 0, "\(text)")
        // Sealing happened in between.
        #expect(!text.contains(" 0 segments"), "\(text)")
    }

    /// A batch of events, or in one of four cases a delete of some of all there are.
    private func step(_ from: Int64, _ random: inout PRNG) -> Step {
        guard from > 0, Int.random(in: 0..<4, using: &random) == 0 else {
            return .events(from..<from + Self.batchRows)
        }
        let begin = Int64.random(in: 0..<from, using: &random)
        let count = Int64.random(in: 1...2 * Self.batchRows, using: &random)
        return .delete(begin..<begin + count, at: from)
    }

    private func batch(_ shard: Int32, _ step: Step) -> ApplyBatch {
        var batch = ApplyBatch(
            shard: ShardID(shard), fromOffset: step.offsets.lowerBound,
            toOffset: step.offsets.upperBound, blocks: [], rollups: [])
        switch step {
        case .events(let numbers):
            var builder = BlockBuilder()
            var hours: [Int64: Int64] = [:]
            for number in numbers {
                builder.beginRow(timestamp: number * 1000)
                builder.appendInt(number, to: builder.column("n"))
                builder.endRow()
                hours[number / 3600, default: 0] += 1
            }
            batch.blocks = [CollectionBlock(collection: name, bytes: builder.encode())]
            batch.rollups = hours.map {
                RollupDelta(collection: name, hour: $0.key, count: $0.value)
            }
        case .delete(let seconds, _):
            let frame =
                Timestamp(
                    milliseconds: seconds.lowerBound * 1000)..<Timestamp(
                    milliseconds: seconds.upperBound * 1000)
            batch.control = CollectionControl(
                collection: name,
                bytes: ControlCommand.deleteEvents(timeframe: frame, filters: []).encoded)
        }
        return batch
    }

    /// Every shard stands where it said or one step further, and holds the events that are left up
    /// to there, each once, by its blocks as by its rollups.
    private func check(
        _ client: StoreClient, _ models: inout [Int32: Model], _ note: String
    ) async throws {
        let number = try PropertyPath("n")
        for shard in Self.shards {
            let applied = try await client.appliedOffsets([ShardID(shard)])[0].offset
            var model = try #require(models[shard])
            if applied != model.applied, let unknown = model.unknown { model.take(unknown) }
            model.unknown = nil
            models[shard] = model
            #expect(applied == model.applied, "\(note), shard \(shard)")
            guard model.count > 0 else { continue }
            let plan = ScanPlan(
                collection: name,
                aggregates: [
                    AggregateRequest(kind: .count),
                    AggregateRequest(kind: .sum, target: number),
                    AggregateRequest(kind: .countUnique, target: number),
                ])
            let states = try await client.scan(plan, shards: [ShardID(shard)]).groups[0].states
            #expect(
                states.map(\.result) == [.int(model.count), .int(model.sum), .int(model.count)],
                "\(note), shard \(shard)")
            let counted = ScanPlan(collection: name, aggregates: [AggregateRequest(kind: .count)])
            let rollup = try await client.scan(counted, shards: [ShardID(shard)])
            #expect(rollup.statistics.usedRollup, "\(note)")
            #expect(rollup.groups[0].states == [.count(model.count)], "\(note), shard \(shard)")
        }
    }
}
