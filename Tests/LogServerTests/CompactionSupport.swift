// What tests of retention and compaction share: keyed records, and a log with rules.

import Base
import Compression
import KafkaWire
import Testing

@testable import LogServer

/// A record as a test sees it.
struct KeyedRecord: Equatable, CustomStringConvertible {
    var offset: Int64
    var key: String
    /// Nil deletes the key.
    var value: String?

    var description: String { "\(offset):\(key)=\(value ?? "-")" }
}

/// A batch of records with keys.
func keyedBatch(
    _ records: [(key: String, value: String?)], timestamp: Int64 = 1000,
    codec: BatchCodec = .none, header: RecordBatchHeader = RecordBatchHeader()
) throws -> CheckedBatch {
    let records = records.enumerated().map { index, record in
        Record(
            timestampDelta: Int64(index), key: Array(record.key.utf8),
            value: record.value.map { Array($0.utf8) })
    }
    let plain = encodeRecordBatch(records, timestamp: timestamp, header: header)
    let bytes = try packed(plain, codec)
    return CheckedBatch(header: try RecordBatchHeader(bytes[...]), bytes: bytes[...])
}

/// The same batch with its records compressed.
func packed(_ batch: [UInt8], _ codec: BatchCodec) throws -> [UInt8] {
    guard codec != .none else { return batch }
    var header = try RecordBatchHeader(batch[...])
    let content = try codec.compress(Array(batch.dropFirst(RecordBatchHeader.byteCount)))
    header.attributes |= codec.rawValue
    header.batchLength = Int32(RecordBatchHeader.batchLengthMin + content.count)
    return sealedBatch(header, records: content)
}

/// The same batch without a codec.
func unpacked(_ batch: ArraySlice<UInt8>, _ old: RecordBatchHeader) throws -> [UInt8] {
    let content = try batch.recordContent(old)
    var header = old
    header.attributes &= ~7
    header.batchLength = Int32(RecordBatchHeader.batchLengthMin + content.count)
    return sealedBatch(header, records: Array(content))
}

/// A partition with rules.
func openLog(_ disk: any LogDisk, rules: PartitionRules) throws -> PartitionLog {
    try PartitionLog.open(
        name: "test-0", directory: "/p", disk: disk, rules: rules, now: 5000, logger: quiet)
}

extension PartitionRules {
    /// Compacts whatever is new.
    static func compacted(segmentBytes: Int = 300, tombstones: Int64 = .max) -> PartitionRules {
        var rules = PartitionRules(segmentBytes: segmentBytes)
        rules.cleaning.compacts = true
        rules.cleaning.dirtyRatio = 0
        rules.cleaning.tombstoneRetention = tombstones
        return rules
    }
}

extension PartitionLog {
    /// Appends and syncs; returns the base offset.
    @discardableResult
    func add(_ batch: CheckedBatch, now: Int64 = 5000) throws -> Int64 {
        let outcome = append(batch, now: now)
        #expect(sync())
        guard case .appended(let offset, _) = outcome else {
            Issue.record("not appended: \(outcome)")
            return -1
        }
        return offset
    }

    /// Closes the last segment, so that all that is there can be compacted.
    func closeSegment() throws { _ = try roll(at: logEnd) }

    /// One whole compaction; false if there was nothing to do.
    @discardableResult
    func compact(now: Int64 = 9000, mapBytesMax: Int = 1 << 20) throws -> Bool {
        guard var compaction = try Compaction(self, now: now, mapBytesMax: mapBytesMax) else {
            return false
        }
        while let swap = try compaction.rewriteNext() { _ = try self.swap(swap) }
        try compaction.finish()
        return true
    }

    /// Every record from `offset` on, and the headers of the batches that were read.
    func keyed(from offset: Int64 = 0) throws -> [KeyedRecord] {
        var found: [KeyedRecord] = []
        try forEachReadBatch(from: offset) { header, bytes in
            guard !header.isControl else { return }
            try forEachRecord(inBatch: try unpacked(bytes, header)[...]) { _, record in
                let place = header.baseOffset + Int64(record.offsetDelta)
                guard place >= offset else { return true }
                found.append(
                    KeyedRecord(
                        offset: place, key: String(decoding: record.key ?? [], as: UTF8.self),
                        value: record.value.map { String(decoding: $0, as: UTF8.self) }))
                return true
            }
        }
        return found
    }

    /// Reads like a consumer: from where the last batch ended.
    func forEachReadBatch(
        from offset: Int64, _ body: (RecordBatchHeader, ArraySlice<UInt8>) throws -> Void
    ) throws {
        var next = max(offset, logStart)
        while next < highWatermark {
            guard
                case .records(let bytes) = read(
                    from: next, bytesMax: 4096, takesLargeFirst: true), !bytes.isEmpty
            else {
                Issue.record("no records at \(next)")
                return
            }
            var rest = bytes[...]
            while !rest.isEmpty {
                let size = try RecordBatchHeader(rest).totalByteCount
                let header = try RecordBatchHeader.validated(rest.prefix(size))
                #expect(header.lastOffset >= next)
                try body(header, rest.prefix(size))
                next = header.nextOffset
                rest = rest.dropFirst(size)
            }
        }
    }
}
