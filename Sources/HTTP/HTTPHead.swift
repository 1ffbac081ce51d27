// The head of a message: its bytes once, and ranges into them. Nothing is copied until asked for.

internal import Base

/// Header fields of a request or a response.
package struct HTTPHead: Sendable {
    struct Field: Sendable {
        var name: Range<Int>
        var value: Range<Int>
    }

    var bytes: [UInt8] = []
    var fields: [Field] = []

    /// The first field of that name, whatever its case.
    package subscript(name: String) -> String? {
        firstField(named: name).map { String(decoding: bytes[$0.value], as: UTF8.self) }
    }

    /// Every value of that name, in order.
    package func all(named name: String) -> [String] {
        fields.filter { matches($0, name) }.map { String(decoding: bytes[$0.value], as: UTF8.self) }
    }

    func firstField(named name: String) -> Field? { fields.first { matches($0, name) } }

    func count(named name: String) -> Int {
        fields.reduce(0) { $0 + (matches($1, name) ? 1 : 0) }
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        guard field.name.count == name.utf8.count else { return false }
        var index = field.name.lowerBound
        for byte in name.utf8 {
            guard bytes[index].asciiLowercased == byte.asciiLowercased else { return false }
            index += 1
        }
        return true
    }

    /// Whether the field's value is `token`, which is in lower case, whatever its own case.
    func isValue(of field: Field, _ token: String) -> Bool { isEqual(field.value, token) }

    private func isEqual(_ range: Range<Int>, _ token: String) -> Bool {
        range.count == token.utf8.count
            && bytes[range].lazy.map(\.asciiLowercased).elementsEqual(token.utf8)
    }

    /// Whether a comma-separated field lists `token`, which is in lower case, in whatever case.
    func lists(_ token: String, in name: String) -> Bool {
        for field in fields where matches(field, name) {
            var start = field.value.lowerBound
            while start <= field.value.upperBound {
                let rest = start..<field.value.upperBound
                let end = firstIndex(of: UInt8(ascii: ","), in: bytes, within: rest)
                let item = trimmed(bytes, start..<(end ?? rest.upperBound))
                if isEqual(item, token) { return true }
                start = (end ?? rest.upperBound) + 1
            }
        }
        return false
    }
}

/// The range without spaces and tabs at its ends.
func trimmed(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
    while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    return start..<end
}

extension UInt8 {
    var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// RFC 9110 `tchar`.
    var isToken: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// What a host with a port may hold (RFC 3986 3.2.2); user names are not served.
    var isAuthority: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        // - . _ ~ % : [ ] and the sub-delimiters.
        case 0x2D, 0x2E, 0x5F, 0x7E, 0x25, 0x3A, 0x5B, 0x5D, 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D:
            true
        default: false
        }
    }

    /// What a field value may hold: visible characters, space, tab and bytes above ASCII.
    var isFieldValue: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }
}
