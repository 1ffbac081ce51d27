// What a worker counts beside the topology's own counters.

internal import Base
internal import Metrics
internal import Model

/// A worker's metrics.
struct WorkerMetrics: Sendable {
    /// Records read from the log.
    let records = Counter(label: "worker_records_total")
    /// Records that are no events and are in the topic of dead letters.
    let deadLetters = Counter(label: "worker_dead_letters_total")
    /// Those that the topic refused until they were given up.
    let lostDeadLetters = Counter(label: "worker_dead_letters_lost_total")
    /// Add-ons of events that wrote something, and those that could not.
    let enriched = Counter(label: "worker_addons_total")
    let notEnriched = Counter(label: "worker_skipped_addons_total")
    /// Batches that the store has.
    let batches = Counter(label: "worker_applied_batches_total")
    /// Calls to a store that failed and are repeated.
    let retries = Counter(label: "worker_store_retries_total")
    /// Batches that did not begin where the shard stood.
    let gaps = Counter(label: "worker_gaps_total")
    /// Offsets that the log deleted before they were applied: lost data.
    let lost = Counter(label: "worker_lost_offsets_total")
    /// Times that a log ended before what its shard had applied.
    let refusals = Counter(label: "worker_log_ends_early_total")
    /// Partitions that this worker holds.
    let partitions = Meter(label: "worker_partitions")
    /// Partitions of them that are being read.
    let reading = Meter(label: "worker_reading_partitions")
    /// From publishing a batch's oldest record to its being in the store.
    private let age = Timer(label: "worker_applied_age_seconds")

    /// Records that are no events, by reason.
    static func rejected(reason: String) -> Counter {
        Counter(label: "worker_rejected_records_total", dimensions: [("reason", reason)])
    }

    func applied(_ batch: ApplyBatch, oldestMilliseconds: Int64?) {
        batches.increment()
        guard let oldestMilliseconds else { return }
        // The publisher's clock may be ahead of ours, and may say anything.
        let (age, overflow) = wallClockMilliseconds()
            .subtractingReportingOverflow(oldestMilliseconds)
        guard !overflow, (0...86_400_000).contains(age) else { return }
        self.age.recordNanoseconds(age * 1_000_000)
    }
}
