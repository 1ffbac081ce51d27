// The unescaped bytes of a string on a tape.

internal import Glibc

/// A string or key of a parsed document: UTF-8 in the parser's memory, valid as long as its tape.
@usableFromInline @safe package struct JSONString: RandomAccessCollection {
    // `start` has `count` readable bytes in memory of the parser.
    @usableFromInline let start: UnsafePointer<UInt8>
    /// Bytes, not characters.
    @usableFromInline package let count: Int

    @inlinable init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    @inlinable package var startIndex: Int { 0 }
    @inlinable package var endIndex: Int { count }

    @inlinable package subscript(position: Int) -> UInt8 {
        precondition(position >= 0 && position < count, "byte outside the string")
        return unsafe start[position]
    }

    @inlinable package func withContiguousStorageIfAvailable<R>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> R
    ) rethrows -> R? {
        try unsafe body(UnsafeBufferPointer(start: start, count: count))
    }

    /// The bytes, for code that copies or hashes them at once.
    @inlinable package var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: start, count: count)
    }

    /// Whether the byte occurs. Reads `count` bytes.
    package func contains(_ byte: UInt8) -> Bool {
        unsafe memchr(start, Int32(byte), count) != nil
    }

    /// A copy as a String.
    package var text: String { unsafe String(decoding: bytes, as: UTF8.self) }

    // The comparisons read `count` bytes on both sides.
    package static func == (left: JSONString, right: JSONString) -> Bool {
        unsafe left.count == right.count && memcmp(left.start, right.start, left.count) == 0
    }

    /// Comparison with a literal, without making a String of either.
    package func equals(_ literal: StaticString) -> Bool {
        unsafe count == literal.utf8CodeUnitCount && memcmp(start, literal.utf8Start, count) == 0
    }

    package static func == (left: JSONString, right: String) -> Bool {
        guard left.count == right.utf8.count else { return false }
        // Nearly every text has its bytes at hand.
        return unsafe right.utf8.withContiguousStorageIfAvailable {
            unsafe memcmp(left.start, $0.baseAddress ?? UnsafePointer(left.start), left.count) == 0
        } ?? left.elementsEqual(right.utf8)
    }
}
