import Base
import TestSupport
import Testing

@testable import Crypto

/// Two sessions that talk through memory.
private struct Pair: ~Copyable {
    var server: TLSSession
    var client: TLSSession

    static func make(
        server: TLSContext, client: TLSContext, name: String = "127.0.0.1"
    ) throws -> Pair {
        let atServer = try TLSSession(server)
        return Pair(server: atServer, client: try TLSSession(client, serverName: name))
    }

    /// Moves ciphertext both ways until both are done or one fails.
    mutating func shakeHands() -> (server: String?, client: String?) {
        for _ in 0..<10 {
            let atClient = Self.failure(client.handshake())
            Self.move(from: &client, to: &server)
            let atServer = Self.failure(server.handshake())
            Self.move(from: &server, to: &client)
            if atServer != nil || atClient != nil {
                return (atServer, atClient ?? Self.failure(client.handshake()))
            }
            if server.isEstablished, client.isEstablished { return (nil, nil) }
        }
        return ("no end", "no end")
    }

    static func failure(_ outcome: TLSSession.Outcome) -> String? {
        if case .failed(let error) = outcome { return error.message }
        return nil
    }

    static func move(from: inout TLSSession, to: inout TLSSession) {
        var bytes: [UInt8] = []
        from.drain(into: &bytes)
        bytes.withUnsafeBytes { to.take($0) }
    }

    /// What `to` reads of what has been written so far.
    static func text(_ to: inout TLSSession) -> (bytes: [UInt8], end: TLSSession.Outcome) {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1000)
        while true {
            let outcome = buffer.withUnsafeMutableBytes { to.read(into: $0) }
            guard case .moved(let count) = outcome else { return (all, outcome) }
            all += buffer[..<count]
        }
    }
}

@Suite struct TLSTests {
    let files: TestCertificates
    init() throws { files = try TestCertificates.shared.get() }

    private func identity(_ name: String) -> TLSIdentity {
        TLSIdentity(
            certificateFile: files.path("\(name).pem"), keyFile: files.path("\(name).key"))
    }

    private func server(clients: Bool = false) throws -> TLSContext {
        try .server(
            identity("server"), clientAuthorities: clients ? files.path("authority.pem") : nil)
    }

    private func client(_ name: String? = nil, trusting: String = "authority") throws
        -> TLSContext
    {
        try .client(
            authorities: files.path("\(trusting).pem"), identity: name.map { identity($0) })
    }

    /// Both directions, many records, and an end that says it is one.
    @Test func aConversation() throws {
        var pair = try Pair.make(server: server(), client: client())
        let ends = pair.shakeHands()
        #expect(ends == (nil, nil))
        let version = pair.server.version
        #expect(version == "TLSv1.3")
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        _ = message.withUnsafeBytes { pair.client.write($0) }
        Pair.move(from: &pair.client, to: &pair.server)
        let heard = Pair.text(&pair.server).bytes
        #expect(heard == message)
        _ = message.withUnsafeBytes { pair.server.write($0) }
        pair.server.end()
        Pair.move(from: &pair.server, to: &pair.client)
        let (bytes, end) = Pair.text(&pair.client)
        #expect(bytes == message)
        guard case .ended = end else {
            Issue.record("\(end)")
            return
        }
    }

    @Test func certificatesOfClientsAreAskedForAndChecked() throws {
        var known = try Pair.make(server: server(clients: true), client: client("client"))
        let ends = known.shakeHands()
        #expect(ends == (nil, nil))
        for name in [nil, "stranger"] {
            var pair = try Pair.make(server: server(clients: true), client: client(name))
            let ends = pair.shakeHands()
            let reason = try #require(ends.server, "\(name ?? "none") got in")
            #expect(reason.contains("certificate"))
        }
    }

    /// A client does not talk to a server that it does not trust, or that is another one.
    @Test func serversAreChecked() throws {
        var untrusted = try Pair.make(server: server(), client: client(trusting: "stranger"))
        let atFirst = untrusted.shakeHands()
        #expect(try #require(atFirst.client).contains("certificate"))
        var other = try Pair.make(server: server(), client: client(), name: "example.org")
        let atLast = other.shakeHands()
        #expect(try #require(atLast.client).contains("mismatch"))
        #expect(throws: TLSError.self) {
            _ = try TLSSession(try client(), serverName: "")
        }
    }

    @Test func nonsenseIsRefused() throws {
        var generator = PRNG(seed: 7)
        let context = try server()
        for text in [Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), [0, 0, 0, 10, 0, 18, 0, 3]] {
            var session = try TLSSession(context)
            (text + [UInt8](repeating: 0, count: 20)).withUnsafeBytes { session.take($0) }
            let failure = Pair.failure(session.handshake())
            #expect(failure != nil)
        }
        for _ in 0..<300 {
            var session = try TLSSession(context)
            let count = Int(generator.next() % 300) + 6
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            // Some that begin like a handshake.
            if generator.next() % 2 == 0 { bytes.replaceSubrange(0..<3, with: [22, 3, 1]) }
            bytes.withUnsafeBytes { session.take($0) }
            _ = session.handshake()
            let isEstablished = session.isEstablished
            #expect(!isEstablished)
        }
    }

    /// A flipped bit of a record ends the conversation.
    @Test func alteredRecordsAreRefused() throws {
        var pair = try Pair.make(server: server(), client: client())
        let ends = pair.shakeHands()
        #expect(ends == (nil, nil))
        _ = [UInt8](repeating: 1, count: 100).withUnsafeBytes { pair.client.write($0) }
        var bytes: [UInt8] = []
        pair.client.drain(into: &bytes)
        bytes[50] ^= 1
        bytes.withUnsafeBytes { pair.server.take($0) }
        let (text, end) = Pair.text(&pair.server)
        #expect(text.isEmpty && Pair.failure(end) != nil)
    }

    /// Errors name the file; a key with a passphrase is refused, not asked about.
    @Test func badFilesAreNamed() throws {
        for (identity, named) in [
            (TLSIdentity(certificateFile: "/nowhere", keyFile: "/nowhere"), "/nowhere"),
            (
                TLSIdentity(
                    certificateFile: files.path("server.pem"), keyFile: files.path("client.key")),
                "client.key"
            ),
            (self.identity("locked"), "locked.key"),
        ] {
            let error = #expect(throws: TLSError.self) { try TLSContext.server(identity) }
            #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
        }
        #expect(throws: TLSError.self) {
            try TLSContext.server(identity("server"), clientAuthorities: files.path("server.key"))
        }
    }
}
