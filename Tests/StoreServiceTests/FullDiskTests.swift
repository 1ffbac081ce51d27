import Aggregate
import Base
import Columns
import Foundation
import Model
import Plan
import RPC
import TestSupport
import Testing
import Wire

/// The disk of the data fills up under a running store, and gets room again. SMALL_DISK
/// names an empty file system of 250 MB for this; `mount -t tmpfs -o size=250m` makes one.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SMALL_DISK"] != nil))
struct FullDiskTests {
    private let disk = ProcessInfo.processInfo.environment["SMALL_DISK"] ?? ""
    private let name: CollectionID
    private let directory: TemporaryDirectory
    private static let batchRows: Int64 = 20_000

    init() throws {
        directory = try TemporaryDirectory()
        name = CollectionID(project: try ProjectID("p"), collection: try CollectionName("c"))
    }

    @Test func aFullDiskCostsNothingAndIsOverWhenItIsOver() async throws {
        var random = PRNG(seed: 4)
        var next: Int64 = 0
        for stopsWhileFull in [false, true] {
            let ballast = URL(filePath: "\(disk)/ballast")
            try Data(count: 190 << 20).write(to: ballast)
            var store = try await StoreProcess(data: "\(disk)/store", files: directory.path)
            #expect(try await count(store) == next)
            #expect(try await fill(store, &next, &random) == .unavailable)
            // What is there can still be read.
            #expect(try await count(store) == next)
            if stopsWhileFull { #expect(await store.stop() == 0) }
            try FileManager.default.removeItem(at: ballast)
            if stopsWhileFull {
                store = try await StoreProcess(data: "\(disk)/store", files: directory.path)
            }
            await eventually("batches are taken again") {
                guard case .applied(let end) = try await apply(store, next, &random) else {
                    return false
                }
                next = end
                return true
            }
            #expect(try await count(store) == next)
            #expect(await store.stop() == 0)
            let (status, text) = try StoreProcess.verify(data: "\(disk)/store")
            #expect(status == 0, "\(text)")
        }
    }

    /// Applies until the store refuses; how it does.
    private func fill(
        _ store: StoreProcess, _ next: inout Int64, _ random: inout PRNG
    ) async throws -> RPCStatus? {
        while true {
            do {
                guard case .applied(let end) = try await apply(store, next, &random) else {
                    Issue.record("not applied")
                    return nil
                }
                next = end
            } catch let error as RPCError { return error.status }
        }
    }

    private func count(_ store: StoreProcess) async throws -> Int64 {
        var plan = ScanPlan(collection: name, aggregates: [AggregateRequest(kind: .count)])
        plan.filters = [.exists(.timestamp, true)]
        let result = try await store.client.scan(plan, shards: [ShardID(0)])
        guard case .count(let count)? = result.groups.first?.states[0] else { return 0 }
        return count
    }

    private func apply(
        _ store: StoreProcess, _ from: Int64, _ random: inout PRNG
    ) async throws -> ApplyOutcome {
        var builder = BlockBuilder()
        for row in 0..<Self.batchRows {
            builder.beginRow(timestamp: row)
            builder.appendDouble(Double.random(in: 0...1, using: &random), to: builder.column("x"))
            builder.endRow()
        }
        return try await store.client.apply(
            ApplyBatch(
                shard: ShardID(0), fromOffset: from, toOffset: from + Self.batchRows,
                blocks: [CollectionBlock(collection: name, bytes: builder.encode())],
                rollups: [RollupDelta(collection: name, hour: 0, count: Self.batchRows)]))
    }
}
