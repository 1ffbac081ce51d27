// Running a plan over shards: one snapshot, the blocks that the timeframe may touch, one block at a
// time through Scan. Plain counts of whole hours never touch a block.

internal import Base
package import Model
package import Plan

extension EventStore {
    /// Begins to run `plan` over some shards. Calls `checkpoint` before each; what it throws ends
    /// the scan.
    package func beginScan(
        _ plan: ScanPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws -> StoreScan {
        try checkOpen()
        do { return try StoreScan(self, plan, shards: shards, checkpoint: checkpoint) } catch {
            throw EventStoreError.wrapping(error)
        }
    }

    /// The partial result of `plan` over some shards, by this thread alone. Calls `checkpoint`
    /// before each block; what it throws ends the scan.
    package func scan(
        _ plan: ScanPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws -> PartialResult {
        let scan = try beginScan(plan, shards: shards, checkpoint: checkpoint)
        let lane = scan.makeLane()
        repeat { try checkpoint() } while try lane.step()
        return try scan.finish([lane])
    }
}
