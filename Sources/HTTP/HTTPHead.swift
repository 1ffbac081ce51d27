// The head of a message: its bytes once, and ranges into them. Nothing is copied until asked for.

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
        return zip(bytes[field.name], name.utf8).allSatisfy {
            $0.asciiLowercased == $1.asciiLowercased
        }
    }

    /// Whether a comma-separated field lists `token`, whatever its case.
    func lists(_ token: String, in name: String) -> Bool {
        all(named: name).contains { value in
            value.split(separator: ",").contains {
                let word = $0.drop { $0 == " " || $0 == "\t" }
                return word.lowercased().trimmingSuffixSpaces == token
            }
        }
    }
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

    /// What a field value may hold: visible characters, space, tab and bytes above ASCII.
    var isFieldValue: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }
}

extension String {
    fileprivate var trimmingSuffixSpaces: String {
        var text = self[...]
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return String(text)
    }
}
