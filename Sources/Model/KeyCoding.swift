// Keys whose bytes sort as their values do. A cell's key is its row key followed by its clustering
// key, each a sequence of parts; every row key of one table has the same kinds of parts in the same
// order, so no row key is the beginning of another. docs/formats/rows.md has the tables.
//
//     Int64   8 bytes, highest first, sign bit flipped
//     Int32   4 bytes, the same way
//     UInt8   1 byte
//     text    UTF-8 with each 00 as 00 FF, then 00 01: a beginning sorts before its continuation

/// Builds a key part by part.
package struct KeyWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}
    /// Continues a key.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package mutating func append(_ value: UInt8) { bytes.append(value) }

    package mutating func append(_ value: Int32) {
        append(bits: UInt64(UInt32(bitPattern: value) ^ 1 << 31), count: 4)
    }

    package mutating func append(_ value: Int64) {
        append(bits: UInt64(bitPattern: value) ^ 1 << 63, count: 8)
    }

    private mutating func append(bits: UInt64, count: Int) {
        for index in (0..<count).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * index)))
        }
    }

    package mutating func append(_ text: String) { append(text: text.utf8) }

    package mutating func append(text: some Sequence<UInt8>) {
        for byte in text {
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
        bytes.append(0)
        bytes.append(1)
    }
}

/// A key that is not what its table says.
package struct KeyError: Error, Sendable, Equatable {
    package let offset: Int
    package init(offset: Int) { self.offset = offset }
}

/// Takes a key apart again.
package struct KeyReader: Sendable {
    private let bytes: [UInt8]
    package private(set) var offset = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { offset == bytes.count }

    package mutating func readByte() throws(KeyError) -> UInt8 {
        UInt8(truncatingIfNeeded: try readBits(1))
    }

    package mutating func readInt32() throws(KeyError) -> Int32 {
        Int32(bitPattern: UInt32(truncatingIfNeeded: try readBits(4)) ^ 1 << 31)
    }

    package mutating func readInt64() throws(KeyError) -> Int64 {
        Int64(bitPattern: try readBits(8) ^ 1 << 63)
    }

    private mutating func readBits(_ count: Int) throws(KeyError) -> UInt64 {
        guard count <= bytes.count - offset else { throw KeyError(offset: offset) }
        defer { offset += count }
        return bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    package mutating func readText() throws(KeyError) -> String {
        let text = try readTextBytes()
        guard let string = String(validating: text, as: UTF8.self) else {
            throw KeyError(offset: offset)
        }
        return string
    }

    /// Bytes coded as a text, whatever they are.
    package mutating func readTextBytes() throws(KeyError) -> [UInt8] {
        var text: [UInt8] = []
        while true {
            let byte = try readByte()
            guard byte == 0 else {
                text.append(byte)
                continue
            }
            let next = try readByte()
            if next == 1 { return text }
            guard next == 0xFF else { throw KeyError(offset: offset) }
            text.append(0)
        }
    }
}

/// Keys with `lower <= key < upper`; no upper means to the end of the table.
package struct KeyRange: Sendable, Hashable {
    package var lower: [UInt8]
    package var upper: [UInt8]?

    package init(lower: [UInt8], upper: [UInt8]?) {
        self.lower = lower
        self.upper = upper
    }

    package static let all = KeyRange(lower: [], upper: nil)

    /// What is left of the range from the cell with the key `cursor` on, itself included; the range
    /// itself if the cursor lies outside it.
    package func resumed(at cursor: [UInt8], descending: Bool) -> KeyRange {
        if descending {
            // The least key after the cursor.
            let end = cursor + [0]
            if let upper, upper.lexicographicallyPrecedes(end) { return self }
            return KeyRange(lower: lower, upper: end)
        }
        return KeyRange(
            lower: lower.lexicographicallyPrecedes(cursor) ? cursor : lower, upper: upper)
    }

    /// All keys that begin with `prefix`: a whole row when it is a row key.
    package static func beginning(with prefix: [UInt8]) -> KeyRange {
        KeyRange(lower: prefix, upper: successor(of: prefix))
    }

    /// The least key after all that begin with `prefix`; nil if there is none.
    private static func successor(of prefix: [UInt8]) -> [UInt8]? {
        var next = prefix
        while let last = next.popLast() {
            if last < 0xFF {
                next.append(last + 1)
                return next
            }
        }
        return nil
    }
}
