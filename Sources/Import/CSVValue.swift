// What a field of a CSV file means. CSV has no types; these are the rules (docs/operations.md):
//
//     empty                    no property at all; in quotes, the empty text
//     true, false in any case  a boolean
//     a number as JSON has it  a number; whole numbers only within 64 bits
//     everything else          text: 007, +1, 1e999, NULL, dates, longer numbers
//
// Quotes do not make text of a number: many programs quote every field. A column that must stay
// text, such as a postal code, is named by the caller.

internal import JSON

/// The meaning of one field.
enum CSVValue: Equatable {
    case absent
    case bool(Bool)
    /// The digits as they were written.
    case number([UInt8])
    case text([UInt8])

    init(_ field: CSVField, isText: Bool) {
        let bytes = field.bytes
        if bytes.isEmpty {
            self = field.isQuoted ? .text([]) : .absent
        } else if isText {
            self = .text(bytes)
        } else if let flag = Self.bool(bytes) {
            self = .bool(flag)
        } else {
            self = Self.isNumber(bytes) ? .number(bytes) : .text(bytes)
        }
    }

    func write(_ writer: inout JSONWriter) {
        switch self {
        case .absent: writer.null()
        case .bool(let value): writer.bool(value)
        case .number(let digits): writer.raw(digits)
        case .text(let bytes): writer.string(utf8: bytes)
        }
    }

    private static func bool(_ bytes: [UInt8]) -> Bool? {
        guard bytes.count == 4 || bytes.count == 5 else { return nil }
        let lower = bytes.map { $0 | 0x20 }
        return lower == Array("true".utf8) ? true : lower == Array("false".utf8) ? false : nil
    }

    /// Whether JSON has the text as a number that loses nothing in 64 bits.
    private static func isNumber(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let leadsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits(&rest)
        guard whole > 0, !leadsWithZero || whole == 1 else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        if rest.isEmpty { return Int64(text) != nil }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits(&rest) > 0 else { return false }
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
                rest.removeFirst()
            }
            guard digits(&rest) > 0 else { return false }
        }
        return rest.isEmpty && (Double(text)?.isFinite ?? false)
    }
}
