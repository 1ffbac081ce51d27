// The url_parser add-on: an address's parts, the query's parameters decoded.

internal import Base
internal import JSON

/// An address with a scheme, taken apart.
struct URLParts {
    var scheme = ""
    /// In lower case, without user and port.
    var host = ""
    var path = ""
    var anchor: String?
    var parameters: [(name: String, value: String)] = []

    /// Nil for what has no scheme and host.
    init?(_ text: String) {
        var rest = Substring(text)
        guard let colon = rest.firstRange(of: "://") else { return nil }
        let scheme = rest[..<colon.lowerBound]
        guard scheme.first?.isASCIILetter ?? false,
            scheme.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "+-.".contains($0) })
        else { return nil }
        self.scheme = scheme.lowercased()
        rest = rest[colon.upperBound...]
        if let hash = rest.firstIndex(of: "#") {
            anchor = Self.decoded(rest[rest.index(after: hash)...], plusIsSpace: false)
            rest = rest[..<hash]
        }
        if let mark = rest.firstIndex(of: "?") {
            parameters = Self.parameters(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = String(rest[slash...])
        host = Self.host(rest[..<slash])
        guard !host.isEmpty else { return nil }
    }

    private static func host(_ authority: Substring) -> String {
        var host = authority
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return host[...end].lowercased()
        }
        if let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        return host.lowercased()
    }

    private static func parameters(_ text: Substring) -> [(name: String, value: String)] {
        text.split(separator: "&").prefix(Limits.urlParametersMax).map { pair in
            let parts = pair.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: decoded(parts[0], plusIsSpace: true),
                value: parts.count > 1 ? decoded(parts[1], plusIsSpace: true) : ""
            )
        }
    }

    /// Escapes that are none stay; what is not UTF-8 afterwards is repaired.
    private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), rest.count >= 2,
                let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    var json: JSONObject {
        var query = JSONObject()
        for (name, value) in parameters {
            let name = Self.propertyName(name)
            if !name.isEmpty, name.unicodeScalars.count <= Limits.propertyNameCharactersMax {
                query[name] = .string(value)
            }
        }
        return JSONObject([
            (key: "protocol", value: .string(scheme)), (key: "domain", value: .string(host)),
            (key: "path", value: .string(path)),
            (key: "anchor", value: anchor.map { .string($0) } ?? .null),
            (key: "query_string", value: .object(query)),
        ])
    }

    /// What a property may not be called becomes what it may: no dots, no dollar in front.
    private static func propertyName(_ name: String) -> String {
        let name = String(name.map { $0 == "." ? "_" : $0 })
        return name.hasPrefix("$") ? "_" + name.dropFirst() : name
    }
}

extension Character {
    var isASCIILetter: Bool { isASCII && isLetter }
    var isASCIIDigit: Bool { isASCII && isNumber }
}

extension StringProtocol {
    /// Where `pattern` first occurs.
    func firstRange(of pattern: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(pattern) {
                return start..<index(start, offsetBy: pattern.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
