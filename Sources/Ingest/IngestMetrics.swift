// What the ingest counts. Handles are made once.

internal import CoreMetrics
internal import Metrics

struct IngestMetrics: Sendable {
    /// Events that the log has, and that were answered so.
    let accepted = Counter(label: "ingest_events_total", dimensions: [("outcome", "accepted")])
    /// Events that are none.
    let rejected = Counter(label: "ingest_events_total", dimensions: [("outcome", "rejected")])
    /// Events that the log did not take.
    let failed = Counter(label: "ingest_events_total", dimensions: [("outcome", "failed")])
    /// Bytes of accepted requests' bodies.
    let bytes = Counter(label: "ingest_body_bytes_total")
    let waitingEvents = Meter(label: "ingest_waiting_events")
    let waitingBytes = Meter(label: "ingest_waiting_bytes")
    /// Requests refused because too much waited already.
    let full = Counter(label: "ingest_buffer_full_total")
    /// From the publishing of a request's events to the last report.
    let publishTime = CoreMetrics.Timer(label: "ingest_publish_seconds")
}
