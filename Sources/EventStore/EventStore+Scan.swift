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
        let reader = beginReading()
        defer { reader.end() }
        do {
            if let counter = RollupCounter(plan) {
                return try counter.count(in: shards, reader.snapshot, checkpoint: checkpoint)
            }
            let timeframe = plan.timeframe.map {
                $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
            }
            let execution = ScanExecution(plan: plan)
            var skipped: Int64 = 0
            for shard in shards {
                for block in try blocks(of: plan.collection, shard, reader.snapshot) {
                    guard block.record.overlaps(timeframe) else {
                        skipped += 1
                        continue
                    }
                    try checkpoint()
                    try read(block, reader.snapshot) { try execution.consume($0) }
                }
            }
            var result = try execution.finish()
            result.statistics.blocksSkipped += skipped
            return result
        } catch { throw EventStoreError.wrapping(error) }
    }
}
