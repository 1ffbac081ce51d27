// A record batch of format 2, as it travels and as it lies on the disk (all numbers big-endian):
//
//      0  base offset int64            offset of the first record
//      8  batch length int32           bytes after this field
//     12  partition leader epoch int32
//     16  magic int8                   2
//     17  crc uint32                   CRC-32C of everything from 21 on
//     21  attributes int16             bits 0-2 codec, 3 log append time, 4 transaction, 5 control
//     23  last offset delta int32
//     27  base timestamp int64         milliseconds
//     35  max timestamp int64
//     43  producer id int64            -1 none
//     51  producer epoch int16
//     53  base sequence int32
//     57  record count int32
//     61  records                      compressed as one if a codec is set
//
// Base offset and leader epoch lie outside the checksum, so the broker sets them in place.

package import Base

/// The fixed part of a record batch.
package struct RecordBatchHeader: Sendable, Equatable {
    package static let byteCount = 61
    /// Bytes up to and including the batch length.
    package static let overheadByteCount = 12
    /// The least a batch length can be.
    package static let batchLengthMin = 49

    package var baseOffset: Int64
    package var batchLength: Int32
    package var leaderEpoch: Int32
    package var crc: UInt32
    package var attributes: Int16
    package var lastOffsetDelta: Int32
    package var baseTimestamp: Int64
    package var maxTimestamp: Int64
    package var producerID: Int64
    package var producerEpoch: Int16
    package var baseSequence: Int32
    package var recordCount: Int32

    /// Bytes of the whole batch.
    package var totalByteCount: Int { Self.overheadByteCount + Int(batchLength) }
    package var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    package var nextOffset: Int64 { lastOffset &+ 1 }
    package var isCompressed: Bool { attributes & 7 != 0 }
    package var hasLogAppendTime: Bool { attributes & 8 != 0 }
    package var isTransactional: Bool { attributes & 16 != 0 }
    package var isControl: Bool { attributes & 32 != 0 }
    package var hasProducer: Bool { producerID >= 0 }
    /// The sequence of the last record; sequences wrap around after 2,147,483,647.
    package var lastSequence: Int32 {
        Int32((Int64(baseSequence) + Int64(lastOffsetDelta)) & Int64(Int32.max))
    }

    /// Reads a header. The lengths are checked against themselves, not against what follows.
    package init(_ bytes: ArraySlice<UInt8>) throws(KafkaWireError) {
        guard bytes.count >= Self.byteCount else {
            throw .truncated(needed: Self.byteCount, available: bytes.count)
        }
        var reader = ByteReader(bytes)
        do {
            baseOffset = try reader.readBigEndian()
            batchLength = try reader.readBigEndian()
            leaderEpoch = try reader.readBigEndian()
            let magic: Int8 = try reader.readBigEndian()
            guard magic == 2 else { throw KafkaWireError.unsupportedMagic(magic) }
            crc = try reader.readBigEndian()
            attributes = try reader.readBigEndian()
            lastOffsetDelta = try reader.readBigEndian()
            baseTimestamp = try reader.readBigEndian()
            maxTimestamp = try reader.readBigEndian()
            producerID = try reader.readBigEndian()
            producerEpoch = try reader.readBigEndian()
            baseSequence = try reader.readBigEndian()
            recordCount = try reader.readBigEndian()
        } catch let error as ByteReaderError {
            throw KafkaWireError(error)
        } catch let error as KafkaWireError {
            throw error
        } catch {
            throw .invalidBatch("unreadable header")
        }
        guard batchLength >= Self.batchLengthMin else { throw .invalidLength(Int(batchLength)) }
        guard lastOffsetDelta >= 0, baseOffset >= 0, recordCount >= 0,
            baseOffset <= Int64.max - Int64(lastOffsetDelta) - 1
        else { throw .invalidBatch("offsets out of range") }
    }

    /// The bytes of a header.
    package func write(into writer: inout ByteWriter) {
        writer.write(bigEndian: baseOffset)
        writer.write(bigEndian: batchLength)
        writer.write(bigEndian: leaderEpoch)
        writer.write(UInt8(2))
        writer.write(bigEndian: crc)
        writer.write(bigEndian: attributes)
        writer.write(bigEndian: lastOffsetDelta)
        writer.write(bigEndian: baseTimestamp)
        writer.write(bigEndian: maxTimestamp)
        writer.write(bigEndian: producerID)
        writer.write(bigEndian: producerEpoch)
        writer.write(bigEndian: baseSequence)
        writer.write(bigEndian: recordCount)
    }

    /// A header to be filled in by whoever builds a batch.
    package init() {
        (baseOffset, batchLength, leaderEpoch, crc) = (0, Int32(Self.batchLengthMin), 0, 0)
        (attributes, lastOffsetDelta, baseTimestamp, maxTimestamp) = (0, 0, 0, 0)
        (producerID, producerEpoch, baseSequence, recordCount) = (-1, -1, -1, 0)
    }
}

extension RecordBatchHeader {
    /// Reads the header and checks that the bytes are exactly one batch with a right checksum.
    package static func validated(
        _ bytes: ArraySlice<UInt8>
    ) throws(KafkaWireError) -> RecordBatchHeader {
        let header = try RecordBatchHeader(bytes)
        guard header.totalByteCount == bytes.count else {
            throw .invalidBatch("length \(header.totalByteCount) in \(bytes.count) bytes")
        }
        guard crc32c(bytes.dropFirst(21)) == header.crc else { throw .checksumMismatch }
        return header
    }
}
