import Base
import Columns
import Model
import Testing

/// A dictionary that is kept gives the values that decoding gives, of its own column only, within
/// its bound, and hides no damage.
@Suite struct DictionaryCacheTests {
    private func bytes(seed: UInt64) -> [UInt8] {
        var builder = BlockBuilder()
        for row in 0..<3000 {
            builder.beginRow(timestamp: Int64(row))
            builder.appendString(
                "user-\(seed)-\(row * 7919 % 2999)", to: builder.column("user"))
            builder.appendString("page-\(seed)-\(row % 900)", to: builder.column("page"))
            if row % 3 == 0 {
                builder.appendString("tag \(seed) of \(row % 500)", to: builder.column("tag"))
            }
            builder.appendInt(Int64(row), to: builder.column("number"))
            builder.endRow()
        }
        return builder.encode(form: .sealed)
    }

    private func values(_ block: Block, _ name: String, keeps: Bool) throws -> [Value?] {
        let column = try #require(block.column(try PropertyPath(name)))
        let decoded = try column.decode(keepsDictionary: keeps)
        return (0..<block.rowCount).map { decoded.value(at: $0) }
    }

    @Test func keptDictionariesGiveTheSameValues() throws {
        let cache = DictionaryCache(bytesMax: 1 << 20)
        let plain = try [1, 2].map { try Block(bytes(seed: $0)) }
        let keeping = plain.map { $0.keeping(dictionaries: cache) }
        for _ in 0..<3 {
            for name in ["user", "page", "tag", "number"] {
                for (plain, keeping) in zip(plain, keeping) {
                    #expect(
                        try values(keeping, name, keeps: true)
                            == values(plain, name, keeps: false))
                }
            }
        }
        #expect(cache.byteCount > 0)
        // Others than queries leave no trace.
        let before = cache.byteCount
        let third = try Block(bytes(seed: 3)).keeping(dictionaries: cache)
        _ = try values(third, "user", keeps: false)
        #expect(cache.byteCount == before)
    }

    @Test func theBoundHolds() throws {
        let bytesMax = 400_000
        let cache = DictionaryCache(bytesMax: bytesMax)
        let blocks = try (1...9).map {
            try Block(bytes(seed: $0)).keeping(dictionaries: cache)
        }
        var greatest = 0
        for _ in 0..<2 {
            for block in blocks {
                for name in ["user", "page", "tag"] {
                    #expect(
                        try values(block, name, keeps: true) == values(block, name, keeps: false))
                    #expect(cache.byteCount <= bytesMax)
                    greatest = max(greatest, cache.byteCount)
                }
            }
        }
        #expect(greatest > bytesMax / 4)
        let none = DictionaryCache(bytesMax: 0)
        _ = try values(
            try Block(bytes(seed: 1)).keeping(dictionaries: none), "user", keeps: true)
        #expect(none.byteCount == 0)
    }

    /// The checksum is looked at before a kept dictionary is taken, and what cannot be decoded is
    /// not kept.
    @Test func damageIsSeen() throws {
        final class Memory: Sendable {
            nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer
            init(_ source: [UInt8]) {
                bytes = .allocate(byteCount: source.count, alignment: 64)
                bytes.copyBytes(from: source)
            }
            deinit { bytes.deallocate() }
        }
        let memory = Memory(bytes(seed: 1))
        let cache = DictionaryCache(bytesMax: 1 << 20)
        let block = try Block(region: UnsafeRawBufferPointer(memory.bytes), owner: memory)
            .keeping(dictionaries: cache)
        _ = try values(block, "user", keeps: true)
        // Every chunk begins behind the header; all of them are changed.
        for offset in stride(from: memory.bytes.count / 8, to: memory.bytes.count, by: 64) {
            memory.bytes[offset] ^= 1
        }
        let before = cache.byteCount
        #expect(throws: BlockError.self) { try values(block, "user", keeps: true) }
        #expect(throws: BlockError.self) { try values(block, "page", keeps: true) }
        #expect(cache.byteCount == before)
    }
}
