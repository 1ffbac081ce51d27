// The enrich bolt: carries out the add-ons of events, on their JSON, before it is decoded.

internal import Base
internal import Enrich
internal import LogClient
internal import Metrics
internal import Topology

/// Enriches the records of one partition. Records without add-ons pass as they are.
struct EnrichBolt: Bolt {
    private let enricher: Enricher
    private let metrics: WorkerMetrics
    /// Records between two looks at whether the partition is still wanted.
    private static let recordsPerCheck = 256

    init(_ enricher: Enricher, metrics: WorkerMetrics) {
        self.enricher = enricher
        self.metrics = metrics
    }

    mutating func execute(
        _ tuple: Tuple<EventTuple>, into output: inout OutputCollector<EventTuple>
    ) async throws {
        guard case .records(var stretch) = tuple.payload else {
            preconditionFailure("the enrich bolt reads records")
        }
        for (index, record) in stretch.records.enumerated() {
            if index % Self.recordsPerCheck == 0 { try Task.checkCancellation() }
            guard let enriched = enricher.enrich(record.value) else { continue }
            metrics.enriched.increment(by: enriched.done)
            metrics.notEnriched.increment(by: enriched.skipped)
            stretch.originals[index] = record
            stretch.records[index] = LogRecord(
                topic: record.topic, partition: record.partition, offset: record.offset,
                timestampMilliseconds: record.timestampMilliseconds, key: record.key,
                value: enriched.value)
        }
        output.emit(.records(stretch), to: EventTopology.enriched)
    }
}
