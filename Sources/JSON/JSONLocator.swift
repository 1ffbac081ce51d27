// Finds where a refused document goes wrong. simdjson says only what kind of mistake it met, so
// this slow second look runs on refused documents alone; it never decides whether one is refused.

/// Walks a document token by token up to the first byte that cannot belong to valid JSON.
struct JSONLocator {
    private enum Expectation { case value, valueOrEnd, key, keyOrEnd, colon, commaOrEnd, nothing }

    private let bytes: [UInt8]
    private var position = 0
    /// Open brackets, innermost last.
    private var open: [UInt8] = []

    /// The offset of the first mistake; nil if it has no place or was not found.
    static func firstMistake(in bytes: [UInt8], code: JSONError.Code) -> Int? {
        switch code {
        case .empty, .tooLarge, .outOfMemory, .tooDeep: return nil
        case .invalidUTF8: return firstInvalidUTF8(in: bytes)
        default:
            var locator = JSONLocator(bytes)
            return locator.walk()
        }
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func walk() -> Int? {
        var expected = Expectation.value
        while true {
            while let byte = current, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) {
                position += 1
            }
            guard let byte = current else { return expected == .nothing ? nil : position }
            guard let next = step(byte, expected) else { return position }
            expected = next
        }
    }

    /// Consumes one token; nil when `position` is at a mistake.
    private mutating func step(_ byte: UInt8, _ expected: Expectation) -> Expectation? {
        switch (expected, byte) {
        case (.valueOrEnd, UInt8(ascii: "]")), (.keyOrEnd, UInt8(ascii: "}")): return close(byte)
        case (.value, _), (.valueOrEnd, _): return value(byte)
        case (.key, UInt8(ascii: "\"")), (.keyOrEnd, UInt8(ascii: "\"")):
            return string() ? .colon : nil
        case (.colon, UInt8(ascii: ":")):
            position += 1
            return .value
        case (.commaOrEnd, UInt8(ascii: ",")):
            position += 1
            return open.last == UInt8(ascii: "{") ? .key : .value
        case (.commaOrEnd, UInt8(ascii: "]")), (.commaOrEnd, UInt8(ascii: "}")): return close(byte)
        default: return nil
        }
    }

    private mutating func close(_ byte: UInt8) -> Expectation? {
        // In ASCII each closing bracket is two above its opening one.
        guard open.last == byte - 2 else { return nil }
        open.removeLast()
        position += 1
        return afterValue
    }

    private var afterValue: Expectation { open.isEmpty ? .nothing : .commaOrEnd }

    private mutating func value(_ byte: UInt8) -> Expectation? {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            open.append(byte)
            position += 1
            return byte == UInt8(ascii: "{") ? .keyOrEnd : .valueOrEnd
        case UInt8(ascii: "\""): return string() ? afterValue : nil
        case UInt8(ascii: "t"): return word("true") ? afterValue : nil
        case UInt8(ascii: "f"): return word("false") ? afterValue : nil
        case UInt8(ascii: "n"): return word("null") ? afterValue : nil
        default: return number() ? afterValue : nil
        }
    }

    private mutating func word(_ text: String) -> Bool {
        for byte in text.utf8 {
            guard current == byte else { return false }
            position += 1
        }
        return true
    }

    private mutating func string() -> Bool {
        position += 1
        while let byte = current {
            guard byte >= 0x20 else { return false }
            if byte == UInt8(ascii: "\"") {
                position += 1
                return true
            }
            if byte == UInt8(ascii: "\\") {
                guard escape() else { return false }
            } else {
                position += 1
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        let start = position
        guard let unit = codeUnit() else { return false }
        guard (0xD800...0xDFFF).contains(unit) else { return true }
        // A first half needs a second one right behind it.
        if unit < 0xDC00, let second = codeUnit(), (0xDC00...0xDFFF).contains(second) {
            return true
        }
        position = start
        return false
    }

    /// Consumes one escape and returns its code unit, 0 for the short ones.
    private mutating func codeUnit() -> Int? {
        guard position + 1 < bytes.count, current == UInt8(ascii: "\\") else { return nil }
        let kind = bytes[position + 1]
        guard kind == UInt8(ascii: "u") else {
            guard "\"\\/bfnrt".utf8.contains(kind) else { return nil }
            position += 2
            return 0
        }
        guard position + 6 <= bytes.count else { return nil }
        let digits = bytes[position + 2..<position + 6]
        guard
            digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit && $0 < 0x80 }),
            let unit = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { return nil }
        position += 6
        return unit
    }

    private mutating func number() -> Bool {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") {
            position += 1
        } else {
            guard digits() > 0 else { return false }
        }
        if current == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { return false }
        }
        if let byte = current, byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { return false }
        }
        return isRepresentable(from: start)
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    /// False, with `position` back at the number, if it has no finite value of 64 bits.
    private mutating func isRepresentable(from start: Int) -> Bool {
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if Int64(text) != nil || UInt64(text) != nil { return true }
        let isInteger = text.utf8.allSatisfy { $0 <= 0x39 && $0 != UInt8(ascii: ".") }
        if !isInteger, let value = Double(text), value.isFinite { return true }
        position = start
        return false
    }

    private static func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
        var position = 0
        while position < bytes.count {
            let first = bytes[position]
            let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            let end = min(position + count, bytes.count)
            let scalar = bytes[position..<end]
            guard String(validating: scalar, as: UTF8.self) != nil else { return position }
            position = end
        }
        return nil
    }
}
