// A request as a handler sees it.

internal import Base

/// One complete request.
package struct HTTPRequest: Sendable {
    package internal(set) var method: HTTPMethod
    /// The head's fields: `headers["authorization"]`.
    package internal(set) var headers: HTTPHead
    package internal(set) var body: [UInt8]
    package internal(set) var peerAddress = ""
    /// What the route's `:name` and `*name` matched, percent-decoded.
    package internal(set) var pathParameters = HTTPPathParameters()

    /// Ranges of the target's parts within the head's bytes.
    var pathRange: Range<Int>
    var queryRange: Range<Int>
    var isVersion10: Bool
    /// Whether the connection stays open after the answer.
    var keepsAlive: Bool

    /// The path as it was sent, still percent-encoded.
    package var path: String { String(decoding: headers.bytes[pathRange], as: UTF8.self) }
    /// The query's parameters.
    package var query: HTTPQuery { HTTPQuery(headers.bytes[queryRange]) }
}

/// The parameters of a query string, in order. Empty pairs and doubled `&` are passed over, a plus
/// is a space, and what is wrongly encoded stays as it is: clients vary.
package struct HTTPQuery: Sendable, Equatable {
    package private(set) var names: [String] = []
    package private(set) var values: [String] = []

    package init(_ bytes: some Collection<UInt8>) {
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = percentDecoded(parts[0], plusIsSpace: true, lenient: true) ?? ""
            guard !name.isEmpty else { continue }
            names.append(name)
            values.append(
                parts.count > 1
                    ? percentDecoded(parts[1], plusIsSpace: true, lenient: true) ?? "" : "")
        }
    }

    /// The first value of that name.
    package func first(named name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }

    package var isEmpty: Bool { names.isEmpty }

    /// All pairs in order.
    package var pairs: [(name: String, value: String)] {
        zip(names, values).map { (name: $0, value: $1) }
    }
}

/// Decodes `%41`; nil if an escape is malformed (unless `lenient` keeps it) or the result is not
/// UTF-8 (which lenient decoding repairs).
func percentDecoded(
    _ bytes: some Collection<UInt8>, plusIsSpace: Bool = false, lenient: Bool = false
) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "+"), plusIsSpace {
            decoded.append(UInt8(ascii: " "))
        } else if byte == UInt8(ascii: "%") {
            if rest.count >= 2, let high = hexadecimalDigit(rest[rest.startIndex]),
                let low = hexadecimalDigit(rest[rest.index(after: rest.startIndex)])
            {
                decoded.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else if lenient {
                decoded.append(byte)
            } else {
                return nil
            }
        } else {
            decoded.append(byte)
        }
    }
    if lenient { return String(decoding: decoded, as: UTF8.self) }
    return String(validating: decoded, as: UTF8.self)
}
