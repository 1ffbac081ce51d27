import Base
import Crypto
import RPC
import TestSupport
import Testing
import Wire

/// A peer that breaks the protocol loses its connection for a logged reason; nobody else notices.
@Suite struct BadPeerTests {
    /// Sends bytes to a server, gets what it says until it closes, and checks on a bystander.
    private func send(_ bytes: [UInt8], expecting reason: String) async throws {
        try await Fixture.with { fixture in
            let port = try await fixture.startServer().port
            let bystander = try fixture.client(port: port)
            #expect(try await bystander.call(.echo, body: [1], timeout: .seconds(20)) == [1])
            let socket = try SocketClient(port: port)
            try socket.send(bytes)
            _ = try socket.receiveAll()
            await eventually("the reason is logged: \(reason)") {
                fixture.closeReasons.contains { $0.contains(reason) }
            }
            #expect(try await bystander.call(.echo, body: [2], timeout: .seconds(20)) == [2])
        }
    }

    @Test func garbage() async throws {
        try await send(
            Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), expecting: "at most 512 are allowed")
    }

    @Test func randomBytes() async throws {
        var random = PRNG(seed: 11)
        let bytes = (0..<100_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try await send(bytes, expecting: "frame")
    }

    @Test func oversizeFrameBeforeTheHandshake() async throws {
        try await send(
            [1, 2, 0, 0, 16] + [UInt8](repeating: 0, count: 600), expecting: "513 bytes")
    }

    @Test func callBeforeTheHandshake() async throws {
        let request = RequestFrame(
            callID: 1, method: .echo, remainingMilliseconds: 1000, body: [])
        try await send(Frame.request(request).encoded(), expecting: "handshake comes before")
    }

    @Test func otherVersion() async throws {
        try await send(
            Frame.hello(version: 9, nonce: Samples.nonce).encoded(), expecting: "version 9")
    }

    /// The nonces are new on every connection, so an overheard proof opens nothing.
    @Test func replayedHandshake() async throws {
        try await send(
            Frame.hello(version: 1, nonce: Samples.nonce).encoded()
                + Frame.proof(Samples.nonce).encoded(),
            expecting: "does not know the cluster secret")
    }

    @Test func oversizeFrameAfterTheHandshake() async throws {
        try await withAuthenticatedSocket { socket, fixture in
            try socket.send([0xFF, 0xFF, 0xFF, 0x7F])
            _ = try socket.receiveAll()
            await eventually("the reason is logged") {
                fixture.closeReasons.contains { $0.contains("at most \(Limits.rpcFrameBytesMax)") }
            }
        }
    }

    @Test func aCallIDThatIsInFlightAlready() async throws {
        try await withAuthenticatedSocket { socket, fixture in
            let request = RequestFrame(
                callID: 1, method: .hold, remainingMilliseconds: 10_000, body: [])
            try socket.send(Frame.request(request).encoded() + Frame.request(request).encoded())
            _ = try socket.receiveAll()
            await eventually("the reason is logged") {
                fixture.closeReasons.contains("call id 1 is in flight already")
            }
        }
    }

    @Test func aSilentNewcomerIsShownOut() async throws {
        try await Fixture.with { fixture in
            let socket = try SocketClient(port: try await fixture.startServer().port)
            #expect(try socket.receiveAll().isEmpty)
            #expect(fixture.closeReasons == ["no handshake within 5 seconds"])
        }
    }

    /// A client that meets something else than a server of ours says so instead of waiting.
    @Test func theClientRefusesAServerWithoutTheSecret() throws {
        var handshake = ClientHandshakeProbe(secret: Fixture.secret)
        #expect(
            try handshake.statusAfter(
                .welcome(
                    proof: Samples.nonce, frameBytesMax: 1, inFlightMax: 1)) == .protocolViolation)
        handshake = ClientHandshakeProbe(secret: Fixture.secret)
        #expect(try handshake.statusAfter(.challenge(version: 1, nonce: Samples.nonce)) == nil)
        #expect(
            try handshake.statusAfter(
                .welcome(
                    proof: Samples.nonce, frameBytesMax: 1, inFlightMax: 1)) == .unauthenticated)
    }

    /// Answers that nobody takes are not kept for ever.
    @Test func aPeerThatReadsNothingIsCutOff() async throws {
        try await withAuthenticatedSocket(stallLimit: .milliseconds(200)) { socket, fixture in
            let request = RequestFrame(
                callID: 1, method: .echo, remainingMilliseconds: 10_000,
                body: [UInt8](repeating: 1, count: 32 << 20)[...])
            try socket.send(Frame.request(request).encoded())
            await eventually("the reason is logged") {
                fixture.closeReasons.contains { $0.contains("the peer took no byte") }
            }
        }
    }

    /// Goes through the handshake by hand, as the document says.
    private func withAuthenticatedSocket(
        stallLimit: Duration = .seconds(30), _ body: (SocketClient, Fixture) async throws -> Void
    ) async throws {
        try await Fixture.with { fixture in
            let socket = try SocketClient(
                port: try await fixture.startServer(stallLimit: stallLimit).port)
            try socket.send(Frame.hello(version: 1, nonce: Samples.nonce).encoded())
            guard case .challenge(_, let serverNonce) = try socket.receiveFrame() else {
                Issue.record("no challenge")
                return
            }
            let message =
                Array("millrace-rpc-client".utf8) + [1] + Samples.nonce + serverNonce
            let proof = try ClusterSecret(Fixture.secret).authenticate(message)
            try socket.send(Frame.proof(proof).encoded())
            guard case .welcome = try socket.receiveFrame() else {
                Issue.record("no welcome")
                return
            }
            try await body(socket, fixture)
        }
    }
}

enum Samples {
    static let nonce = [UInt8](repeating: 7, count: 32)
}

extension SocketClient {
    func receiveFrame() throws -> Frame? {
        var assembler = FrameAssembler(frameBytesMax: 1000)
        while let bytes = try receive() {
            var input = bytes[...]
            if let frame = try assembler.next(&input) { return frame }
        }
        return nil
    }
}
