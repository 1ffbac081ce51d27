// Keys as people write them: parts with a slash between them.
//
//     3/shop/page views/-12        shard 3, text, text, integer
//     0/"7"/0x00ff                 in a table of any parts: the text 7, then two bytes
//     =80000003                    a key as its bytes, whatever they mean
//
// A text that is empty, has a slash, a quote or a control character, or would read as something
// else, is in quotes, with the escapes of JSON.

/// A text that is no key of its table.
package struct KeyTextError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// Reads and writes the notation for keys of given parts.
package struct KeyText: Sendable {
    private static let int64Tag: UInt8 = 1
    private static let textTag: UInt8 = 2
    private static let bytesTag: UInt8 = 3
    private let parts: [KeyPart]

    package init(_ parts: [KeyPart]) { self.parts = parts }

    // MARK: Reading

    /// The bytes of a key or of the beginning of one.
    package func parse(_ text: String) throws(KeyTextError) -> [UInt8] {
        if text.hasPrefix("=") { return try Self.bytes(hex: text.dropFirst()) }
        var key = KeyWriter()
        var rest = parts[...]
        for token in try Self.tokens(text) {
            guard let part = rest.first else {
                throw KeyTextError(description: "'\(text)' has more parts than the key")
            }
            if part.kind != .tagged { rest = rest.dropFirst() }
            try append(token, as: part, to: &key)
        }
        return key.bytes
    }

    private func append(
        _ token: Token, as part: KeyPart, to key: inout KeyWriter
    ) throws(KeyTextError) {
        switch part.kind {
        case .text: key.append(token.text)
        case .int32:
            guard !token.isQuoted, let number = Int32(token.text) else {
                throw KeyTextError(description: "\(part.name): '\(token.text)' is no integer")
            }
            key.append(number)
        case .int64:
            guard !token.isQuoted, let number = Int64(token.text) else {
                throw KeyTextError(description: "\(part.name): '\(token.text)' is no integer")
            }
            key.append(number)
        case .tagged:
            if !token.isQuoted, let number = Int64(token.text) {
                key.append(Self.int64Tag)
                key.append(number)
            } else if !token.isQuoted, token.text.hasPrefix("0x") {
                key.append(Self.bytesTag)
                key.append(text: try Self.bytes(hex: token.text.dropFirst(2)))
            } else {
                key.append(Self.textTag)
                key.append(token.text)
            }
        }
    }

    private struct Token {
        var text: String
        var isQuoted: Bool
    }

    private static func tokens(_ text: String) throws(KeyTextError) -> [Token] {
        guard !text.isEmpty else { return [] }
        var rest = Array(text.unicodeScalars)[...]
        var tokens: [Token] = []
        while true {
            var scalars = String.UnicodeScalarView()
            let isQuoted = rest.first == "\""
            if isQuoted {
                rest = rest.dropFirst()
                while let next = rest.popFirst(), next != "\"" {
                    scalars.append(next == "\\" ? try escape(&rest) : next)
                    guard !rest.isEmpty else {
                        throw KeyTextError(description: "'\(text)' has a quote that does not end")
                    }
                }
            } else {
                while let next = rest.first, next != "/" {
                    scalars.append(next)
                    rest = rest.dropFirst()
                }
            }
            tokens.append(Token(text: String(scalars), isQuoted: isQuoted))
            guard let slash = rest.popFirst() else { return tokens }
            guard slash == "/" else {
                throw KeyTextError(description: "'\(text)' has something behind a quoted part")
            }
        }
    }

    private static func escape(
        _ rest: inout ArraySlice<Unicode.Scalar>
    ) throws(KeyTextError) -> Unicode.Scalar {
        switch rest.popFirst() {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let digits = String(String.UnicodeScalarView(rest.prefix(4)))
            guard digits.utf8.count == 4, let code = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw KeyTextError(description: "\\u wants four hexadecimal digits") }
            rest = rest.dropFirst(4)
            return scalar
        case let scalar? where "\"\\/".unicodeScalars.contains(scalar): return scalar
        default: throw KeyTextError(description: "an escape that JSON does not have")
        }
    }

    private static func bytes(hex text: Substring) throws(KeyTextError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while !rest.isEmpty {
            guard rest.count >= 2, let pair = Substring(rest.prefix(2)).utf8.hexadecimalByte else {
                throw KeyTextError(description: "'\(text)' is no even number of hexadecimal digits")
            }
            bytes.append(pair)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    // MARK: Writing

    /// The key in the notation that `parse` reads; as its bytes if it is not what the parts say.
    package func show(_ key: [UInt8]) -> String {
        do { return try shown(KeyReader(key)) } catch {
            return "=" + Self.hex(key)
        }
    }

    /// Whether the bytes are a whole key of the parts.
    package func accepts(_ key: [UInt8]) -> Bool { (try? shown(KeyReader(key))) != nil }

    private func shown(_ key: KeyReader) throws(KeyError) -> String {
        var reader = key
        var texts: [String] = []
        for part in parts {
            switch part.kind {
            case .int32: texts.append("\(try reader.readInt32())")
            case .int64: texts.append("\(try reader.readInt64())")
            case .text: texts.append(Self.quoted(try reader.readText(), mayBeNumber: true))
            case .tagged:
                while !reader.isAtEnd { texts.append(try Self.tagged(&reader)) }
            }
        }
        guard reader.isAtEnd else { throw KeyError(offset: reader.offset) }
        return texts.joined(separator: "/")
    }

    private static func tagged(_ reader: inout KeyReader) throws(KeyError) -> String {
        switch try reader.readByte() {
        case int64Tag: return "\(try reader.readInt64())"
        case textTag: return quoted(try reader.readText(), mayBeNumber: false)
        case bytesTag: return "0x" + hex(try reader.readTextBytes())
        default: throw KeyError(offset: reader.offset - 1)
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func quoted(_ text: String, mayBeNumber: Bool) -> String {
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0 != "/" && $0 != "\""
        }
        let wouldBeElse =
            !mayBeNumber && (Int64(text) != nil || text.hasPrefix("0x")) || text.hasPrefix("=")
        guard text.isEmpty || !isPlain || wouldBeElse else { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                quoted += "\\u00" + hex([UInt8(scalar.value)])
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Collection where Element == UInt8 {
    /// Two hexadecimal digits as a byte.
    fileprivate var hexadecimalByte: UInt8? {
        let text = String(decoding: self, as: UTF8.self)
        return text.allSatisfy(\.isHexDigit) ? UInt8(text, radix: 16) : nil
    }
}
