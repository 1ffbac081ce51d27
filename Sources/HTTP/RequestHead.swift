// Lines of a head: finding its end while bytes trickle in, then taking it apart.

internal import Base

/// Finds the lines of a head. Every byte is looked at once, however the head is cut.
struct HeadScanner {
    /// Ranges of complete lines without their CRLF, relative to the head's first byte.
    private(set) var lines: [Range<Int>] = []
    private var lineStart = 0
    private var position = 0
    private var leadingBlankLines = 0

    /// The index behind the head's last byte, once it is there. `start` is where the head begins.
    mutating func scan(
        _ bytes: [UInt8], from start: Int, _ limits: HTTPLimits
    ) throws(HTTPProtocolError) -> Int? {
        while start + position < bytes.count {
            let byte = bytes[start + position]
            position += 1
            if byte == 0x0A {
                guard position - lineStart >= 2, bytes[start + position - 2] == 0x0D else {
                    throw .bad("a line does not end with CRLF")
                }
                if try endLine() { return start + position }
            } else if byte == 0
                || (position - lineStart >= 2 && bytes[start + position - 2] == 0x0D)
            {
                throw .bad("a carriage return or a NUL inside a line")
            }
            try check(limits)
        }
        return nil
    }

    /// True when the line that just ended ends the head.
    private mutating func endLine() throws(HTTPProtocolError) -> Bool {
        let line = lineStart..<(position - 2)
        lineStart = position
        if line.isEmpty {
            if !lines.isEmpty { return true }
            // RFC 9112 2.2: an empty line before the request is passed over. One, not a stream.
            leadingBlankLines += 1
            guard leadingBlankLines == 1 else { throw .bad("empty lines instead of a request") }
            return false
        }
        lines.append(line)
        return false
    }

    private func check(_ limits: HTTPLimits) throws(HTTPProtocolError) {
        if lines.isEmpty {
            guard position - lineStart <= limits.lineBytesMax + 2 else {
                throw HTTPProtocolError(
                    status: 414, code: "UriTooLongError",
                    message: "the request line has more than \(limits.lineBytesMax) bytes")
            }
            return
        }
        guard position - lines[0].upperBound <= limits.headerBytesMax,
            lines.count - 1 <= limits.headerCountMax
        else {
            throw HTTPProtocolError(
                status: 431, code: "RequestHeadersTooLargeError",
                message: "the header has more than \(limits.headerBytesMax) bytes"
                    + " or \(limits.headerCountMax) fields")
        }
    }
}

/// Takes a complete head apart.
func parseHead(
    _ bytes: [UInt8], _ lines: [Range<Int>], _ limits: HTTPLimits
) throws(HTTPProtocolError) -> HTTPRequest {
    var head = HTTPHead(bytes: bytes)
    head.fields = try parseFields(bytes, lines.dropFirst())
    let line = lines[0]
    let parts = bytes[line].split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(\.isToken) else {
        throw .bad("the request line is not METHOD TARGET VERSION")
    }
    let isVersion10 = try parseVersion(parts[2])
    let target = parts[1].startIndex..<parts[1].endIndex
    let (path, query) = try parseTarget(bytes, target)
    let hosts = head.count(named: "host")
    guard hosts == 1 || (hosts == 0 && isVersion10) else {
        throw .bad(hosts == 0 ? "the Host field is missing" : "more than one Host field")
    }
    return HTTPRequest(
        method: HTTPMethod(parts[0]), headers: head, body: [], pathRange: path, queryRange: query,
        isVersion10: isVersion10, keepsAlive: false)
}

/// Whether the version is 1.0; anything but 1.0 and 1.1 is refused.
private func parseVersion(_ text: ArraySlice<UInt8>) throws(HTTPProtocolError) -> Bool {
    if text.elementsEqual("HTTP/1.1".utf8) { return false }
    if text.elementsEqual("HTTP/1.0".utf8) { return true }
    guard text.starts(with: "HTTP/".utf8) else { throw .bad("the version is not HTTP/1.1") }
    throw HTTPProtocolError(
        status: 505, code: "HttpVersionNotSupportedError", message: "HTTP/1.1 and 1.0 are served")
}

/// Path and query of an origin-form, absolute-form or asterisk-form target.
private func parseTarget(
    _ bytes: [UInt8], _ target: Range<Int>
) throws(HTTPProtocolError) -> (path: Range<Int>, query: Range<Int>) {
    guard !target.isEmpty, bytes[target].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .bad("the target holds characters that must be percent-encoded")
    }
    var start = target.lowerBound
    for scheme in ["http://", "https://"] where bytes[target].starts(with: scheme.utf8) {
        let authority = start + scheme.utf8.count
        start =
            bytes[authority..<target.upperBound].firstIndex(of: UInt8(ascii: "/"))
            ?? target.upperBound
    }
    guard
        start == target.upperBound || bytes[start] == UInt8(ascii: "/")
            || bytes[target].elementsEqual("*".utf8)
    else { throw .bad("the target does not begin with a slash") }
    let whole = start..<target.upperBound
    guard !bytes[whole].contains(UInt8(ascii: "#")) else { throw .bad("a fragment in the target") }
    guard let mark = bytes[whole].firstIndex(of: UInt8(ascii: "?")) else {
        return (whole, whole.upperBound..<whole.upperBound)
    }
    return (start..<mark, (mark + 1)..<whole.upperBound)
}

/// Header fields of the given lines.
func parseFields(
    _ bytes: [UInt8], _ lines: ArraySlice<Range<Int>>
) throws(HTTPProtocolError) -> [HTTPHead.Field] {
    var fields: [HTTPHead.Field] = []
    fields.reserveCapacity(lines.count)
    for line in lines {
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else {
            throw .bad("a header line without a colon")
        }
        let name = line.lowerBound..<colon
        // This also refuses folded lines and a space before the colon.
        guard !name.isEmpty, bytes[name].allSatisfy(\.isToken) else {
            throw .bad("a header name holds characters that are not allowed")
        }
        var value = (colon + 1)..<line.upperBound
        while let first = bytes[value].first, first == 0x20 || first == 0x09 {
            value = (value.lowerBound + 1)..<value.upperBound
        }
        while let last = bytes[value].last, last == 0x20 || last == 0x09 {
            value = value.lowerBound..<(value.upperBound - 1)
        }
        guard bytes[value].allSatisfy(\.isFieldValue) else {
            throw .bad("a header value holds control characters")
        }
        fields.append(HTTPHead.Field(name: name, value: value))
    }
    return fields
}
