// Which transactional records of a part of a log were taken back, and from where on that is not
// known yet.

internal import KafkaWire

/// The transactions of a part of a log. Fed with its batches in order.
struct TransactionOutcomes {
    /// First offset of each producer's transaction that has not ended.
    private var open: [Int64: Int64] = [:]
    private var aborted: [Int64: [ClosedRange<Int64>]] = [:]

    /// The first offset that belongs to a transaction without an end; nil if there is none.
    var firstOpen: Int64? { open.values.min() }

    /// Takes note of a batch; `bytes` gives the whole of it if that is needed.
    mutating func note(
        _ header: RecordBatchHeader, bytes: () throws -> ArraySlice<UInt8>
    ) rethrows {
        guard header.isTransactional else { return }
        guard header.isControl else {
            if open[header.producerID] == nil { open[header.producerID] = header.baseOffset }
            return
        }
        guard let first = open[header.producerID], let marker = EndMarker(inBatch: try bytes())
        else { return }
        open[header.producerID] = nil
        if !marker.isCommit {
            aborted[header.producerID, default: []].append(first...header.baseOffset)
        }
    }

    /// Whether the records of a batch were taken back.
    func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard header.isTransactional, !header.isControl else { return false }
        return aborted[header.producerID]?.contains { $0.contains(header.baseOffset) } ?? false
    }
}
