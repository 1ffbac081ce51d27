// The rollup bolt: counts by hour and collection go beside the events' blocks into one batch, which
// the store applies as a whole: a count without its events, or the other way round, cannot be.

internal import Model
internal import Topology

/// Makes the batches of one partition.
struct RollupBolt: Bolt {
    private let shard: ShardID

    init(_ context: TaskContext) { shard = ShardID(context.partition) }

    mutating func execute(
        _ tuple: Tuple<EventTuple>, into output: inout OutputCollector<EventTuple>
    ) async throws {
        guard case .events(let stretch) = tuple.payload else {
            preconditionFailure("the rollup bolt reads events")
        }
        try Task.checkCancellation()
        let batch = ApplyBatch(
            shard: shard, fromOffset: stretch.fromOffset, toOffset: stretch.toOffset,
            blocks: stretch.events.blocks(), rollups: stretch.events.rollups,
            control: stretch.control)
        output.emit(
            .batch(batch, oldestMilliseconds: stretch.oldestMilliseconds),
            to: EventTopology.batches)
    }
}
