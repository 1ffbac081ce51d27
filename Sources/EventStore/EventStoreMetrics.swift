// What the event store counts. Handles are made once.

internal import Base
internal import CoreMetrics
internal import Metrics

struct EventStoreMetrics: Sendable {
    let appliedBatches = Counter(label: "store_applied_batches_total")
    let appliedRows = Counter(label: "store_applied_rows_total")
    /// Events that were not stored because one of the same token was.
    let duplicates = Counter(label: "store_duplicate_events_total")
    let applyTime = CoreMetrics.Timer(label: "store_apply_seconds")
    let scanTime = CoreMetrics.Timer(label: "store_scan_seconds")
    let blockAnswers = Counter(
        label: "store_scan_cached_blocks_total", dimensions: [("by", "block")])
    let planAnswers = Counter(label: "store_scan_cached_blocks_total", dimensions: [("by", "plan")])
    let readBlocks = Counter(label: "store_scan_read_blocks_total")
    let answerBytes = Meter(label: "store_scan_cache_bytes")
    let dictionaryBytes = Meter(label: "store_scan_dictionary_bytes")
    let scanBytes = Meter(label: "store_scan_memory_bytes")
    let merges = Counter(label: "store_merges_total")
    let sealedRows = Counter(label: "store_sealed_rows_total")
    let segmentBytes = Counter(label: "store_segment_written_bytes_total")
    let freshRows = Meter(label: "store_fresh_rows")

    func recordApply(rows: Int, since began: UInt64) {
        appliedBatches.increment()
        appliedRows.increment(by: rows)
        applyTime.recordNanoseconds(Int64(clamping: monotonicNanoseconds() - began))
    }

    func recordScan(since began: UInt64) {
        scanTime.recordNanoseconds(Int64(clamping: monotonicNanoseconds() - began))
    }

    /// Blocks that a scan got from the cache, by themselves or with the whole plan, and those that
    /// it read.
    func recordBlocks(read: Int64, byBlock: Int, byPlan: Int) {
        readBlocks.increment(by: read)
        blockAnswers.increment(by: byBlock)
        planAnswers.increment(by: byPlan)
    }

    func recordMemory(answers: Int, dictionaries: Int, scans: Int) {
        answerBytes.set(answers)
        dictionaryBytes.set(dictionaries)
        scanBytes.set(scans)
    }

    func recordMerge(_ report: MergeReport, freshRows count: Int) {
        freshRows.set(count)
        guard !report.isEmpty else { return }
        merges.increment()
        sealedRows.increment(by: report.sealedRows)
        segmentBytes.increment(by: report.segmentBytes)
    }
}
