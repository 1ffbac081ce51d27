// The worker's topology: spout -> enrich -> decode -> dead-letters -> rollup -> store, one
// lane a partition.

internal import Base
internal import Enrich
internal import Topology

enum EventTopology {
    static let spout: ComponentName = "spout"
    static let records: StreamName = "records"
    static let enriched: StreamName = "enriched"
    static let decoded: StreamName = "decoded"
    static let events: StreamName = "events"
    static let batches: StreamName = "batches"

    /// Batches of a partition on their way: one in each step, and one that waits.
    private static let pendingBatchesMax = 6

    /// Declares it. `seed` decides how waits vary.
    static func make(
        store: any ShardStore, enricher: Enricher, deadLetters: (any DeadLetterSink)?,
        metrics: WorkerMetrics, seed: UInt64
    ) throws(TopologyError) -> Topology<EventTuple> {
        try Topology(
            name: "events",
            spout: SpoutDeclaration(
                spout, emits: StreamDeclaration(records), pendingBatchesMax: pendingBatchesMax),
            bolts: [
                BoltDeclaration(
                    "enrich", reads: [Subscription(spout, records, by: .partition)],
                    emits: [StreamDeclaration(enriched)]
                ) { _ in EnrichBolt(enricher, metrics: metrics) },
                BoltDeclaration(
                    "decode", reads: [Subscription("enrich", enriched, by: .partition)],
                    emits: [StreamDeclaration(events)]
                ) { DecodeBolt($0, metrics: metrics) },
                BoltDeclaration(
                    "dead-letters", reads: [Subscription("decode", events, by: .partition)],
                    emits: [StreamDeclaration(decoded)]
                ) { DeadLetterBolt($0, sink: deadLetters, metrics: metrics, seed: seed) },
                BoltDeclaration(
                    "rollup", reads: [Subscription("dead-letters", decoded, by: .partition)],
                    emits: [StreamDeclaration(batches)]
                ) { RollupBolt($0) },
                BoltDeclaration(
                    "store", reads: [Subscription("rollup", batches, by: .partition)]
                ) { StoreBolt($0, store: store, metrics: metrics, seed: seed) },
            ])
    }
}
