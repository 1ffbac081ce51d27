import Base
import Foundation
import KafkaWire
import Logging
import Testing

@testable import LogServer

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A batch of records with the given values.
func batch(
    _ values: [String], timestamp: Int64 = 1000, producer: (id: Int64, epoch: Int16)? = nil,
    sequence: Int32 = 0
) -> [UInt8] {
    var header = RecordBatchHeader()
    if let producer {
        (header.producerID, header.producerEpoch) = (producer.id, producer.epoch)
        header.baseSequence = sequence
    }
    let records = values.enumerated().map { index, value in
        Record(timestampDelta: Int64(index), key: nil, value: Array(value.utf8))
    }
    return encodeRecordBatch(records, timestamp: timestamp, header: header)
}

func checked(_ bytes: [UInt8]) throws -> CheckedBatch {
    try CheckedBatch(.owned(bytes), rules: BatchRules())
}

/// A partition on a disk.
func openLog(
    _ disk: any LogDisk, segmentBytes: Int = 1 << 20, usesAppendTime: Bool = false,
    flusher: (any PartitionFlusher)? = nil
) throws -> PartitionLog {
    var rules = PartitionRules(segmentBytes: segmentBytes)
    rules.batches.usesAppendTime = usesAppendTime
    return try PartitionLog.open(
        name: "test-0", directory: "/p", disk: disk, rules: rules, now: 5000, flusher: flusher,
        logger: quiet)
}

extension PartitionLog {
    /// Appends and syncs; returns the base offset.
    @discardableResult
    func add(_ bytes: [UInt8]) throws -> Int64 {
        let outcome = append(try checked(bytes), now: 5000)
        #expect(sync())
        guard case .appended(let offset, _) = outcome else {
            Issue.record("not appended: \(outcome)")
            return -1
        }
        return offset
    }

    /// The values of all records from `offset` on, with their offsets.
    func values(from offset: Int64 = 0) throws -> [(offset: Int64, value: String)] {
        var found: [(offset: Int64, value: String)] = []
        var next = offset
        while next < highWatermark {
            guard
                case .records(let bytes) = read(
                    from: next, bytesMax: 1 << 20, takesLargeFirst: true), !bytes.isEmpty
            else {
                Issue.record("no records at \(next)")
                return found
            }
            var rest = bytes[...]
            while !rest.isEmpty {
                let header = try RecordBatchHeader.validated(
                    rest.prefix(try RecordBatchHeader(rest).totalByteCount))
                try forEachRecord(inBatch: rest) { header, record in
                    let place = header.baseOffset + Int64(record.offsetDelta)
                    if place >= offset {
                        found.append((place, String(decoding: record.value ?? [], as: UTF8.self)))
                    }
                    return true
                }
                next = header.nextOffset
                rest = rest.dropFirst(header.totalByteCount)
            }
        }
        return found
    }
}

/// A directory of its own for one test, removed with this object.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "millrace-log-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
