// HTTP/1.1 requests from bytes, one state machine without any transport (RFC 9112).
//
// Strict where leniency lets two servers disagree about where a request ends (request smuggling):
// lines end with CRLF, no folding, no space before a colon, no Content-Length beside a
// Transfer-Encoding, no repeated Content-Length, only `chunked` as a coding. Bytes may come in any
// pieces; the result is the same for every way of cutting them.

internal import Base

/// Limits of one request.
package struct HTTPLimits: Sendable {
    package var lineBytesMax = Limits.httpLineBytesMax
    package var headerBytesMax = Limits.httpHeaderBytesMax
    package var headerCountMax = Limits.httpHeaderCountMax
    package var bodyBytesMax = Limits.httpBodyBytesMax

    package init() {}
}

/// Assembles requests. After an error it must not be used again.
struct RequestParser {
    /// What `next` found.
    enum Event {
        /// More bytes are needed.
        case needsMore
        /// The head is complete and the client waits for a word before it sends the body.
        case expectsContinue
        case request(HTTPRequest)
    }

    private enum State {
        case head
        case body(left: Int)
        case chunks
    }

    /// A buffer that grew beyond this is not kept: ten thousand idle connections may have one each.
    private static let bufferBytesKept = 16 << 10

    private let limits: HTTPLimits
    private(set) var buffer: [UInt8] = []
    /// Bytes of `buffer` that belong to earlier requests.
    private var consumed = 0
    private var scanner = HeadScanner(isRequest: true)
    private var state = State.head
    private var pending: HTTPRequest?
    /// What has arrived of the body. Outside `state`, so that it grows in place.
    private var body: [UInt8] = []
    private(set) var chunks: ChunkedBody?

    init(limits: HTTPLimits) { self.limits = limits }

    /// Whether a request has begun and is not complete.
    var isInsideRequest: Bool { pending != nil || buffer.count > consumed }
    /// Whether the head is complete and the body is not.
    var isInsideBody: Bool { pending != nil }
    /// What is wrong with a request if nothing more of it comes; nil where none has begun.
    var cutShort: HTTPProtocolError? {
        if pending != nil { return .bad("the body is cut short") }
        // Line ends behind a request are none.
        let isBegun = buffer[consumed...].contains { $0 != 0x0D && $0 != 0x0A }
        return isBegun ? .bad("the request is cut short") : nil
    }
    /// Memory that the request in the making takes.
    var heldBytes: Int { buffer.count + body.count + (chunks?.body.count ?? 0) }

    mutating func append(_ bytes: some Collection<UInt8>) {
        dropConsumed()
        buffer.append(contentsOf: bytes)
    }

    private mutating func dropConsumed() {
        guard consumed > 0 else { return }
        if consumed == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= Self.bufferBytesKept)
        } else {
            buffer.removeSubrange(..<consumed)
        }
        consumed = 0
    }

    mutating func next() throws(HTTPProtocolError) -> Event {
        if case .head = state {
            guard let end = try scanner.scan(buffer, from: consumed, limits) else {
                return .needsMore
            }
            var request = try parseHead(Array(buffer[consumed..<end]), scanner.lines, limits)
            consumed = end
            scanner.reset()
            let framing = try bodyFraming(of: request, limits)
            request.keepsAlive = keepsAlive(request)
            pending = request
            switch framing {
            case .none: state = .body(left: 0)
            case .length(let length): state = .body(left: length)
            case .chunked:
                state = .chunks
                chunks = ChunkedBody(bytesMax: limits.bodyBytesMax)
            }
            if try expectsContinue(request, framing), buffer.count == consumed {
                return .expectsContinue
            }
        }
        return try nextBody()
    }

    private mutating func nextBody() throws(HTTPProtocolError) -> Event {
        switch state {
        case .head:
            return .needsMore
        case .body(let left):
            let count = min(left, buffer.count - consumed)
            body.append(contentsOf: buffer[consumed..<consumed + count])
            consumed += count
            guard count == left else {
                state = .body(left: left - count)
                dropConsumed()
                return .needsMore
            }
        case .chunks:
            consumed += try chunks?.read(buffer[consumed...]) ?? 0
            guard chunks?.isComplete != false else {
                dropConsumed()
                return .needsMore
            }
            body = chunks?.body ?? []
            chunks = nil
        }
        return complete()
    }

    private mutating func complete() -> Event {
        guard var request = pending else { preconditionFailure("a body without a head") }
        request.body = body
        body = []
        pending = nil
        state = .head
        // At once: the next request may be long in coming.
        if consumed == buffer.count { dropConsumed() }
        return .request(request)
    }
}

/// How long the body is.
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
}

/// RFC 9112 section 6.3, with everything ambiguous refused.
func bodyFraming(
    of request: HTTPRequest, _ limits: HTTPLimits
) throws(HTTPProtocolError) -> BodyFraming {
    let head = request.headers
    let lengths = head.count(named: "content-length")
    if let coding = head.firstField(named: "transfer-encoding") {
        guard lengths == 0 else { throw .bad("both Content-Length and Transfer-Encoding") }
        guard !request.isVersion10 else { throw .bad("Transfer-Encoding in HTTP/1.0") }
        guard head.count(named: "transfer-encoding") == 1, head.isValue(of: coding, "chunked")
        else {
            throw HTTPProtocolError(
                status: 501, code: "NotImplementedError",
                message: "the only transfer coding served is chunked")
        }
        return .chunked
    }
    guard lengths > 0 else { return .none }
    guard lengths == 1, let text = head["content-length"] else {
        throw .bad("more than one Content-Length")
    }
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw .bad("Content-Length is not a number")
    }
    guard let length = Int(text), length <= limits.bodyBytesMax else {
        throw bodyTooLarge(limits.bodyBytesMax)
    }
    return .length(length)
}

func bodyTooLarge(_ limit: Int) -> HTTPProtocolError {
    HTTPProtocolError(
        status: 413, code: "RequestTooLargeError",
        message: "the body has more than \(limit) bytes")
}

private func keepsAlive(_ request: HTTPRequest) -> Bool {
    if request.headers.lists("close", in: "connection") { return false }
    return !request.isVersion10 || request.headers.lists("keep-alive", in: "connection")
}

private func expectsContinue(
    _ request: HTTPRequest, _ framing: BodyFraming
) throws(HTTPProtocolError) -> Bool {
    guard let expectation = request.headers.firstField(named: "expect") else { return false }
    guard request.headers.isValue(of: expectation, "100-continue"),
        request.headers.count(named: "expect") == 1
    else {
        throw HTTPProtocolError(
            status: 417, code: "ExpectationFailedError",
            message: "the only expectation served is 100-continue")
    }
    return !request.isVersion10 && framing != .none
}
