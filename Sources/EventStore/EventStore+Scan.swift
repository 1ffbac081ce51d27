// Running a plan over shards: one snapshot, the blocks that the timeframe may touch, one block at a
// time through Scan. Plain counts of whole hours never touch a block.

internal import Aggregate
internal import Base
internal import Columns
package import Model
package import Plan
internal import RowStore
internal import Scan

extension EventStore {
    /// The partial result of `plan` over some shards. Calls `checkpoint` before each block; what it
    /// throws ends the scan.
    package func scan(
        _ plan: ScanPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws -> PartialResult {
        try checkOpen()
        let began = monotonicNanoseconds()
        defer { metrics.recordScan(since: began) }
        let snapshot = rows.snapshot()
        do {
            if let counter = RollupCounter(plan) {
                return try counter.count(in: shards, snapshot, checkpoint: checkpoint)
            }
            let execution = ScanExecution(plan: plan)
            var skipped: Int64 = 0
            for shard in shards {
                skipped += try forEachBlock(plan, shard, snapshot) { block, place in
                    try checkpoint()
                    do { try execution.consume(block) } catch let error as BlockError {
                        throw EventStoreError(error, in: place())
                    }
                }
            }
            var result = try execution.finish()
            result.statistics.blocksSkipped += skipped
            return result
        } catch { throw EventStoreError.wrapping(error) }
    }

    /// Calls `body` with the blocks that may hold events of the plan's timeframe, and how to name
    /// each in an error. Returns how many were left out.
    private func forEachBlock(
        _ plan: ScanPlan, _ shard: ShardID, _ snapshot: RowSnapshot,
        _ body: (Block, _ place: () -> String) throws -> Void
    ) throws -> Int64 {
        let timeframe = plan.timeframe.map {
            $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
        }
        let row = StoreTables.row(shard, plan.collection)
        var skipped: Int64 = 0
        try snapshot.forEach(StoreTables.blocks, in: .beginning(with: row)) { cell in
            let record = try BlockRecord(cell.value)
            guard record.overlaps(timeframe) else {
                skipped += 1
                return true
            }
            switch record.place {
            case .sealed(let number, let offset):
                let segment = try segments.segment(number)
                let block = try segment.block(at: offset, byteCount: record.byteCount)
                try body(block) { segment.place(of: offset) }
            case .fresh:
                try body(freshBlock(cell.key, snapshot)) { Self.place(ofFresh: cell.key) }
            }
            return true
        }
        return skipped
    }

    private func freshBlock(_ key: [UInt8], _ snapshot: RowSnapshot) throws -> Block {
        guard let bytes = try snapshot.get(StoreTables.tail, key: key) else {
            throw EventStoreError(.damaged, "\(Self.place(ofFresh: key)): its bytes are gone")
        }
        do { return try Block(bytes) } catch {
            throw EventStoreError(error, in: Self.place(ofFresh: key))
        }
    }

    private static func place(ofFresh key: [UInt8]) -> String {
        "fresh block \(hexadecimal(key)) of the row store"
    }
}
