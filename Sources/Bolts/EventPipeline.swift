// The worker's pipeline: the topology of events between the log and the stores.

package import Enrich
internal import LogClient
package import Logging
package import Topology

/// Turns the events of the log into what the store keeps, once each.
package typealias EventPipeline = LogPipeline<EventTuple>
package typealias EventPipelineConfiguration = LogPipelineConfiguration
package typealias EventPipelineStatus = LogPipelineStatus

/// What becomes of events on their way.
package struct EventOptions: Sendable {
    /// Where the addresses of add-ons are looked up, if anywhere.
    package var geo: (any GeoSource)?
    /// Where records that are no events go; nil: they are counted and logged only.
    package var deadLetterTopic: String? = MillraceTopics.dead

    package init() {}
}

extension LogPipeline where Payload == EventTuple {
    package convenience init(
        configuration: EventPipelineConfiguration, options: EventOptions = EventOptions(),
        store: any ShardStore, statistics: TopologyStatistics = TopologyStatistics(),
        logger: Logger, report: @escaping @Sendable (EventPipelineStatus) -> Void
    ) throws {
        let deadLetters = options.deadLetterTopic.map {
            DeadLetterTopic(
                name: $0, source: configuration.topic, connection: configuration.connection,
                logger: logger)
        }
        let topology = try EventTopology.make(
            store: store, enricher: Enricher(geo: options.geo), deadLetters: deadLetters,
            metrics: WorkerMetrics(), seed: configuration.seed)
        try self.init(
            configuration: configuration, topology: topology, positions: store,
            statistics: statistics, logger: logger, make: { .records($0) },
            onEnd: { await deadLetters?.close() }, report: report)
    }
}
