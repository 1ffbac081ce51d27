import Base
import RowStore
import Testing

/// Keys sort as their values and come apart into the same values.
@Suite struct KeyCodingTests {
    private func key(_ build: (inout KeyWriter) -> Void) -> [UInt8] {
        var writer = KeyWriter()
        build(&writer)
        return writer.bytes
    }

    @Test func integersSort() throws {
        let values: [Int64] = [.min, -1 << 40, -256, -1, 0, 1, 255, 256, 1 << 40, .max]
        let keys = values.map { value in key { $0.append(value) } }
        for (left, right) in zip(keys, keys.dropFirst()) {
            #expect(left.lexicographicallyPrecedes(right))
        }
        for (value, key) in zip(values, keys) {
            var reader = KeyReader(key)
            #expect(try reader.readInt64() == value)
            #expect(reader.isAtEnd)
        }
        var reader = KeyReader(key { $0.append(Int32.min) } + key { $0.append(Int32(7)) })
        #expect(try reader.readInt32() == .min)
        #expect(try reader.readInt32() == 7)
    }

    @Test func textsSortAndEndThemselves() throws {
        let texts = [
            "", "\0", "\0\0", "\0a", "\u{1}", "a", "a\0", "a\0b", "a\u{1}", "ab", "b", "é",
        ]
        let keys = texts.map { text in key { $0.append(text) } }
        for (left, right) in zip(keys, keys.dropFirst()) {
            #expect(left.lexicographicallyPrecedes(right))
            #expect(!right.starts(with: left))
        }
        for (text, bytes) in zip(texts, keys) {
            var reader = KeyReader(bytes + [9])
            #expect(try reader.readText() == text)
            #expect(try reader.readByte() == 9)
        }
    }

    @Test func goldenBytes() {
        #expect(key { $0.append(Int64(-2)) } == [0x7F, 255, 255, 255, 255, 255, 255, 254])
        #expect(key { $0.append(Int32(1)) } == [0x80, 0, 0, 1])
        #expect(key { $0.append("a\0") } == [0x61, 0, 0xFF, 0, 1])
    }

    @Test func cutKeysAreErrors() {
        let whole = key { $0.append("a\0b") } + key { $0.append(Int64(1)) }
        for count in whole.indices {
            #expect(throws: KeyError.self) {
                var reader = KeyReader(Array(whole[..<count]))
                _ = try reader.readText()
                _ = try reader.readInt64()
            }
        }
    }

    @Test func aPrefixRangeEndsAtItsSuccessor() {
        #expect(KeyRange.beginning(with: [1, 2]).upper == [1, 3])
        #expect(KeyRange.beginning(with: [1, 255]).upper == [2])
        #expect(KeyRange.beginning(with: [255, 255]).upper == nil)
    }
}
