// Which transactional records of a part of a log were taken back, and from where on that is not
// known yet. The end of a transaction is a control batch of its producer: its record's key is a
// version int16 and a type int16, 0 for taken back and 1 for done.

internal import Base
internal import KafkaWire

/// The transactions of a part of a log. Fed with its batches in order.
struct TransactionOutcomes {
    /// First offset of each producer's transaction that has not ended.
    private var open: [Int64: Int64] = [:]
    private var aborted: [Int64: [ClosedRange<Int64>]] = [:]

    /// The first offset that belongs to a transaction without an end; nil if there is none.
    var firstOpen: Int64? { open.values.min() }

    /// Takes note of a batch; `content` gives the bytes behind its header if they are needed.
    mutating func note(
        _ header: RecordBatchHeader, content: () throws -> ArraySlice<UInt8>
    ) throws {
        guard header.isTransactional else { return }
        guard header.isControl else {
            if open[header.producerID] == nil { open[header.producerID] = header.baseOffset }
            return
        }
        guard let first = open.removeValue(forKey: header.producerID) else { return }
        var isAbort = false
        try forEachRecordSlice(header.recordCount, in: try content()) { record in
            isAbort =
                record.key.map { $0.count >= 4 && $0.prefix(4).suffix(2).allSatisfy { $0 == 0 } }
                ?? false
            return false
        }
        if isAbort { aborted[header.producerID, default: []].append(first...header.baseOffset) }
    }

    /// Whether the records of a batch were taken back.
    func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard header.isTransactional, !header.isControl else { return false }
        return aborted[header.producerID]?.contains { $0.contains(header.baseOffset) } ?? false
    }
}
