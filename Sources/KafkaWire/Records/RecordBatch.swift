// Looking into a batch, and building one. The broker does neither on its main path: batches pass
// through it as bytes. It looks in to find an offset by time, and builds the records of its own
// internal topic.

internal import Base

/// Calls `body` with every record of an uncompressed batch until it returns false.
package func forEachRecord(
    inBatch bytes: ArraySlice<UInt8>, _ body: (RecordBatchHeader, Record) -> Bool
) throws(KafkaWireError) {
    let header = try RecordBatchHeader(bytes)
    guard !header.isCompressed else { throw .invalidBatch("compressed") }
    guard header.totalByteCount <= bytes.count else {
        throw .truncated(needed: header.totalByteCount, available: bytes.count)
    }
    let records = bytes.dropFirst(RecordBatchHeader.byteCount)
        .prefix(header.totalByteCount - RecordBatchHeader.byteCount)
    var reader = ByteReader(records)
    for _ in 0..<header.recordCount {
        let record = try Record(from: &reader)
        guard body(header, record) else { return }
    }
}

/// The bytes of an uncompressed batch; `header` gives what is not computed here.
package func encodeRecordBatch(
    _ records: [Record], timestamp: Int64, header template: RecordBatchHeader = .init()
) -> [UInt8] {
    precondition(!records.isEmpty, "a batch has at least one record")
    var content = ByteWriter(capacity: 64 * records.count)
    var deltaMax: Int64 = 0
    for (index, var record) in records.enumerated() {
        record.offsetDelta = Int32(index)
        deltaMax = max(deltaMax, record.timestampDelta)
        record.write(into: &content)
    }
    var header = template
    header.batchLength = Int32(RecordBatchHeader.batchLengthMin + content.count)
    header.lastOffsetDelta = Int32(records.count - 1)
    header.recordCount = Int32(records.count)
    header.baseTimestamp = timestamp
    header.maxTimestamp = timestamp + deltaMax
    return sealedBatch(header, records: content.bytes)
}

/// Puts header and records together and computes the checksum.
package func sealedBatch(_ header: RecordBatchHeader, records: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(capacity: RecordBatchHeader.byteCount + records.count)
    header.write(into: &writer)
    writer.write(records)
    var bytes = writer.bytes
    let crc = crc32c(bytes.dropFirst(21))
    for index in 0..<4 { bytes[17 + index] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * index)) }
    return bytes
}
