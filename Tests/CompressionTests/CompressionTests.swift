import Base
import Compression
import Testing

/// What was compressed comes back; what was not compressed is an error.
@Suite struct CompressionTests {
    private static func sample(_ count: Int) -> [UInt8] {
        var random = PRNG(seed: 1)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() % 16) }
    }

    @Test(arguments: [0, 1, 100, 100_000])
    func zstdRoundTrip(count: Int) throws {
        let bytes = Self.sample(count)
        let frame = try bytes.withUnsafeBytes { try Zstd.compress($0) }
        let back = try frame.withUnsafeBytes { try Zstd.decompress($0, count: count) }
        #expect(back == bytes)
    }

    @Test func zstdRefusesOtherCountsAndOtherBytes() throws {
        let bytes = Self.sample(1000)
        let frame = try bytes.withUnsafeBytes { try Zstd.compress($0) }
        for count in [0, 999, 1001] {
            #expect(throws: CompressionError.self) {
                try frame.withUnsafeBytes { try Zstd.decompress($0, count: count) }
            }
        }
        #expect(throws: CompressionError.self) {
            try bytes.withUnsafeBytes { try Zstd.decompress($0, count: 1000) }
        }
    }

    /// "hello, hello, hello, gzip\n" with no name and no time, as `gzip -n` writes it.
    private static let gzipped: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9,
        0xD7, 0x51, 0xC8, 0x40, 0xA1, 0xD2, 0xAB, 0x32, 0x0B, 0xB8, 0x00, 0x2C, 0x79, 0xCC, 0x20,
        0x1A, 0x00, 0x00, 0x00,
    ]
    private static let text = "hello, hello, hello, gzip\n"

    private func inflateAll(_ bytes: [UInt8], piece: Int, limit: Int) throws -> ([UInt8], Bool) {
        var reader = try GzipReader()
        var output: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var input = rest.prefix(piece)
            rest = rest.dropFirst(piece)
            while true {
                let before = output.count
                try reader.inflate(&input, into: &output, limit: limit)
                #expect(output.count - before <= limit)
                if input.isEmpty, output.count == before { break }
            }
        }
        return (output, reader.isAtMemberEnd)
    }

    @Test(arguments: [1, 3, 1000], [1, 7, 4096])
    func gzipInPiecesAndSeveralMembers(piece: Int, limit: Int) throws {
        let (output, isWhole) = try inflateAll(
            Self.gzipped + Self.gzipped, piece: piece, limit: limit)
        #expect(String(decoding: output, as: UTF8.self) == Self.text + Self.text)
        #expect(isWhole)
    }

    @Test func aCutStreamIsNotWhole() throws {
        let (_, isWhole) = try inflateAll(Self.gzipped.dropLast(3), piece: 9, limit: 64)
        #expect(!isWhole)
    }

    @Test func textIsNotGzip() {
        #expect(throws: CompressionError.self) {
            try inflateAll(Array("plain text".utf8), piece: 100, limit: 100)
        }
    }
}
