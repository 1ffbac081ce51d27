// A blocking TCP client for tests: raw bytes out, raw bytes in, everything with a timeout. It knows
// nothing of the product, so it can also say what the product must refuse.

import Glibc

/// Why a conversation failed.
public enum SocketClientError: Error, Sendable, Equatable {
    case cannotConnect(port: UInt16, errno: Int32)
    case closed
    case timedOut
    case malformed(String)
}

/// One connection to 127.0.0.1.
public final class SocketClient: @unchecked Sendable {
    // Used by one test task at a time.
    private let descriptor: Int32
    private var buffered: [UInt8] = []

    public init(port: UInt16, timeoutSeconds: Int = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // The object is whole, so `deinit` closes the descriptor. Closed here as well it would be
        // closed twice, the second time as another thread's connection.
        guard result == 0 else { throw SocketClientError.cannotConnect(port: port, errno: errno) }
    }

    deinit { close(descriptor) }

    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SocketClientError.closed }
            sent += count
        }
    }

    /// Tells the peer that nothing more will come.
    public func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Some bytes, at least one; nil when the peer closed.
    public func receive() throws -> [UInt8]? {
        if !buffered.isEmpty {
            defer { buffered = [] }
            return buffered
        }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count == 0 { return nil }
        guard count > 0 else {
            if errno == EAGAIN || errno == EWOULDBLOCK { throw SocketClientError.timedOut }
            return nil
        }
        return Array(chunk[..<count])
    }

    /// Everything until the peer closes.
    public func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while let some = try receive() { all += some }
        return all
    }

    /// Puts bytes back that belong to what comes next.
    fileprivate func unread(_ bytes: [UInt8]) { buffered = bytes + buffered }
}

/// An HTTP answer as a test sees it.
public struct Answer: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }
    /// First header of that lower-case name.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension SocketClient {
    /// Reads one HTTP/1.1 answer with a Content-Length (or none, as 204).
    public func receiveAnswer(hasBody: Bool = true) throws -> Answer {
        var bytes: [UInt8] = []
        var headEnd: Int?
        while headEnd == nil {
            guard let more = try receive() else { throw SocketClientError.closed }
            bytes += more
            headEnd = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
        }
        let end = headEnd ?? 0
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let first = lines.first.map { $0.split(separator: " ") } ?? []
        guard first.count >= 2, let status = Int(first[1]) else {
            throw SocketClientError.malformed(String(lines.first ?? ""))
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
        let written = headers.first { $0.name == "content-length" }?.value ?? "0"
        guard let length = Int(written) else { throw SocketClientError.malformed(written) }
        let wanted = hasBody ? length : 0
        var body = Array(bytes[end...])
        while body.count < wanted {
            guard let more = try receive() else { throw SocketClientError.closed }
            body += more
        }
        unread(Array(body[wanted...]))
        return Answer(status: status, headers: headers, body: Array(body[..<wanted]))
    }

    /// Sends one request on this connection and reads its answer.
    public func request(
        _ method: String, _ target: String, key: String? = nil,
        headers: [(String, String)] = [], body: [UInt8] = []
    ) throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if let key { head += "Authorization: \(key)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" || method == "PUT" {
            head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
        }
        try send(Array((head + "\r\n").utf8) + body)
        return try receiveAnswer(hasBody: method != "HEAD")
    }
}

extension [UInt8] {
    /// Where `pattern` first occurs.
    public func firstRange(of pattern: [UInt8]) -> Range<Int>? {
        guard !pattern.isEmpty, count >= pattern.count else { return nil }
        for start in 0...(count - pattern.count)
        where self[start] == pattern[0]
            && self[start..<start + pattern.count].elementsEqual(pattern)
        {
            return start..<start + pattern.count
        }
        return nil
    }
}
