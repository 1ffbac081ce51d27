// Snappy, as Kafka's clients use it: Java's in a frame of its own, others without one.
//
//     block  size of the contents varint, then elements, each with a tag of two bits:
//            0 literal, 1 copy (11-bit distance), 2 copy (16-bit), 3 copy (32-bit)
//     frame  82 "SNAPPY" 00, version int32, least version int32,
//            then for each block its size int32 and the block (big-endian)

internal import Base

enum Snappy {
    private static let magic: [UInt8] = [0x82] + Array("SNAPPY".utf8) + [0]
    private static let frameHeaderBytes = 16
    /// Java's own size of a block.
    private static let blockBytes = 32 << 10

    static func decompress(
        _ bytes: ArraySlice<UInt8>, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        guard bytes.starts(with: magic) else {
            try decompressBlock(bytes, into: &output, limit: limit)
            return output
        }
        var reader = ByteReader(bytes.dropFirst(frameHeaderBytes))
        do {
            while !reader.isAtEnd {
                let count: Int32 = try reader.readBigEndian()
                let block = try reader.readBytes(Int(count))
                try decompressBlock(block, into: &output, limit: limit)
            }
        } catch let error as CompressionError {
            throw error
        } catch {
            throw .damaged("snappy frame: \(error)")
        }
        return output
    }

    private static func decompressBlock(
        _ block: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) {
        var reader = ByteReader(block)
        let start = output.count
        do {
            let size = try reader.readVarint()
            guard size <= UInt64(limit - start) else { throw CompressionError.tooLarge(limit) }
            while !reader.isAtEnd {
                try element(&reader, into: &output, from: start, limit: start + Int(size))
            }
            guard output.count - start == Int(size) else {
                throw CompressionError.damaged("a snappy block of the wrong size")
            }
        } catch let error as CompressionError {
            throw error
        } catch {
            throw .damaged("snappy: \(error)")
        }
    }

    private static func element(
        _ reader: inout ByteReader, into output: inout [UInt8], from start: Int, limit: Int
    ) throws {
        let tag = try reader.readByte()
        let upper = Int(tag >> 2)
        let distance: Int
        var length = upper + 1
        switch tag & 3 {
        case 0:
            if upper >= 60 { length = try number(&reader, bytes: upper - 59) + 1 }
            guard length <= limit - output.count else { throw CompressionError.tooLarge(limit) }
            output += try reader.readBytes(length)
            return
        case 1:
            length = upper & 7 + 4
            distance = (upper >> 3) << 8 | Int(try reader.readByte())
        case 2: distance = try number(&reader, bytes: 2)
        default: distance = try number(&reader, bytes: 4)
        }
        try MatchFinder.copy(
            distance: distance, length: length, within: &output, notBefore: start, limit: limit)
    }

    private static func number(_ reader: inout ByteReader, bytes: Int) throws -> Int {
        var value = 0
        for index in 0..<bytes { value |= Int(try reader.readByte()) << (8 * index) }
        return value
    }

    /// A frame, which every client reads.
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count / 2 + 64)
        writer.write(magic)
        writer.write(bigEndian: Int32(1))
        writer.write(bigEndian: Int32(1))
        for start in stride(from: 0, to: bytes.count, by: blockBytes) {
            let block = compressBlock(start..<min(start + blockBytes, bytes.count), of: bytes)
            writer.write(bigEndian: Int32(block.count))
            writer.write(block)
        }
        return writer.bytes
    }

    private static func compressBlock(_ block: Range<Int>, of bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: block.count / 2)
        writer.write(varint: UInt64(block.count))
        let rest = MatchFinder.forEachMatch(in: block, of: bytes, startMargin: 0, endMargin: 0) {
            match in
            write(literals: bytes[match.literals], into: &writer)
            var length = match.length
            while length > 0 {
                let part = min(length, 64)
                writer.write(UInt8(part - 1) << 2 | 2)
                writer.write(littleEndian: UInt16(match.distance))
                length -= part
            }
        }
        write(literals: bytes[rest..<block.upperBound], into: &writer)
        return writer.bytes
    }

    private static func write(literals: ArraySlice<UInt8>, into writer: inout ByteWriter) {
        guard !literals.isEmpty else { return }
        let last = literals.count - 1
        if last < 60 {
            writer.write(UInt8(last) << 2)
        } else {
            writer.write(UInt8(61) << 2)
            writer.write(littleEndian: UInt16(last))
        }
        writer.write(literals)
    }
}
