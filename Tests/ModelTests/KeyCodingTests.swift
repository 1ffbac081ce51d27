import Base
import Model
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

/// Random keys sort as their values do.
@Suite struct KeyOrderFuzzTests {
    private struct Plain: Comparable {
        var text: [UInt8]
        var number: Int64
        var small: Int32

        static func < (left: Plain, right: Plain) -> Bool {
            if left.text != right.text { return left.text.lexicographicallyPrecedes(right.text) }
            return (left.number, left.small) < (right.number, right.small)
        }
    }

    @Test func bytesSortAsValues() throws {
        let seed: UInt64 = 31
        var random = PRNG(seed: seed)
        let numbers: [Int64] = [.min, -256, -1, 0, 1, 255, 256, .max]
        func value() -> Plain {
            Plain(
                text: (0..<random.next() % 4).map { _ in [0, 1, 97, 255][Int(random.next() % 4)] },
                number: random.next() % 2 == 0
                    ? Int64(bitPattern: random.next()) : numbers[Int(random.next() % 8)],
                small: Int32(truncatingIfNeeded: random.next()))
        }
        func key(_ value: Plain) -> [UInt8] {
            var key = KeyWriter()
            key.append(text: value.text)
            key.append(value.number)
            key.append(value.small)
            return key.bytes
        }
        for _ in 0..<20_000 {
            let (left, right) = (value(), value())
            let (a, b) = (key(left), key(right))
            #expect(a.lexicographicallyPrecedes(b) == (left < right), "seed \(seed)")
            var reader = KeyReader(a)
            #expect(try reader.readTextBytes() == left.text)
            #expect(try reader.readInt64() == left.number)
            #expect(try reader.readInt32() == left.small)
            #expect(reader.isAtEnd)
        }
    }

    @Test func aCursorCutsARange() {
        let range = KeyRange(lower: [1], upper: [9])
        #expect(range.resumed(at: [5], descending: false) == KeyRange(lower: [5], upper: [9]))
        #expect(range.resumed(at: [5], descending: true) == KeyRange(lower: [1], upper: [5, 0]))
        #expect(range.resumed(at: [0], descending: false) == range)
        #expect(range.resumed(at: [9], descending: true) == range)
    }
}
