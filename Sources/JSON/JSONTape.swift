// simdjson's tape, walked in Swift: no C call per value and no String per key.
//
// Tape words hold a type in the top byte and a payload in the other seven:
//   r  root            payload of word 0: index of the closing root word
//   {  [  open         low 32 bits: index after the closing word; next 24 bits: members, saturated
//   }  ]  close        index of the opening word
//   "  string          offset in the string buffer: u32 size, bytes, zero
//   l  u  d  number    the next word is the Int64, UInt64 or Double
//   t  f  n            true, false, null
//
// Beside the tape lie the tokens: source offsets of every one of `{}[]:,` and of the first byte of
// every scalar, in order. Whoever walks the tape and counts tokens knows where a value's text is.

/// A parsed document. Valid until its parser parses again: do not keep it or anything read from it.
@usableFromInline @safe package struct JSONTape {
    // The three pointers are memory of the parser, written by simdjson and consistent with each
    // other, so that walking from the root never leaves them.
    @usableFromInline let words: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let tokens: UnsafePointer<UInt32>
    /// How many tokens the document has.
    @usableFromInline package let tokenCount: Int
    @usableFromInline let sourceBase: Int

    init(
        words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>,
        tokens: UnsafePointer<UInt32>, tokenCount: Int, sourceBase: Int
    ) {
        unsafe self.words = words
        unsafe self.strings = strings
        unsafe self.tokens = tokens
        self.tokenCount = tokenCount
        self.sourceBase = sourceBase
    }

    /// The document's value.
    @inlinable package var root: JSONNode {
        unsafe JSONNode(words: words, strings: strings, index: 1)
    }

    /// Offset in the parsed bytes of a token's first byte.
    @inlinable package func sourceOffset(ofToken token: Int) -> Int {
        precondition(token >= 0 && token < tokenCount, "token outside the document")
        return unsafe Int(tokens[token]) + sourceBase
    }
}

/// The types of JSON values as Millrace sees them.
@usableFromInline package enum JSONKind: Sendable {
    case null, bool
    /// Fits Int64.
    case int
    /// Written with a point or an exponent, or an integer outside Int64.
    case double
    case string, array, object
}

/// One value on a tape: a cursor, cheap to copy. Valid as long as its tape.
@usableFromInline @safe package struct JSONNode {
    // Points into the parser's memory; `index` is always that of a value's first word.
    @usableFromInline let words: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let index: Int

    @inlinable init(words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
        unsafe self.words = words
        unsafe self.strings = strings
        self.index = index
    }

    @inlinable @inline(__always) var word: UInt64 { unsafe words[index] }
    @inlinable @inline(__always) var tag: UInt8 { UInt8(truncatingIfNeeded: word >> 56) }
    @inlinable @inline(__always) var nextWord: UInt64 { unsafe words[index + 1] }

    /// Index of the word after this value.
    @inlinable @inline(__always) var indexAfter: Int {
        switch tag {
        case UInt8(ascii: "{"), UInt8(ascii: "["): Int(UInt32(truncatingIfNeeded: word))
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): index + 2
        default: index + 1
        }
    }

    @inlinable @inline(__always) package var kind: JSONKind {
        switch tag {
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "l"): .int
        case UInt8(ascii: "d"), UInt8(ascii: "u"): .double
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        default: .null
        }
    }

    @inlinable @inline(__always) package var isNull: Bool { tag == UInt8(ascii: "n") }

    /// The value of a `.bool`.
    @inlinable @inline(__always) package var bool: Bool? {
        switch tag {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// The value of an `.int`.
    @inlinable @inline(__always) package var int: Int64? {
        tag == UInt8(ascii: "l") ? Int64(bitPattern: nextWord) : nil
    }

    /// The value of any number, as near as a double comes.
    @inlinable @inline(__always) package var double: Double? {
        switch tag {
        case UInt8(ascii: "d"): Double(bitPattern: nextWord)
        case UInt8(ascii: "l"): Double(Int64(bitPattern: nextWord))
        case UInt8(ascii: "u"): Double(nextWord)
        default: nil
        }
    }

    /// The unescaped text of a `.string`.
    @inlinable @inline(__always) package var string: JSONString? {
        tag == UInt8(ascii: "\"") ? stringUnchecked : nil
    }

    @inlinable @inline(__always) var stringUnchecked: JSONString {
        let start = unsafe strings + Int(word & 0x00FF_FFFF_FFFF_FFFF)
        let count = unsafe UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return unsafe JSONString(start: start + 4, count: Int(count))
    }

    /// The members of an `.object` in source order, repeated names included; none for other kinds.
    @inlinable @inline(__always) package var members: JSONMembers {
        let isObject = tag == UInt8(ascii: "{")
        return unsafe JSONMembers(
            words: words, strings: strings, index: index + 1,
            end: isObject ? indexAfter - 1 : index + 1)
    }

    /// The elements of an `.array`; none for other kinds.
    @inlinable @inline(__always) package var elements: JSONElements {
        let isArray = tag == UInt8(ascii: "[")
        return unsafe JSONElements(
            words: words, strings: strings, index: index + 1,
            end: isArray ? indexAfter - 1 : index + 1)
    }

    /// Members of an object or elements of an array, up to 16,777,215; 0 for other kinds.
    @inlinable @inline(__always) package var childCount: Int {
        switch tag {
        case UInt8(ascii: "{"), UInt8(ascii: "["): Int((word >> 32) & 0xFF_FFFF)
        default: 0
        }
    }

    /// The value of an object's member; of repeated names the last one counts.
    package subscript(name: String) -> JSONNode? {
        var found: JSONNode?
        for member in members where member.key == name { found = member.value }
        return found
    }
}

/// An object's members, in order.
@usableFromInline @safe package struct JSONMembers: Sequence, IteratorProtocol {
    // As in JSONNode; `end` is the index of the closing word.
    @usableFromInline let words: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline var index: Int
    @usableFromInline let end: Int

    @inlinable init(
        words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int, end: Int
    ) {
        unsafe self.words = words
        unsafe self.strings = strings
        self.index = index
        self.end = end
    }

    @inlinable @inline(__always) package mutating func next() -> (key: JSONString, value: JSONNode)?
    {
        guard index < end else { return nil }
        let key = unsafe JSONNode(words: words, strings: strings, index: index)
        let value = unsafe JSONNode(words: words, strings: strings, index: index + 1)
        index = value.indexAfter
        return (key.stringUnchecked, value)
    }
}

/// An array's elements, in order.
@usableFromInline @safe package struct JSONElements: Sequence, IteratorProtocol {
    // As in JSONMembers.
    @usableFromInline let words: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline var index: Int
    @usableFromInline let end: Int

    @inlinable init(
        words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int, end: Int
    ) {
        unsafe self.words = words
        unsafe self.strings = strings
        self.index = index
        self.end = end
    }

    @inlinable @inline(__always) package mutating func next() -> JSONNode? {
        guard index < end else { return nil }
        let value = unsafe JSONNode(words: words, strings: strings, index: index)
        index = value.indexAfter
        return value
    }
}
