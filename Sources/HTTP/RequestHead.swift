// Lines of a head: finding its end while bytes trickle in, then taking it apart.

internal import Base

/// Finds the lines of a head. Every byte is looked at once, however the head is cut.
struct HeadScanner {
    /// Ranges of complete lines without their CRLF, relative to the head's first byte.
    private(set) var lines: [Range<Int>] = []
    private var lineStart = 0
    private var position = 0
    private var leadingBlankLines = 0
    /// The first line is a request line, and not a status line.
    private let isRequest: Bool
    /// How much of the request line is known to be a method.
    private var methodChecked = 0

    init(isRequest: Bool) { self.isRequest = isRequest }

    /// The index behind the head's last byte, once it is there. `start` is where the head begins.
    mutating func scan(
        _ bytes: [UInt8], from start: Int, _ limits: HTTPLimits
    ) throws(HTTPProtocolError) -> Int? {
        while let feed = firstIndex(of: 0x0A, in: bytes, within: start + position..<bytes.count) {
            position = feed + 1 - start
            try checkMethod(bytes, start, limits)
            try check(limits)
            guard position - lineStart >= 2, bytes[feed - 1] == 0x0D else {
                throw .bad("a line does not end with CRLF")
            }
            guard firstIndex(of: 0x0D, in: bytes, within: start + lineStart..<feed - 1) == nil
            else {
                throw .bad("a carriage return inside a line")
            }
            if try endLine() { return feed + 1 }
            if isRequest, lines.count == 1 { try checkRequestLine(bytes, start) }
        }
        position = bytes.count - start
        try checkMethod(bytes, start, limits)
        try check(limits)
        return nil
    }

    /// What does not begin like a request is answered at once, and not when a line end that may
    /// never come is late.
    private mutating func checkMethod(
        _ bytes: [UInt8], _ start: Int, _ limits: HTTPLimits
    ) throws(HTTPProtocolError) {
        guard isRequest, lines.isEmpty else { return }
        let line = start + lineStart
        let end = min(start + position, line + limits.lineBytesMax)
        var index = max(line, start + methodChecked)
        while index < end, bytes[index].isToken { index += 1 }
        methodChecked = index - start
        guard index < end else { return }
        switch bytes[index] {
        case 0x20 where index > line: return
        // An empty line, or a line that ends without CRLF: judged where lines end.
        case 0x0D where index == line, 0x0A: return
        default: throw .noRequestLine
        }
    }

    /// The first line has ended: its parts are there, or nothing after it matters.
    private func checkRequestLine(_ bytes: [UInt8], _ start: Int) throws(HTTPProtocolError) {
        let line = lines[0].lowerBound + start..<lines[0].upperBound + start
        guard let first = firstIndex(of: 0x20, in: bytes, within: line),
            firstIndex(of: 0x20, in: bytes, within: first + 1..<line.upperBound) != nil
        else { throw .noRequestLine }
    }

    /// Ready for the next head.
    mutating func reset() {
        lines.removeAll(keepingCapacity: true)
        (lineStart, position, leadingBlankLines, methodChecked) = (0, 0, 0, 0)
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
    let line = lines[0]
    guard let first = firstIndex(of: 0x20, in: bytes, within: line),
        let second = firstIndex(of: 0x20, in: bytes, within: first + 1..<line.upperBound),
        first > line.lowerBound, bytes[line.lowerBound..<first].allSatisfy(\.isToken)
    else { throw .noRequestLine }
    let isVersion10 = try parseVersion(bytes[second + 1..<line.upperBound])
    let method = HTTPMethod(bytes[line.lowerBound..<first])
    let (path, query) = try parseTarget(bytes, first + 1..<second, method)
    var head = HTTPHead(bytes: bytes)
    head.fields = try parseFields(bytes, lines.dropFirst())
    try checkHost(head, isVersion10: isVersion10)
    return HTTPRequest(
        method: method, headers: head, body: [], pathRange: path, queryRange: query,
        isVersion10: isVersion10, keepsAlive: false)
}

/// RFC 9112 section 3.2: exactly one Host, and one that can be a host. It decides nothing here, but
/// a proxy in front may have read another one.
private func checkHost(_ head: HTTPHead, isVersion10: Bool) throws(HTTPProtocolError) {
    let hosts = head.count(named: "host")
    guard hosts == 1 || (hosts == 0 && isVersion10) else {
        throw .bad(hosts == 0 ? "the Host field is missing" : "more than one Host field")
    }
    guard let host = head.firstField(named: "host")?.value else { return }
    guard head.bytes[host].allSatisfy(\.isAuthority) else {
        throw .bad("the Host field is not a host")
    }
}

/// Whether the version is 1.0; anything but 1.0 and 1.1 is refused.
private func parseVersion(_ text: ArraySlice<UInt8>) throws(HTTPProtocolError) -> Bool {
    if text.elementsEqual("HTTP/1.1".utf8) { return false }
    if text.elementsEqual("HTTP/1.0".utf8) { return true }
    guard text.starts(with: "HTTP/".utf8) else { throw .bad("the version is not HTTP/1.1") }
    throw HTTPProtocolError(
        status: 505, code: "HttpVersionNotSupportedError", message: "HTTP/1.1 and 1.0 are served")
}

/// Path and query of a target in origin form, in absolute form, or, for OPTIONS, the asterisk.
private func parseTarget(
    _ bytes: [UInt8], _ target: Range<Int>, _ method: HTTPMethod
) throws(HTTPProtocolError) -> (path: Range<Int>, query: Range<Int>) {
    guard !target.isEmpty, bytes[target].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .bad("the target holds characters that must be percent-encoded")
    }
    guard !bytes[target].contains(UInt8(ascii: "#")) else { throw .bad("a fragment in the target") }
    var start = target.lowerBound
    var isPathThere = bytes[start] == UInt8(ascii: "/")
    if !isPathThere, let end = try endOfAuthority(bytes, target) {
        start = end
        // RFC 9110 4.2.3: an empty path is the same as a slash.
        isPathThere = true
    }
    guard isPathThere || (method == .options && bytes[target].elementsEqual("*".utf8)) else {
        throw .bad("the target does not begin with a slash")
    }
    // A client that was given its base address with a slash at the end writes two of them.
    let slash = UInt8(ascii: "/")
    while start + 1 < target.upperBound, bytes[start] == slash, bytes[start + 1] == slash {
        start += 1
    }
    let whole = start..<target.upperBound
    guard let mark = bytes[whole].firstIndex(of: UInt8(ascii: "?")) else {
        return (whole, whole.upperBound..<whole.upperBound)
    }
    return (start..<mark, (mark + 1)..<whole.upperBound)
}

/// Where the host and port of a target in absolute form end; nil for another form.
private func endOfAuthority(
    _ bytes: [UInt8], _ target: Range<Int>
) throws(HTTPProtocolError) -> Int? {
    let text = bytes[target]
    for scheme in ["http://", "https://"] {
        let head = text.prefix(scheme.utf8.count)
        guard head.lazy.map(\.asciiLowercased).elementsEqual(scheme.utf8) else { continue }
        let authority = text[head.endIndex...].prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?")
        }
        guard !authority.isEmpty, authority.allSatisfy(\.isAuthority) else {
            throw .bad("the target has no host")
        }
        return authority.endIndex
    }
    return nil
}

/// Header fields of the given lines.
func parseFields(
    _ bytes: [UInt8], _ lines: ArraySlice<Range<Int>>
) throws(HTTPProtocolError) -> [HTTPHead.Field] {
    var fields: [HTTPHead.Field] = []
    fields.reserveCapacity(lines.count)
    for line in lines {
        guard let colon = firstIndex(of: UInt8(ascii: ":"), in: bytes, within: line) else {
            throw .bad("a header line without a colon")
        }
        let name = line.lowerBound..<colon
        // This also refuses folded lines and a space before the colon.
        guard !name.isEmpty, bytes[name].allSatisfy(\.isToken) else {
            throw .bad("a header name holds characters that are not allowed")
        }
        let value = trimmed(bytes, colon + 1..<line.upperBound)
        guard bytes[value].allSatisfy(\.isFieldValue) else {
            throw .bad("a header value holds control characters")
        }
        fields.append(HTTPHead.Field(name: name, value: value))
    }
    return fields
}
