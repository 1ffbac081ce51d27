// HTTP/1.1 responses from bytes: the client's side, as strict as the server's.

internal import Base

/// Assembles one response.
struct ResponseParser {
    private enum State {
        case head
        case body(length: Int)
        case chunks
        case untilClose
    }

    private let bodyBytesMax: Int
    private let isHead: Bool
    private var buffer: [UInt8] = []
    private var scanner = HeadScanner(isRequest: false)
    private var state = State.head
    /// Outside `state`, so that it grows in place.
    private var chunks: ChunkedBody
    private var response = HTTPResponse(status: 0)
    /// Whether the connection can carry another request after this response.
    private(set) var keepsAlive = true

    /// `isHead`: the request was HEAD, so there is no body whatever the header says.
    init(bodyBytesMax: Int, isHead: Bool) {
        self.bodyBytesMax = bodyBytesMax
        chunks = ChunkedBody(bytesMax: bodyBytesMax)
        self.isHead = isHead
    }

    /// Takes more bytes; a response once it is complete.
    mutating func append(_ bytes: some Collection<UInt8>) throws(HTTPProtocolError) -> HTTPResponse?
    {
        buffer.append(contentsOf: bytes)
        while case .head = state {
            guard let end = try scanner.scan(buffer, from: 0, HTTPLimits()) else { return nil }
            try readHead(end)
            buffer.removeSubrange(..<end)
            scanner = HeadScanner(isRequest: false)
        }
        return try readBody()
    }

    /// The peer closed; a response if its end was the connection's.
    mutating func finish() throws(HTTPProtocolError) -> HTTPResponse {
        guard case .untilClose = state else {
            throw .bad("the connection closed inside a response")
        }
        return complete(buffer)
    }

    private mutating func readHead(_ end: Int) throws(HTTPProtocolError) {
        let bytes = Array(buffer[..<end])
        let lines = scanner.lines
        let parts = bytes[lines[0]].split(separator: 0x20, maxSplits: 2)
        guard parts.count >= 2, parts[0].starts(with: "HTTP/1.".utf8),
            let status = Int(String(decoding: parts[1], as: UTF8.self)),
            (100...999).contains(status)
        else { throw .bad("the status line is not VERSION STATUS REASON") }
        // Interim answers, 100 Continue among them, come before the real one.
        guard status >= 200 else { return }
        let head = HTTPHead(bytes: bytes, fields: try parseFields(bytes, lines.dropFirst()))
        response = HTTPResponse(
            status: status,
            headers: head.fields.map { field in
                (
                    name: String(decoding: bytes[field.name], as: UTF8.self),
                    value: String(decoding: bytes[field.value], as: UTF8.self)
                )
            })
        keepsAlive =
            parts[0].elementsEqual("HTTP/1.1".utf8) && !head.lists("close", in: "connection")
        state = try framing(status, head)
        if case .untilClose = state { keepsAlive = false }
    }

    private func framing(_ status: Int, _ head: HTTPHead) throws(HTTPProtocolError) -> State {
        if isHead || status == 204 || status == 304 { return .body(length: 0) }
        if head.lists("chunked", in: "transfer-encoding") {
            return .chunks
        }
        let lengths = Set(head.all(named: "content-length"))
        guard let text = lengths.first else { return .untilClose }
        guard lengths.count == 1, let length = Int(text), length >= 0 else {
            throw .bad("Content-Length is not one number")
        }
        guard length <= bodyBytesMax else { throw bodyTooLarge(bodyBytesMax) }
        return .body(length: length)
    }

    private mutating func readBody() throws(HTTPProtocolError) -> HTTPResponse? {
        switch state {
        case .head: return nil
        case .body(let length):
            guard buffer.count >= length else { return nil }
            if buffer.count > length { keepsAlive = false }
            return complete(Array(buffer[..<length]))
        case .chunks:
            let used = try chunks.read(buffer[...])
            buffer.removeSubrange(..<used)
            guard chunks.isComplete else { return nil }
            if !buffer.isEmpty { keepsAlive = false }
            return complete(chunks.body)
        case .untilClose:
            guard buffer.count <= bodyBytesMax else { throw bodyTooLarge(bodyBytesMax) }
            return nil
        }
    }

    private func complete(_ body: [UInt8]) -> HTTPResponse {
        var whole = response
        whole.body = body
        return whole
    }
}
