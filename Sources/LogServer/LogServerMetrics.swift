// What the log server counts. Handles are made once.

internal import CoreMetrics
internal import Metrics

struct LogServerMetrics: Sendable {
    private let batches = Counter(label: "log_appended_batches_total")
    private let bytes = Counter(label: "log_appended_bytes_total")
    private let syncTime = CoreMetrics.Timer(label: "log_sync_seconds")
    private let fetchedBytes = Counter(label: "log_fetched_bytes_total")
    private let connections = Meter(label: "log_connections")
    private let refused = Counter(label: "log_connections_refused_total")
    private let authenticationFailures = Counter(label: "log_authentication_failures_total")
    private let damaged = Meter(label: "log_partitions_damaged")

    private let removedSegments = Counter(label: "log_removed_segments_total")
    private let compactedBytes = Counter(label: "log_compacted_bytes_total")
    private let compactionSavedBytes = Counter(label: "log_compaction_saved_bytes_total")

    func removed(segments: Int) { removedSegments.increment(by: segments) }

    func compacted(bytes before: Int, to after: Int) {
        compactedBytes.increment(by: before)
        compactionSavedBytes.increment(by: max(before - after, 0))
    }

    func appended(batchBytes: Int) {
        batches.increment()
        bytes.increment(by: batchBytes)
    }

    func synced(nanoseconds: UInt64) { syncTime.recordNanoseconds(Int64(clamping: nanoseconds)) }

    func fetched(bytes count: Int) { fetchedBytes.increment(by: count) }

    func opened() { connections.increment(by: 1) }
    func closed() { connections.decrement(by: 1) }
    /// A peer that does not speak the protocol.
    func closedForCause() { refused.increment() }

    func authenticationFailed() { authenticationFailures.increment() }

    func foundDamaged(partitions: Int) { damaged.set(partitions) }
}
