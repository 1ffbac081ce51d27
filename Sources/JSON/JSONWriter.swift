// Writes compact JSON, UTF-8, append-only. Whatever it writes parses back to the same values.

/// Builds one document. Commas take care of themselves; brackets and keys are the caller's.
package struct JSONWriter: Sendable {
    /// What has been written so far.
    package private(set) var bytes: [UInt8]
    /// Whether the next key or element has a neighbour before it.
    private var needsComma = false

    package init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    package mutating func beginObject() { begin(UInt8(ascii: "{")) }
    package mutating func endObject() { end(UInt8(ascii: "}")) }
    package mutating func beginArray() { begin(UInt8(ascii: "[")) }
    package mutating func endArray() { end(UInt8(ascii: "]")) }

    /// A member's name; its value must follow.
    package mutating func key(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member's name; its value must follow.
    package mutating func key(_ name: JSONString) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func null() { literal("null") }
    package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    package mutating func int(_ value: Int64) {
        beginValue()
        var digits = value.magnitude
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        repeat {
            bytes.append(0x30 + UInt8(truncatingIfNeeded: digits % 10))
            digits /= 10
        } while digits > 0
        bytes[start...].reverse()
    }

    package mutating func int(_ value: Int) { int(Int64(value)) }

    /// The shortest text that parses back to the same double, always with a point or an exponent,
    /// so that it parses back to a double and not to an integer. JSON has no NaN: null.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        beginValue()
        bytes.append(contentsOf: value.description.utf8)
    }

    /// A number of a result: integers within ±2^53 without a point, other numbers as `double`.
    package mutating func number(_ value: Double) {
        if value.magnitude <= 9_007_199_254_740_992, value == value.rounded(.towardZero) {
            int(Int64(value))
        } else {
            double(value)
        }
    }

    package mutating func string(_ value: String) {
        beginValue()
        var copy = value
        copy.withUTF8 { unsafe appendQuoted($0) }
    }

    package mutating func string(_ value: JSONString) {
        beginValue()
        unsafe appendQuoted(value.bytes)
    }

    /// UTF-8 bytes as a string.
    package mutating func string(utf8 value: [UInt8]) {
        beginValue()
        unsafe value.withUnsafeBufferPointer { unsafe appendQuoted($0) }
    }

    /// A value that is JSON text already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    /// The value of a tape node, written compactly.
    package mutating func value(_ node: JSONNode) {
        switch node.kind {
        case .null: null()
        case .bool: bool(node.bool ?? false)
        case .int: int(node.int ?? 0)
        case .double: double(node.double ?? 0)
        case .string: string(node.stringUnchecked)
        case .array:
            beginArray()
            for element in node.elements { value(element) }
            endArray()
        case .object:
            beginObject()
            for member in node.members {
                key(member.key)
                value(member.value)
            }
            endObject()
        }
    }

    private mutating func begin(_ bracket: UInt8) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func beginValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func literal(_ text: String) {
        beginValue()
        bytes.append(contentsOf: text.utf8)
    }

    // Reads exactly the buffer's bytes, in runs between the characters that need an escape.
    private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var runStart = 0
        for index in 0..<text.count {
            let byte = unsafe text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<index]))
            appendEscape(byte)
            runStart = index + 1
        }
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart...]))
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }
}
