import Base
import Testing

/// Everything the writer writes, the reader reads back; anything cut short is an error.
@Suite struct ByteReaderTests {
    @Test(arguments: [0, 1, 127, 128, 300, UInt64(UInt32.max), UInt64.max])
    func varintRoundTrip(value: UInt64) throws {
        var writer = ByteWriter()
        writer.write(varint: value)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readVarint() == value)
        #expect(reader.isAtEnd)
    }

    @Test(arguments: [0, -1, 1, Int64.min, Int64.max, -300])
    func zigzagRoundTrip(value: Int64) throws {
        var writer = ByteWriter()
        writer.write(zigzag: value)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readZigzag() == value)
    }

    @Test func everyTruncationIsAnError() throws {
        var writer = ByteWriter()
        writer.write(littleEndian: UInt32(7))
        writer.write("hello")
        writer.write(2.5)
        for length in 0..<writer.count {
            #expect(throws: ByteReaderError.self) {
                var reader = ByteReader(writer.bytes[..<length])
                _ = try reader.readLittleEndian(UInt32.self)
                _ = try reader.readString()
                _ = try reader.readDouble()
            }
        }
    }

    @Test func overlongVarintIsRefused() {
        var reader = ByteReader([UInt8](repeating: 0xFF, count: 11))
        #expect(throws: ByteReaderError.overlongVarint(offset: 0)) { try reader.readVarint() }
    }

    @Test func lyingCountIsRefusedBeforeAnythingIsReserved() {
        var writer = ByteWriter()
        writer.write(varint: 1 << 40)
        var reader = ByteReader(writer.bytes)
        #expect(throws: ByteReaderError.self) { try reader.readCount() }
    }

    /// The check value of CRC-32C in the catalogue of parametrised CRC algorithms.
    /// Long stretches are worked out in parts side by side, single bytes are not.
    @Test func crc32cInParts() {
        var random = PRNG(seed: 9)
        for count in [0, 8, 3071, 3072, 3073, 6144, 9999, 30_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let oneByOne = bytes.reduce(UInt32(0)) { crc, byte in
                [byte].withUnsafeBytes { crc32c($0, continuing: crc) }
            }
            #expect(crc32c(bytes) == oneByOne, "\(count) bytes")
        }
    }

    @Test func crc32cCheckValue() {
        #expect(crc32c(Array("123456789".utf8)) == 0xE306_9283)
    }
}
