import Base
import Model
import Testing

/// A value reads back as itself, its bytes stay what they are, and bad bytes are errors.
@Suite struct ValueCodecTests {
    static let samples: [(Value, [UInt8])] = [
        (.null, [1]), (.bool(false), [2]), (.bool(true), [3]),
        (.int(-1), [4, 1]), (.int(150), [4, 0xAC, 2]),
        (.double(1.5), [5, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]),
        (.string("hé"), [6, 3, 0x68, 0xC3, 0xA9]), (.json("[1]"), [7, 3, 0x5B, 0x31, 0x5D]),
    ]

    @Test func bytesAreGolden() throws {
        for (value, bytes) in Self.samples {
            var writer = ByteWriter()
            value.encode(into: &writer)
            #expect(writer.bytes == bytes, "\(value)")
            var reader = ByteReader(bytes)
            #expect(try Value(from: &reader) == value)
            #expect(reader.isAtEnd)
        }
    }

    @Test func everyTruncationIsAnError() {
        for (_, bytes) in Self.samples {
            for count in bytes.indices {
                #expect(throws: ByteReaderError.self) {
                    var reader = ByteReader(bytes[..<count])
                    _ = try Value(from: &reader)
                }
            }
        }
    }

    @Test(arguments: [[0], [8], [255], [6, 1, 0xFF]] as [[UInt8]])
    func badBytesAreErrors(bytes: [UInt8]) {
        #expect(throws: ByteReaderError.self) {
            var reader = ByteReader(bytes)
            _ = try Value(from: &reader)
        }
    }
}
