// What a producer's batch must be like before anything is written. Pure, so that it can run on the
// connection's loop, where the bytes are still in the processor's cache.

internal import Base
internal import Compression
internal import KafkaWire

/// A batch that may be appended as it is, except for base offset and leader epoch.
struct CheckedBatch: Sendable {
    var header: RecordBatchHeader
    var bytes: ArraySlice<UInt8>
    /// What a control batch of the server says.
    var marker: EndMarker?
}

/// Why a batch is refused.
struct BatchRefusal: Error, Sendable, Equatable {
    var code: KafkaErrorCode
    var message: String
    /// Indexes of the records at fault, if it is not the whole batch.
    var records: [Int32] = []
}

/// What a topic asks of batches.
struct BatchRules: Sendable, Equatable {
    /// max.message.bytes
    var bytesMax = 1_048_588
    /// cleanup.policy contains "compact": every record needs a key.
    var needsKeys = false
    /// message.timestamp.type is LogAppendTime.
    var usesAppendTime = false
    /// compression.type: how batches are compressed; nil: as they come.
    var codec: BatchCodec?
}

extension CheckedBatch {
    /// Checks what a partition's entry of a Produce request holds.
    init(_ records: KafkaRecords?, rules: BatchRules) throws(BatchRefusal) {
        guard let bytes = records?.bytes, bytes.count > 16 else {
            throw BatchRefusal(code: .invalidRecord, message: "no record batch")
        }
        let magic = bytes[bytes.startIndex + 16]
        guard magic == 2 else {
            throw BatchRefusal(
                code: .unsupportedForMessageFormat,
                message: "message format \(magic) is not served, only 2")
        }
        do {
            header = try RecordBatchHeader(bytes)
        } catch {
            throw BatchRefusal(code: .corruptMessage, message: "\(error)")
        }
        self.bytes = bytes
        guard header.totalByteCount <= rules.bytesMax else {
            throw BatchRefusal(
                code: .messageTooLarge,
                message: "batch of \(header.totalByteCount) bytes, \(rules.bytesMax) are allowed")
        }
        guard header.totalByteCount >= bytes.count else {
            throw BatchRefusal(code: .invalidRecord, message: "more than one batch")
        }
        guard header.totalByteCount == bytes.count, crc32c(bytes.dropFirst(21)) == header.crc else {
            throw BatchRefusal(code: .corruptMessage, message: "wrong length or checksum")
        }
        try checkContents(rules)
        if let codec = rules.codec { try compress(with: codec, rules) }
    }

    private func checkContents(_ rules: BatchRules) throws(BatchRefusal) {
        guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
            throw BatchRefusal(code: .invalidRecord, message: "record count and offsets disagree")
        }
        guard !header.isControl else {
            throw BatchRefusal(code: .invalidRecord, message: "control batches are the server's")
        }
        guard !header.isTransactional || header.hasProducer else {
            throw BatchRefusal(code: .invalidRecord, message: "a transaction without a producer")
        }
        guard !header.hasLogAppendTime else {
            throw BatchRefusal(
                code: .invalidTimestamp, message: "only the server writes append times")
        }
        guard !header.hasProducer || (header.producerEpoch >= 0 && header.baseSequence >= 0) else {
            throw BatchRefusal(
                code: .invalidRecord, message: "a producer without epoch or sequence")
        }
        if rules.needsKeys { try checkKeys() }
    }

    private func checkKeys() throws(BatchRefusal) {
        var missing: [Int32] = []
        do {
            let content = try bytes.recordContent(header)
            try forEachRecordSlice(header.recordCount, in: content) { record in
                if record.key == nil { missing.append(record.offsetDelta) }
                return true
            }
        } catch let error as CompressionError where error.code == .tooLarge {
            throw BatchRefusal(code: .messageTooLarge, message: "decompressed, \(error)")
        } catch {
            throw BatchRefusal(code: .corruptMessage, message: "\(error)")
        }
        guard missing.isEmpty else {
            throw BatchRefusal(
                code: .invalidRecord, message: "a compacted topic needs keys", records: missing)
        }
    }

    /// Gives the batch another codec, if it has not this one already.
    private mutating func compress(
        with codec: BatchCodec, _ rules: BatchRules
    ) throws(BatchRefusal) {
        guard header.attributes & 7 != codec.rawValue else { return }
        do {
            let packed = try codec.compress(Array(try bytes.recordContent(header)))
            header.attributes = header.attributes & ~7 | codec.rawValue
            header.batchLength = Int32(RecordBatchHeader.batchLengthMin + packed.count)
            bytes = sealedBatch(header, records: packed)[...]
            header = try RecordBatchHeader(bytes)
        } catch let error as CompressionError where error.code == .tooLarge {
            throw BatchRefusal(code: .messageTooLarge, message: "decompressed, \(error)")
        } catch {
            throw BatchRefusal(code: .corruptMessage, message: "\(error)")
        }
        guard bytes.count <= rules.bytesMax else {
            throw BatchRefusal(
                code: .messageTooLarge,
                message: "batch of \(bytes.count) bytes as the topic's compression.type makes it, "
                    + "\(rules.bytesMax) are allowed")
        }
    }

    /// The first bytes as they are to be written and how many bytes of the batch they stand for.
    /// Append time changes fields under the checksum, so it is computed again.
    mutating func placed(
        at offset: Int64, epoch: Int32, appendTime: Int64?
    ) -> (head: [UInt8], rest: ArraySlice<UInt8>) {
        header.baseOffset = offset
        header.leaderEpoch = epoch
        if let appendTime {
            header.attributes |= 8
            header.maxTimestamp = appendTime
            var writer = ByteWriter(capacity: RecordBatchHeader.byteCount)
            header.write(into: &writer)
            let records = bytes.dropFirst(RecordBatchHeader.byteCount)
            let changed = writer.bytes.dropFirst(21).withUnsafeBytes { crc32c($0) }
            header.crc = records.withUnsafeBytes { crc32c($0, continuing: changed) }
            writer = ByteWriter(capacity: RecordBatchHeader.byteCount)
            header.write(into: &writer)
            return (writer.bytes, records)
        }
        var writer = ByteWriter(capacity: 16)
        writer.write(bigEndian: offset)
        writer.write(bigEndian: header.batchLength)
        writer.write(bigEndian: epoch)
        return (writer.bytes, bytes.dropFirst(16))
    }
}
