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

    // MARK: The codecs of Kafka

    /// Bytes of every kind: none, few, random ones, repeated ones, long runs, several blocks.
    private static var samples: [[UInt8]] {
        let text = Array("the quick brown fox jumps over the lazy dog, ".utf8)
        let repeated = [[UInt8]](repeating: text, count: 4000).flatMap(\.self)
        let mixed = sample(70_000) + repeated.prefix(40_000) + sample(3)
        return [
            [], [7], Array("abcd".utf8), Array("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8), sample(12),
            sample(13), sample(1000), sample(200_000), repeated, mixed,
            [UInt8](repeating: 0, count: 300_000),
        ]
    }

    @Test(arguments: BatchCodec.allCases)
    func everyCodecGivesBackWhatItGot(_ codec: BatchCodec) throws {
        for bytes in Self.samples {
            let frame = try codec.compress(bytes)
            #expect(try codec.decompress(frame[...], limit: bytes.count) == bytes)
            if codec != .none, bytes.count > 150_000, Set(bytes).count > 1, bytes[0] == 0x74 {
                #expect(frame.count < bytes.count / 4)
            }
            guard !bytes.isEmpty else { continue }
            #expect(throws: CompressionError.self) {
                try codec.decompress(frame[...], limit: bytes.count - 1)
            }
        }
    }

    /// The same 60 bytes as other programs have written them.
    @Test func framesOfOthersAreRead() throws {
        let text = [UInt8](repeating: 0x61, count: 60)
        // lz4 with one block: a literal, a copy of 54 bytes at distance 1, five literals.
        let lz4: [UInt8] =
            [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, 0x0B, 0, 0, 0, 0x1F, 0x61, 1, 0, 0x23]
            + [0x50] + Array("aaaaa".utf8) + [0, 0, 0, 0]
        let head = Array(lz4.prefix(7))
        let block = Array(lz4[11..<lz4.count - 4])
        let sized = head + [UInt8(block.count), 0, 0, 0] + block + [0, 0, 0, 0]
        #expect(try BatchCodec.lz4.decompress(sized[...], limit: 100) == text)
        // Raw snappy: a literal, then a copy of 59 bytes with a distance of two bytes.
        let snappy: [UInt8] = [60, 0, 0x61, 58 << 2 | 2, 1, 0]
        #expect(try BatchCodec.snappy.decompress(snappy[...], limit: 100) == text)
        // And in Java's frame, in two blocks, with a short copy in one.
        let small: [UInt8] = [5, 0, 0x61, 1, 1]
        let java: [UInt8] =
            [0x82] + Array("SNAPPY".utf8) + [0, 0, 0, 0, 1, 0, 0, 0, 1]
            + [0, 0, 0, 6] + snappy + [0, 0, 0, 5] + small
        #expect(
            try BatchCodec.snappy.decompress(java[...], limit: 100)
                == text + [UInt8](repeating: 0x61, count: 5))
    }

    @Test(arguments: [5 as UInt64], BatchCodec.allCases)
    func damageNeverTraps(_ seed: UInt64, _ codec: BatchCodec) throws {
        var random = PRNG(seed: seed)
        let bytes = Array("some text, some text, some more text and again text".utf8)
        let frame = try codec.compress(bytes + bytes)
        for _ in 0..<3000 {
            var damaged = frame
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                guard let position = damaged.indices.randomElement(using: &random) else { break }
                damaged[position] = .random(in: 0...255, using: &random)
            }
            damaged.removeLast(Int.random(in: 0...min(3, damaged.count), using: &random))
            let result = try? codec.decompress(damaged[...], limit: 1000)
            #expect(result.map { $0.count <= 1000 } ?? true, "seed \(seed)")
        }
    }
}
