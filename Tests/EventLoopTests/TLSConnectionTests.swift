import Base
import Crypto
import Synchronization
import TestSupport
import Testing

@testable import EventLoop

/// A blocking TLS client over a socket.
private final class TLSClient {
    private let socket: SocketClient
    private var session: TLSSession
    private(set) var sawEnd = false

    init(port: UInt16, _ context: TLSContext) throws {
        socket = try SocketClient(port: port)
        session = try TLSSession(context, serverName: "127.0.0.1")
        while true {
            let outcome = session.handshake()
            try flush()
            switch outcome {
            case .moved: return
            case .needsInput: try more()
            case .ended: throw SocketClientError.closed
            case .failed(let error): throw error
            }
        }
    }

    private func flush() throws {
        var bytes: [UInt8] = []
        session.drain(into: &bytes)
        try socket.send(bytes)
    }

    private func more() throws {
        guard let bytes = try socket.receive() else { throw SocketClientError.closed }
        bytes.withUnsafeBytes { session.take($0) }
    }

    func send(_ bytes: [UInt8]) throws {
        _ = bytes.withUnsafeBytes { session.write($0) }
        try flush()
    }

    /// At least one byte; nil at the end that the peer has announced.
    func receive() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            switch buffer.withUnsafeMutableBytes({ session.read(into: $0) }) {
            case .moved(let count): return Array(buffer[..<count])
            case .needsInput: try more()
            case .ended: return nil
            case .failed(let error): throw error
            }
        }
    }

    func receive(count: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count, let bytes = try receive() { all += bytes }
        return all
    }
}

/// Sends back what it hears, with pauses, and notes how it ended.
private final class Echo: ConnectionHandler {
    final class Ends: Sendable {
        private let state = Mutex<[NetworkError?]>([])
        func add(_ error: NetworkError?) { state.withLock { $0.append(error) } }
        var all: [NetworkError?] { state.withLock { $0 } }
    }

    private let ends: Ends
    private var count = 0
    init(_ ends: Ends) { self.ends = ends }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        connection.write(Array(bytes))
        count += 1
        if !connection.isWritable {
            connection.pauseReading()
        } else if count % 7 == 0 {
            // Paused in the middle of what was read, and resumed from outside of it.
            connection.pauseReading()
            connection.loop.execute { connection.resumeReading() }
        }
    }

    func becameWritable(_ connection: Connection) { connection.resumeReading() }
    func closed(_ connection: Connection, error: NetworkError?) { ends.add(error) }
}

/// A connection with TLS behaves as one without.
@Suite struct TLSConnectionTests {
    let files: TestCertificates
    init() throws { files = try TestCertificates.shared.get() }

    private func withEcho(
        clients: Bool = false, deadline: Duration = .seconds(20),
        _ body: (_ listener: TCPListener, _ ends: Echo.Ends, _ client: TLSContext) async throws
            -> Void
    ) async throws {
        let identity = TLSIdentity(
            certificateFile: files.path("server.pem"), keyFile: files.path("server.key"))
        let server = try TLSContext.server(
            identity, clientAuthorities: clients ? files.path("authority.pem") : nil)
        let client = try TLSContext.client(authorities: files.path("authority.pem"))
        let group = try EventLoopGroup(count: 1)
        let ends = Echo.Ends()
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10,
            tls: TLSOffer(server, handshakeDeadline: deadline)
        ) { Echo(ends) }
        do { try await body(listener, ends, client) } catch {
            await listener.close()
            throw error
        }
        await listener.close()
        await group.shutdown()
    }

    /// Small and large messages, among them more than all buffers hold, written before any of the
    /// answer is read: backpressure holds in both directions and nothing is lost.
    @Test func bytesComeBack() async throws {
        try await withEcho { listener, ends, context in
            let client = try TLSClient(port: listener.port, context)
            var generator = PRNG(seed: 3)
            for count in [1, 100, 16 << 10, 64 << 10, 200_000, 3] {
                let message = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                try client.send(message)
                #expect(try client.receive(count: count) == message)
            }
            let large = [UInt8](repeating: 9, count: 8 << 20)
            let reader = try TLSClient(port: listener.port, context)
            // What is not read yet waits in the kernel and in the server.
            var received = 0
            for start in stride(from: 0, to: large.count, by: 1 << 20) {
                try reader.send(Array(large[start..<start + 1 << 20]))
                received += try reader.receive(count: 700_000).count
            }
            received += try reader.receive(count: large.count - received).count
            #expect(received == large.count)
        }
    }

    /// Requests without TLS, half a handshake, a certificate that is missing: closed, with a reason.
    @Test func whatIsNoTLSIsClosedWithAReason() async throws {
        try await withEcho { listener, ends, _ in
            let plain = try SocketClient(port: listener.port)
            try plain.send([0, 0, 0, 20, 0, 18, 0, 3, 0, 0, 0, 1, 0, 1, 0x61, 0, 1, 1, 0])
            let answer = try plain.receiveAll()
            // An alert at most: a record of type 21.
            #expect(answer.isEmpty || answer[0] == 21)
            let half = try SocketClient(port: listener.port)
            try half.send([22, 3, 1, 2, 0, 1, 0])
            half.finishSending()
            #expect(try half.receiveAll().isEmpty)
            await eventually("both are closed") { ends.all.count == 2 }
            #expect(ends.all.allSatisfy { $0?.code == .insecure })
            #expect(ends.all.contains { $0?.message.contains("wrong version number") == true })
        }
        try await withEcho(clients: true) { listener, ends, context in
            #expect(throws: (any Error).self) {
                // With TLS 1.3 the client learns of it when it reads.
                let client = try TLSClient(port: listener.port, context)
                _ = try client.receive()
            }
            await eventually("it is closed") { ends.all.count == 1 }
            #expect(ends.all.first??.message.contains("certificate") == true)
        }
    }

    /// The end is announced, and what was written before it arrives.
    @Test func closingSaysSo() async throws {
        final class Parting: ConnectionHandler {
            func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
                connection.write([UInt8](repeating: 1, count: 16 << 20))
                connection.close()
            }
        }
        let identity = TLSIdentity(
            certificateFile: files.path("server.pem"), keyFile: files.path("server.key"))
        let group = try EventLoopGroup(count: 1)
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10,
            tls: TLSOffer(try .server(identity))
        ) { Parting() }
        let client = try TLSClient(
            port: listener.port, try .client(authorities: files.path("authority.pem")))
        try client.send([1])
        #expect(try client.receive(count: 16 << 20).count == 16 << 20)
        #expect(try client.receive() == nil)
        await listener.close()
        await group.shutdown()
    }

    /// A peer that connects and says nothing, or goes on with half a message, is cut at the
    /// deadline.
    @Test func aHandshakeHasADeadline() async throws {
        try await withEcho(deadline: .milliseconds(100)) { listener, ends, context in
            let silent = try SocketClient(port: listener.port)
            let half = try SocketClient(port: listener.port)
            try half.send([22, 3, 1, 2, 0, 1, 0])
            await eventually("both are given up") { ends.all.count == 2 }
            #expect(ends.all.allSatisfy { $0?.message.contains("in time") == true })
            withExtendedLifetime((silent, half)) {}
        }
    }
}
