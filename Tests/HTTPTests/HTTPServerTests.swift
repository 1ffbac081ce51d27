import EventLoop
import HTTP
import Logging
import Synchronization
import TestSupport
import Testing

/// The server over loopback: routes, order, slow and broken clients, and an orderly end.
@Suite struct HTTPServerTests {
    /// A server on a port of its own, ended by `stop`.
    private struct Running {
        var server: HTTPServer
        var group: EventLoopGroup
        var port: UInt16
        var seen: Seen

        func stop() async {
            await server.drain(grace: .seconds(1))
            await group.shutdown()
        }
    }

    /// Counts requests that reached the slow handler.
    private final class Seen: Sendable {
        let count = Atomic(0)
    }

    private func start(
        _ change: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) async throws -> Running {
        let group = try EventLoopGroup(count: 2)
        var router = Router()
        router.on(.get, "/hello/:name") { request, responder in
            responder.respond(.text("hello \(request.pathParameters["name"] ?? "")"))
        }
        router.on(.post, "/echo/*rest") { request, responder in
            responder.respond(
                HTTPResponse(
                    status: 200,
                    headers: [(name: "Rest", value: request.pathParameters["rest"] ?? "")],
                    body: request.body))
        }
        let seen = Seen()
        router.onAsync(.get, "/later") { _ in
            seen.count.add(1, ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(20))
            return .text("later")
        }
        router.onAsync(.get, "/broken") { _ in throw SocketClientError.closed }
        var configuration = HTTPServerConfiguration()
        change(&configuration)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let server = HTTPServer(
            configuration: configuration, router: router, group: group, logger: logger)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        return Running(server: server, group: group, port: port, seen: seen)
    }

    @Test func routesAnswerAndErrorsAreJSON() async throws {
        let running = try await start()
        let client = try SocketClient(port: running.port)
        #expect(try client.request("GET", "/hello/w%C3%B6rld").text == "hello wörld")
        let echo = try client.request("POST", "/echo/a%2Fb/c", body: Array("x".utf8))
        #expect(echo.header("rest") == "a/b/c")
        #expect(try client.request("HEAD", "/hello/x").header("content-length") == "7")
        let missing = try client.request("GET", "/nothing")
        #expect(missing.status == 404)
        #expect(missing.text.contains("ResourceNotFoundError"))
        #expect(missing.header("access-control-allow-origin") == "*")
        let wrong = try client.request("PATCH", "/hello/x")
        #expect(wrong.status == 405)
        #expect(wrong.header("allow")?.contains("GET") == true)
        #expect(try client.request("OPTIONS", "/anything").status == 204)
        #expect(try client.request("GET", "/broken").status == 500)
        await running.stop()
    }

    @Test func pipelinedAnswersKeepTheirOrder() async throws {
        let running = try await start()
        let client = try SocketClient(port: running.port)
        var bytes: [UInt8] = []
        for index in 0..<200 {
            let path = index % 10 == 0 ? "/later" : "/hello/\(index)"
            bytes += Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        }
        try client.send(bytes)
        for index in 0..<200 {
            let expected = index % 10 == 0 ? "later" : "hello \(index)"
            #expect(try client.receiveAnswer().text == expected)
        }
        await running.stop()
    }

    @Test func slowClientsAreSentAway() async throws {
        let running = try await start {
            $0.headTimeout = .milliseconds(60)
            $0.bodyTimeout = .milliseconds(60)
            $0.idleTimeout = .milliseconds(60)
        }
        let head = try SocketClient(port: running.port)
        try head.send(Array("GET / HT".utf8))
        #expect(try head.receiveAnswer().status == 408)
        let body = try SocketClient(port: running.port)
        try body.send(
            Array("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".utf8))
        #expect(try body.receiveAnswer().status == 408)
        #expect(try SocketClient(port: running.port).receiveAll().isEmpty)
        await running.stop()
    }

    @Test func garbageIsAnsweredAndDisturbsNobody() async throws {
        let running = try await start()
        let good = try SocketClient(port: running.port)
        let bad = try SocketClient(port: running.port)
        try bad.send([0, 1, 2, 255, 13, 10, 13, 10])
        #expect(try bad.receiveAnswer().status == 400)
        #expect(try bad.receiveAll().isEmpty)
        #expect(try good.request("GET", "/hello/you").text == "hello you")
        await running.stop()
    }

    /// What cannot become a request is answered while its sender still waits, without a line end.
    @Test(arguments: ["\u{16}\u{3}\u{1}", "\u{7F}garbage", "GET /\r\n"])
    func garbageIsAnsweredAtOnce(text: String) async throws {
        let running = try await start()
        let client = try SocketClient(port: running.port)
        try client.send(Array(text.utf8))
        #expect(try client.receiveAnswer().status == 400)
        await running.stop()
    }

    /// Whoever ends in the middle of a request learns that it was not taken; whoever ends between
    /// requests gets no answer that nobody asked for.
    @Test(arguments: [
        ("GET / HT", [400]),
        ("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", [400]),
        ("POST /echo/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", [400]),
        ("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET", [200, 400]),
        ("GET /later HTTP/1.1\r\nHost: a\r\n\r\n\r\n", [200]), ("", []),
    ])
    func requestCutShortIsAnswered(text: String, statuses: [Int]) async throws {
        let running = try await start()
        let client = try SocketClient(port: running.port)
        try client.send(Array(text.utf8))
        client.finishSending()
        for status in statuses { #expect(try client.receiveAnswer().status == status) }
        #expect(try client.receiveAll().isEmpty)
        await running.stop()
    }

    @Test func largeBodyOverTheLimitIsRefusedAtOnce() async throws {
        let running = try await start { $0.limits.bodyBytesMax = 1000 }
        let client = try SocketClient(port: running.port)
        try client.send(
            Array("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n".utf8))
        let answer = try client.receiveAnswer()
        #expect(answer.status == 413)
        #expect(answer.header("connection") == "close")
        await running.stop()
    }

    @Test func drainFinishesWhatIsInFlight() async throws {
        let running = try await start()
        let client = try SocketClient(port: running.port)
        try client.send(Array("GET /later HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        await eventually("the request is in flight") {
            running.seen.count.load(ordering: .relaxed) == 1
        }
        async let stopped: Void = running.stop()
        #expect(try client.receiveAnswer().text == "later")
        await stopped
        #expect(throws: SocketClientError.self) { try SocketClient(port: running.port) }
    }

    @Test func clientReusesItsConnectionAndKeepsDeadlines() async throws {
        let running = try await start()
        let client = HTTPClient(loop: running.group.loops[0])
        let base = "http://127.0.0.1:\(running.port)"
        for index in 0..<5 {
            let answer = try await client.send(
                method: .get, url: "\(base)/hello/\(index)", timeout: .seconds(5))
            #expect(String(decoding: answer.body, as: UTF8.self) == "hello \(index)")
        }
        await #expect(throws: HTTPClientError.self) {
            _ = try await client.send(
                method: .get, url: "\(base)/later", timeout: .milliseconds(1))
        }
        client.close()
        await running.stop()
    }

    @Test func clientSendsNothingForACancelledTask() async throws {
        let running = try await start()
        let client = HTTPClient(loop: running.group.loops[0])
        let base = "http://127.0.0.1:\(running.port)"
        // A connection to be used again, so that connecting does not notice first.
        _ = try await client.send(method: .get, url: "\(base)/hello/x", timeout: .seconds(5))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await client.send(method: .get, url: "\(base)/later", timeout: .seconds(5))
        }
        task.cancel()
        await #expect(throws: HTTPClientError.self) { try await task.value }
        #expect(running.seen.count.load(ordering: .relaxed) == 0)
        client.close()
        await running.stop()
    }

    @Test(arguments: ["x\r\nTransfer-Encoding: chunked", "x\u{0}"])
    func clientSendsNoBrokenHeader(value: String) async throws {
        let running = try await start()
        let client = HTTPClient(loop: running.group.loops[0])
        await #expect(throws: HTTPClientError.self) {
            _ = try await client.send(
                method: .get, url: "http://127.0.0.1:\(running.port)/hello/x",
                headers: [(name: "X", value: value)], timeout: .seconds(5))
        }
        client.close()
        await running.stop()
    }

    /// A client that nobody holds any more holds no connection.
    @Test func droppedClientClosesItsConnections() async throws {
        final class Answering: ConnectionHandler {
            func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
                connection.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8))
            }
        }
        let group = try EventLoopGroup(count: 1)
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10
        ) { Answering() }
        do {
            let client = HTTPClient(loop: group.loops[0])
            _ = try await client.send(
                method: .get, url: "http://127.0.0.1:\(listener.port)/", timeout: .seconds(5))
            #expect(listener.connectionCount == 1)
        }
        await eventually("the connection is closed") { listener.connectionCount == 0 }
        await listener.close()
        await group.shutdown()
    }
}
