// Reads the text of a document once, from front to back, without a tape in between: for events,
// which are nearly all of one shape. It knows less than simdjson does and never guesses: what it
// accepts is valid JSON and means what simdjson would say; of everything else, also of what is
// merely rare, it says nothing, and simdjson has the word.

internal import Base

/// Room for texts that are not in a document as they are meant: unescaped ones, arrays without
/// their spaces. Kept from document to document.
@safe package final class JSONScratch {
    /// Owned; replaced by a larger one before a document is read, never while one is.
    fileprivate(set) var memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)

    package init() {}

    deinit { unsafe memory.deallocate() }

    fileprivate func reserve(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        if unsafe memory.count < count {
            unsafe memory.deallocate()
            unsafe memory = .allocate(capacity: count)
        }
        return unsafe memory.baseAddress
    }
}

/// A number as a document has it.
@usableFromInline package enum JSONNumber: Sendable, Equatable {
    case int(Int64)
    case double(Double)
}

/// A cursor in the text of a document. Every method that reads returns nil or false where the text
/// goes on otherwise than asked, or in a way that the scanner does not know; where the cursor is
/// then is of no use, except after `take`, which leaves it.
///
/// The document's bytes and the scratch must outlive the scanner and the texts it gives.
@usableFromInline @safe package struct JSONScanner {
    // `count` readable bytes at `base`, as many writable ones at `scratch`: no byte of the document
    // puts more than one there, and none is read twice.
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let count: Int
    @usableFromInline var position = 0
    private let scratch: UnsafeMutablePointer<UInt8>
    private var scratchCount = 0

    /// Arrays and objects within each other that the scanner follows. A choice.
    package static let depthMax = 32

    /// Nil for an empty document.
    package init?(_ document: UnsafeRawBufferPointer, scratch: JSONScratch) {
        guard let base = document.baseAddress, document.count > 0,
            let room = unsafe scratch.reserve(document.count)
        else { return nil }
        unsafe self.base = base.assumingMemoryBound(to: UInt8.self)
        count = document.count
        unsafe self.scratch = room
    }

    /// The next byte that is no space, where the cursor then is; 0 at the end.
    @inlinable @inline(__always)
    package mutating func peek() -> UInt8 {
        while position < count {
            let byte = unsafe base[position]
            guard byte <= 0x20 else { return byte }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return 1 }
            position += 1
        }
        return 0
    }

    /// Whether there are only spaces left.
    package mutating func isAtEnd() -> Bool { peek() == 0 && position == count }

    /// Goes over a byte that `peek` has shown.
    @inlinable @inline(__always)
    package mutating func skip() { position += 1 }

    /// The next bytes, if there are as many.
    @inlinable @inline(__always)
    package func next(_ wanted: Int) -> UnsafeRawBufferPointer? {
        guard wanted <= count - position else { return nil }
        return unsafe UnsafeRawBufferPointer(start: base + position, count: wanted)
    }

    /// Goes over bytes that `next` has shown.
    @inlinable @inline(__always)
    package mutating func skip(_ count: Int) { position += count }

    /// Goes over an ASCII word, if it is next.
    package mutating func take(_ word: StaticString) -> Bool {
        let wanted = unsafe UnsafeRawBufferPointer(
            start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard let found = unsafe next(wanted.count), unsafe found.hasSameBytes(wanted) else {
            return false
        }
        skip(wanted.count)
        return true
    }

    // MARK: Strings

    /// The string that begins here, unescaped.
    @inlinable @inline(__always)
    package mutating func string() -> UnsafeBufferPointer<UInt8>? {
        let begin = position + 1
        var at = begin
        while at + 8 <= count {
            let found = unsafe Self.specials(UnsafeRawPointer(base + at).word)
            guard found != 0 else {
                at += 8
                continue
            }
            at += found.trailingZeroBitCount >> 3
            guard unsafe base[at] == UInt8(ascii: "\"") else { break }
            position = at + 1
            return unsafe UnsafeBufferPointer(start: base + begin, count: at - begin)
        }
        return unsafe string(from: begin, at: at)
    }

    /// The high bit of the first byte that is a quote, a backslash, a control character or not
    /// ASCII; the bits of later bytes say nothing.
    @inlinable @inline(__always)
    static func specials(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let controls = word &- (ones &* 0x20)
        return (controls | (quotes &- ones) | (backslashes &- ones) | word) & (ones &* 0x80)
    }

    /// The same, slowly, of a string whose bytes up to `at` are plain.
    @usableFromInline @inline(never)
    mutating func string(from begin: Int, at first: Int) -> UnsafeBufferPointer<UInt8>? {
        var at = first
        while at < count {
            let byte = unsafe base[at]
            if byte == UInt8(ascii: "\"") {
                position = at + 1
                return unsafe UnsafeBufferPointer(start: base + begin, count: at - begin)
            }
            if byte == UInt8(ascii: "\\") { return unsafe unescaped(from: begin, at: at) }
            let length = characterLength(at: at)
            guard length > 0 else { return nil }
            at += length
        }
        return nil
    }

    /// Bytes of the character at `at`; 0 if no string may have it.
    private func characterLength(at: Int) -> Int {
        let first = unsafe base[at]
        guard first >= 0x80 else { return first < 0x20 ? 0 : 1 }
        // The second byte's range excludes longer forms than needed, surrogates, and what is above
        // U+10FFFF (RFC 3629).
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch first {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (0, 0x80...0xBF)
            }
        guard length > 0, at + length <= count, unsafe second.contains(base[at + 1]) else {
            return 0
        }
        for index in 2..<max(length, 2) where unsafe base[at + index] & 0xC0 != 0x80 { return 0 }
        return length
    }

    private mutating func unescaped(from begin: Int, at first: Int) -> UnsafeBufferPointer<UInt8>? {
        let start = scratchCount
        copy(begin..<first)
        position = first
        while position < count {
            let byte = unsafe base[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return unsafe UnsafeBufferPointer(
                    start: scratch + start, count: scratchCount - start)
            }
            if byte == UInt8(ascii: "\\") {
                guard unescape() else { return nil }
            } else {
                let length = characterLength(at: position)
                guard length > 0 else { return nil }
                copy(position..<position + length)
                position += length
            }
        }
        return nil
    }

    private mutating func unescape() -> Bool {
        guard position + 1 < count else { return false }
        let kind = unsafe base[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): put(kind)
        case UInt8(ascii: "b"): put(0x08)
        case UInt8(ascii: "f"): put(0x0C)
        case UInt8(ascii: "n"): put(0x0A)
        case UInt8(ascii: "r"): put(0x0D)
        case UInt8(ascii: "t"): put(0x09)
        case UInt8(ascii: "u"):
            guard var code = hexadecimalDigits() else { return false }
            if code & 0xFC00 == 0xD800 {
                guard position + 1 < count, unsafe base[position] == UInt8(ascii: "\\"),
                    unsafe base[position + 1] == UInt8(ascii: "u")
                else { return false }
                position += 2
                guard let low = hexadecimalDigits(), low & 0xFC00 == 0xDC00 else { return false }
                code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(code) else { return false }
            for unit in UTF8.encode(scalar) ?? .init() { put(unit) }
        default: return false
        }
        return true
    }

    private mutating func hexadecimalDigits() -> UInt32? {
        guard position + 4 <= count else { return nil }
        var code: UInt32 = 0
        for index in position..<position + 4 {
            let byte = unsafe base[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }

    private mutating func put(_ byte: UInt8) {
        unsafe scratch[scratchCount] = byte
        scratchCount += 1
    }

    private mutating func copy(_ range: Range<Int>) {
        unsafe (scratch + scratchCount).update(from: base + range.lowerBound, count: range.count)
        scratchCount += range.count
    }

    // MARK: Numbers

    /// The number that begins here, if it has at most 18 digits and no exponent. What follows it
    /// must be looked at: digits may be followed by anything.
    @inlinable @inline(__always)
    package mutating func number() -> JSONNumber? {
        let isNegative = unsafe base[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let begin = position
        var number: UInt64 = 0
        _ = digits(&number)
        let whole = position - begin
        guard whole > 0, whole <= 18, unsafe whole == 1 || base[begin] != 0x30 else { return nil }
        guard position < count, unsafe base[position] == UInt8(ascii: ".") else {
            // Written as an integer, -0 is one; as a double it is not 0.
            return .int(isNegative ? -Int64(number) : Int64(number))
        }
        position += 1
        let point = position
        let scale = digits(&number)
        // Both are exact as doubles, so that their quotient is the double nearest to the decimal.
        guard position > point, whole + position - point <= 18, number <= 1 << 53 else {
            return nil
        }
        let value = Double(number) / scale
        return .double(isNegative ? -value : value)
    }

    /// Goes over digits and puts them behind those of `number`, which wraps if they are many; the
    /// power of ten that it has grown by.
    @inlinable @inline(__always)
    mutating func digits(_ number: inout UInt64) -> Double {
        var scale = 1.0
        while position + 8 <= count {
            // Digits as their values, what is none as more than 9: that sets the byte's high bit,
            // and what it does to later bytes says nothing.
            let bytes = unsafe UnsafeRawPointer(base + position).word ^ 0x3030_3030_3030_3030
            let others = (bytes | (bytes &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
            let found = others.trailingZeroBitCount >> 3
            guard found > 0 else { return scale }
            // As if zeros stood before them.
            let power = Self.power(found)
            number = number &* power &+ Self.value(bytes << UInt64(64 - 8 * found))
            scale *= Double(power)
            position += found
            guard found == 8 else { return scale }
        }
        while position < count, unsafe base[position] &- 0x30 < 10 {
            number = unsafe number &* 10 &+ UInt64(base[position] &- 0x30)
            scale *= 10
            position += 1
        }
        return scale
    }

    /// The number of eight digits, the first one lowest.
    @inlinable @inline(__always)
    static func value(_ digits: UInt64) -> UInt64 {
        let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
        return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
    }

    /// 10 to the power of 0 to 8.
    @inlinable @inline(__always)
    static func power(_ exponent: Int) -> UInt64 {
        (exponent & 1 == 0 ? 1 : 10) &* (exponent & 2 == 0 ? 1 : 100)
            &* (exponent & 4 == 0 ? 1 : 10_000) &* (exponent & 8 == 0 ? 1 : 100_000_000)
    }

    // MARK: Arrays and empty objects

    /// Whether the object that begins here has no members. The cursor stays.
    package func isEmptyObject() -> Bool {
        var inside = self
        inside.skip()
        return inside.peek() == UInt8(ascii: "}")
    }

    /// The compact text of the array or object that begins here, as `JSONWriter` would write it.
    package mutating func document() -> UnsafeBufferPointer<UInt8>? {
        let start = scratchCount
        guard copyValue(depth: 0) else { return nil }
        return unsafe UnsafeBufferPointer(start: scratch + start, count: scratchCount - start)
    }

    private mutating func copyValue(depth: Int) -> Bool {
        let first = peek()
        let begin = position
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth < Self.depthMax else { return false }
            return copyMembers(first, depth: depth)
        case UInt8(ascii: "\""): return copyString()
        case UInt8(ascii: "t"): guard take("true") else { return false }
        case UInt8(ascii: "f"): guard take("false") else { return false }
        case UInt8(ascii: "n"): guard take("null") else { return false }
        default:
            // Doubles are written in a form of their own, and so is -0.
            guard case .int(let number)? = number(), number != 0 || first == 0x30 else {
                return false
            }
        }
        copy(begin..<position)
        return true
    }

    private mutating func copyString() -> Bool {
        let (begin, used) = (position, scratchCount)
        // One that had to be unescaped may be written otherwise than it was.
        guard unsafe string() != nil, scratchCount == used else { return false }
        copy(begin..<position)
        return true
    }

    private mutating func copyMembers(_ bracket: UInt8, depth: Int) -> Bool {
        // In ASCII each closing bracket is two above its opening one.
        let isObject = bracket == UInt8(ascii: "{")
        put(bracket)
        skip()
        var next = peek()
        while next != bracket + 2 {
            if isObject {
                guard next == UInt8(ascii: "\""), copyString(), peek() == UInt8(ascii: ":") else {
                    return false
                }
                put(UInt8(ascii: ":"))
                skip()
            }
            guard copyValue(depth: depth + 1) else { return false }
            next = peek()
            guard next == UInt8(ascii: ",") else { break }
            put(next)
            skip()
            next = peek()
            guard next != bracket + 2 else { return false }
        }
        guard next == bracket + 2 else { return false }
        put(next)
        skip()
        return true
    }
}

extension UnsafeRawPointer {
    /// Eight bytes as a number, the first one lowest. They must be readable.
    @inlinable @inline(__always)
    var word: UInt64 { unsafe UInt64(littleEndian: loadUnaligned(as: UInt64.self)) }
}
