// A small HTTP/1.1 client over plain TCP, for imports, probes and tests: keep-alive connections,
// deadlines, bounded answers.

internal import Base
package import EventLoop
internal import Synchronization

/// Why a request got no answer.
package struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    package var message: String
    /// Whether the request cannot have reached a handler, so that sending it again is harmless.
    package var isUnsent: Bool

    package var description: String { message }
}

/// Sends requests from one loop. Safe from any thread.
package final class HTTPClient: Sendable {
    private let loop: EventLoop
    private let idle = Mutex<[HostPort: [Idle]]>([:])
    private static let idlePerHostMax = 16
    /// Servers close idle connections; ours are given up well before, so that a request does not
    /// meet a connection that is just being closed.
    private static let idleMillisecondsMax: UInt64 = 5_000

    private struct Idle: Sendable {
        var connection: ClientConnection
        var since: UInt64
    }

    package init(loop: EventLoop) { self.loop = loop }

    deinit { close() }

    /// Sends one request and waits for its answer. `url` is `http://host:port/path?query`; a header
    /// that would break its line, or a cancelled task, is an error that sends nothing.
    /// Connecting, sending and receiving together take at most `timeout`.
    package func send(
        method: HTTPMethod, url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], timeout: Duration, bodyBytesMax: Int = 64 << 20
    ) async throws -> HTTPResponse {
        let (address, target) = try Self.parse(url)
        try Self.check(headers)
        let end = ContinuousClock.now + timeout
        let connection = try await connection(to: address, timeout: timeout)
        let bytes = Self.bytes(method, target, address, headers, body)
        let left = max(end - ContinuousClock.now, .milliseconds(1))
        let response = try await connection.exchange(
            bytes, ResponseParser(bodyBytesMax: bodyBytesMax, isHead: method == .head), within: left
        )
        if connection.canBeReused { keep(connection, for: address) }
        return response
    }

    /// Closes idle connections.
    package func close() {
        let all = idle.withLock { idle in
            defer { idle = [:] }
            return idle.values.flatMap(\.self)
        }
        for entry in all { entry.connection.close() }
    }

    private func connection(to address: HostPort, timeout: Duration) async throws
        -> ClientConnection
    {
        while let entry = idle.withLock({ $0[address]?.popLast() }) {
            let age = monotonicNanoseconds() / 1_000_000 - entry.since
            if age < Self.idleMillisecondsMax, entry.connection.canBeReused {
                return entry.connection
            }
            entry.connection.close()
        }
        let handler = ClientConnection(loop: loop)
        do {
            _ = try await TCPClient.connect(
                host: address.host, port: address.port, on: loop, timeout: timeout
            ) { handler }
        } catch { throw HTTPClientError(message: "\(error)", isUnsent: true) }
        return handler
    }

    private func keep(_ connection: ClientConnection, for address: HostPort) {
        let isKept = idle.withLock { idle in
            guard idle[address, default: []].count < Self.idlePerHostMax else { return false }
            idle[address, default: []].append(
                Idle(connection: connection, since: monotonicNanoseconds() / 1_000_000))
            return true
        }
        if !isKept { connection.close() }
    }

    private static func parse(_ url: String) throws -> (HostPort, String) {
        let scheme = "http://"
        let rest = url.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        let address = HostPort(String(authority)) ?? HostPort("\(authority):80")
        guard url.hasPrefix(scheme), let address else {
            throw HTTPClientError(message: "'\(url)' is not http://HOST:PORT/…", isUnsent: true)
        }
        let target = slash == rest.endIndex ? "/" : String(rest[slash...])
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPClientError(message: "'\(url)' is not percent-encoded", isUnsent: true)
        }
        return (address, target)
    }

    private static func check(_ headers: [(name: String, value: String)]) throws {
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(\.isToken),
                value.utf8.allSatisfy(\.isFieldValue)
            else { throw HTTPClientError(message: "header '\(name)' is malformed", isUnsent: true) }
        }
    }

    private static func bytes(
        _ method: HTTPMethod, _ target: String, _ address: HostPort,
        _ headers: [(name: String, value: String)], _ body: [UInt8]
    ) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(address)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == .post || method == .put {
            head += "Content-Length: \(body.count)\r\n"
        }
        return Array((head + "\r\n").utf8) + body
    }
}

/// One connection to a server, for one exchange at a time.
private final class ClientConnection: ConnectionHandler, @unchecked Sendable {
    // All but `reusable` belongs to the loop.
    private let loop: EventLoop
    private var connection: Connection?
    private var isClosed = false
    private var exchange: Exchange?
    private let reusable = Atomic(true)

    private struct Exchange {
        var turn: Turn
        var parser: ResponseParser
        var continuation: CheckedContinuation<HTTPResponse, any Error>
        var timer: LoopTimer
        var hasReceived = false
    }

    /// Who an exchange belongs to, so that a late word about one does not end the next.
    private final class Turn: Sendable {
        let isCancelled = Atomic(false)
    }

    init(loop: EventLoop) { self.loop = loop }

    var canBeReused: Bool { reusable.load(ordering: .acquiring) }

    func connectionOpened(_ connection: Connection) { self.connection = connection }

    func close() { loop.execute { self.connection?.close() } }

    func exchange(
        _ bytes: [UInt8], _ parser: ResponseParser, within timeout: Duration
    ) async throws -> HTTPResponse {
        let turn = Turn()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute { self.begin(turn, bytes, parser, timeout, continuation) }
            }
        } onCancel: {
            turn.isCancelled.store(true, ordering: .relaxed)
            loop.execute { if self.exchange?.turn === turn { self.fail(Self.cancelled) } }
        }
    }

    private static let cancelled = "the request was cancelled"

    private func begin(
        _ turn: Turn, _ bytes: [UInt8], _ parser: ResponseParser, _ timeout: Duration,
        _ continuation: CheckedContinuation<HTTPResponse, any Error>
    ) {
        guard !turn.isCancelled.load(ordering: .relaxed) else {
            // Nothing has been sent, so the connection would do; but nobody is left to keep it.
            connection?.close()
            continuation.resume(throwing: HTTPClientError(message: Self.cancelled, isUnsent: true))
            return
        }
        guard let connection, !isClosed, exchange == nil else {
            continuation.resume(
                throwing: HTTPClientError(message: "the connection is closed", isUnsent: true))
            return
        }
        let timer = loop.schedule(after: timeout) { [weak self] in
            self?.fail("no answer within \(timeout)")
        }
        exchange = Exchange(
            turn: turn, parser: parser, continuation: continuation, timer: timer)
        connection.write(bytes)
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        guard exchange != nil else { return abandon() }
        exchange?.hasReceived = true
        do {
            if let response = try exchange?.parser.append(bytes) { finish(.success(response)) }
        } catch { fail("the answer is malformed: \(error.message)") }
    }

    func peerClosedWrite(_ connection: Connection) {
        reusable.store(false, ordering: .releasing)
        if var parser = exchange?.parser, let response = try? parser.finish() {
            // An answer that ends with the connection; any other is failed by `closed`.
            finish(.success(response))
        }
        connection.close()
    }

    func closed(_ connection: Connection, error: NetworkError?) {
        isClosed = true
        reusable.store(false, ordering: .releasing)
        fail("the connection closed before the answer" + (error.map { ": \($0)" } ?? ""))
        self.connection = nil
    }

    private func finish(_ result: Result<HTTPResponse, any Error>) {
        guard let done = exchange else { return }
        exchange = nil
        done.timer.cancel()
        if !done.parser.keepsAlive { reusable.store(false, ordering: .releasing) }
        done.continuation.resume(with: result)
        if !canBeReused { connection?.close() }
    }

    private func fail(_ message: String) {
        guard exchange != nil else { return }
        reusable.store(false, ordering: .releasing)
        finish(.failure(HTTPClientError(message: message, isUnsent: false)))
    }

    /// Bytes that nobody asked for.
    private func abandon() {
        reusable.store(false, ordering: .releasing)
        connection?.abort()
    }
}
