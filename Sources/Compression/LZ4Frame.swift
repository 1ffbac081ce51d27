// LZ4 in its frame format, as Kafka's clients use it.
//
//     04 22 4D 18, flags, block size, [content size 8 bytes], [dictionary 4 bytes], header checksum
//     blocks: size uint32 (top bit: stored as it is), contents, [checksum 4 bytes]
//     0 uint32, [checksum 4 bytes]                                        all little-endian
//
// Checksums inside are not looked at: the batch around it has one.

internal import Base

enum LZ4Frame {
    private static let magic: [UInt8] = [0x04, 0x22, 0x4D, 0x18]
    /// Independent blocks of up to 64 KiB, no checksums, and the checksum of these two bytes.
    private static let descriptor: [UInt8] = [0x60, 0x40, 0x82]
    private static let blockBytes = 64 << 10
    private static let storedBit: UInt32 = 1 << 31

    static func decompress(
        _ bytes: ArraySlice<UInt8>, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        do {
            var reader = ByteReader(bytes)
            guard try reader.readBytes(4).elementsEqual(magic) else {
                throw CompressionError.damaged("not a frame of lz4")
            }
            let flags = try reader.readByte()
            _ = try reader.readBytes(
                1 + (flags & 8 != 0 ? 8 : 0) + (flags & 1 != 0 ? 4 : 0) + 1)
            while true {
                let size: UInt32 = try reader.readLittleEndian()
                if size == 0 { break }
                let block = try reader.readBytes(Int(size & ~storedBit))
                if size & storedBit != 0 {
                    guard block.count <= limit - output.count else {
                        throw CompressionError.tooLarge(limit)
                    }
                    output += block
                } else {
                    try decompressBlock(block, into: &output, limit: limit)
                }
                if flags & 16 != 0 { _ = try reader.readBytes(4) }
            }
        } catch let error as CompressionError {
            throw error
        } catch {
            throw .damaged("lz4: \(error)")
        }
        return output
    }

    private static func decompressBlock(
        _ block: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int
    ) throws {
        var reader = ByteReader(block)
        while true {
            let token = try reader.readByte()
            let literals = try length(Int(token >> 4), &reader)
            guard literals <= limit - output.count else { throw CompressionError.tooLarge(limit) }
            output += try reader.readBytes(literals)
            // The last sequence has no copy.
            if reader.isAtEnd { return }
            let distance: UInt16 = try reader.readLittleEndian()
            let copied = try length(Int(token & 15), &reader) + 4
            try MatchFinder.copy(
                distance: Int(distance), length: copied, within: &output, limit: limit)
        }
    }

    private static func length(_ start: Int, _ reader: inout ByteReader) throws -> Int {
        var length = start
        guard start == 15 else { return length }
        while true {
            let more = try reader.readByte()
            length += Int(more)
            if more < 255 { return length }
        }
    }

    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count / 2 + 64)
        writer.write(magic)
        writer.write(descriptor)
        for start in stride(from: 0, to: bytes.count, by: blockBytes) {
            let range = start..<min(start + blockBytes, bytes.count)
            let block = compressBlock(range, of: bytes)
            if block.count < range.count {
                writer.write(littleEndian: UInt32(block.count))
                writer.write(block)
            } else {
                writer.write(littleEndian: UInt32(range.count) | storedBit)
                writer.write(bytes[range])
            }
        }
        writer.write(littleEndian: UInt32(0))
        return writer.bytes
    }

    private static func compressBlock(_ block: Range<Int>, of bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: block.count / 2)
        // The format asks for these margins.
        let rest = MatchFinder.forEachMatch(in: block, of: bytes, startMargin: 12, endMargin: 5) {
            match in
            write(literals: bytes[match.literals], copied: match.length - 4, into: &writer)
            writer.write(littleEndian: UInt16(match.distance))
            writeRest(of: match.length - 4, into: &writer)
        }
        write(literals: bytes[rest..<block.upperBound], copied: 0, into: &writer)
        return writer.bytes
    }

    private static func write(
        literals: ArraySlice<UInt8>, copied: Int, into writer: inout ByteWriter
    ) {
        writer.write(UInt8(min(literals.count, 15) << 4 | min(copied, 15)))
        writeRest(of: literals.count, into: &writer)
        writer.write(literals)
    }

    /// What of a length does not fit into the four bits of the token.
    private static func writeRest(of length: Int, into writer: inout ByteWriter) {
        guard length >= 15 else { return }
        var rest = length - 15
        while rest >= 255 {
            writer.write(UInt8(255))
            rest -= 255
        }
        writer.write(UInt8(rest))
    }
}
