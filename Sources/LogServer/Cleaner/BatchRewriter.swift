// What compaction leaves of one batch. Offsets never change: a batch that loses records keeps its
// base offset and last offset delta, its producer and its sequence, and so do records theirs.

internal import Base
internal import Compression
internal import KafkaWire

/// What becomes of a batch.
enum RewrittenBatch: Equatable {
    case unchanged
    case changed([UInt8])
    /// No record is left. The bytes are the batch without records, for those that have to stay.
    case empty([UInt8])
}

/// Decides which records stay.
struct BatchRewriter {
    var newest: KeyOffsets
    var outcomes: TransactionOutcomes
    /// Records that delete their key and arrived up to then may go.
    var tombstonesUntil: Int64

    /// `arrival` is when the batch came, or later. `tombstones` is increased by those that stay.
    func rewrite(
        _ batch: ArraySlice<UInt8>, _ header: RecordBatchHeader, arrival: Int64,
        tombstones: inout Int
    ) throws -> RewrittenBatch {
        guard !header.isControl, header.baseOffset < newest.end else { return .unchanged }
        guard header.recordCount > 0 else { return .empty(Self.emptied(header)) }
        let content = try batch.recordContent(header)
        let isAborted = outcomes.isAborted(header)
        var kept: [RecordSlice] = []
        try forEachRecordSlice(header.recordCount, in: content) { record in
            let offset = header.baseOffset &+ Int64(record.offsetDelta)
            guard offset < newest.end else {
                kept.append(record)
                return true
            }
            guard let key = record.key, !isAborted, !newest.supersedes(key, at: offset) else {
                return true
            }
            if !record.hasValue {
                if arrival <= tombstonesUntil { return true }
                tombstones += 1
            }
            kept.append(record)
            return true
        }
        if kept.count == Int(header.recordCount) { return .unchanged }
        return kept.isEmpty ? .empty(Self.emptied(header)) : .changed(try Self.batch(header, kept))
    }

    private static func batch(
        _ old: RecordBatchHeader, _ records: [RecordSlice]
    ) throws -> [UInt8] {
        var header = old
        header.recordCount = Int32(records.count)
        if !header.hasLogAppendTime {
            header.maxTimestamp = records.reduce(Int64.min) {
                max($0, header.baseTimestamp &+ $1.timestampDelta)
            }
        }
        let content = Array(records.map(\.bytes).joined())
        let packed = try header.codec().compress(content)
        header.batchLength = Int32(RecordBatchHeader.batchLengthMin + packed.count)
        return sealedBatch(header, records: packed)
    }

    private static func emptied(_ old: RecordBatchHeader) -> [UInt8] {
        var header = old
        header.recordCount = 0
        header.attributes &= ~7
        header.batchLength = Int32(RecordBatchHeader.batchLengthMin)
        return sealedBatch(header, records: [])
    }
}

extension RecordBatchHeader {
    /// The codec of the records; a `KafkaWireError` if it is none that there is.
    func codec() throws(KafkaWireError) -> BatchCodec {
        guard let codec = BatchCodec(rawValue: attributes & 7) else {
            throw .invalidBatch("unknown codec \(attributes & 7)")
        }
        return codec
    }
}

extension ArraySlice<UInt8> {
    /// The records of the batch that these bytes are, decompressed.
    func recordContent(_ header: RecordBatchHeader) throws -> ArraySlice<UInt8> {
        let records = prefix(header.totalByteCount).dropFirst(RecordBatchHeader.byteCount)
        guard header.isCompressed else { return records }
        return try header.codec().decompress(records, limit: Limits.logBatchContentBytesMax)[...]
    }
}
