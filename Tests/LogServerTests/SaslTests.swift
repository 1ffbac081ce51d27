// Authentication over real sockets: what a stranger gets, and how one becomes known.

import Base
import Crypto
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

extension LogServerConfiguration {
    /// A server with one user.
    mutating func asksForUsers() {
        users = (try? LogUser(name: "alice", password: "wonder")).map { [$0] }
    }
}

/// A client's side of SCRAM, from the RFC and not from the server's code.
struct ScramClient {
    let mechanism: ScramMechanism
    let user: String
    let password: String
    /// Says its own part of the nonce twice in the end, as librdkafka before 2.6.
    var repeatsItself = false
    private let nonce = "client-nonce"

    init(mechanism: ScramMechanism, user: String, password: String) {
        self.mechanism = mechanism
        self.user = user
        self.password = password
    }

    var first: [UInt8] { Array("n,,n=\(user),r=\(nonce)".utf8) }

    func final(_ serverFirst: [UInt8]) throws -> (message: [UInt8], signature: String) {
        let text = String(decoding: serverFirst, as: UTF8.self)
        let fields = text.split(separator: ",").map { String($0.dropFirst(2)) }
        let salt = try #require(decodeBase64(fields[1]))
        let iterations = try #require(Int(fields[2]))
        let hash = mechanism.hash
        let salted = hash.stretch(
            password: Array(password.utf8), salt: salt, iterations: iterations)
        let clientKey = hash.hmac(key: salted, message: Array("Client Key".utf8))
        let bare = "c=biws,r=\(repeatsItself ? nonce : "")\(fields[0])"
        let message = Array("n=\(user),r=\(nonce),\(text),\(bare)".utf8)
        let signature = hash.hmac(key: hash.digest(clientKey), message: message)
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        let serverKey = hash.hmac(key: salted, message: Array("Server Key".utf8))
        return (
            Array("\(bare),p=\(base64(proof))".utf8),
            "v=" + base64(hash.hmac(key: serverKey, message: message))
        )
    }
}

extension KafkaTestClient {
    func handshake(_ mechanism: String, version: Int16 = 1) throws -> SaslHandshakeResponse {
        var request = SaslHandshakeRequest()
        request.mechanism = mechanism
        return try ask(request, version: version)
    }

    func authenticate(_ token: [UInt8], version: Int16 = 2) throws -> SaslAuthenticateResponse {
        var request = SaslAuthenticateRequest()
        request.token = token
        return try ask(request, version: version)
    }

    func logIn(plain user: String, _ password: String) throws -> SaslAuthenticateResponse {
        #expect(try handshake("PLAIN").error == .none)
        return try authenticate([0] + Array(user.utf8) + [0] + Array(password.utf8))
    }

    /// The last answer.
    func logIn(
        _ mechanism: ScramMechanism, _ user: String, _ password: String, version: Int16 = 2,
        repeatsItself: Bool = false
    ) throws -> SaslAuthenticateResponse {
        let name = mechanism == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512"
        #expect(try handshake(name).error == .none)
        var client = ScramClient(mechanism: mechanism, user: user, password: password)
        client.repeatsItself = repeatsItself
        let first = try authenticate(client.first, version: version)
        #expect(first.error == .none)
        let (message, signature) = try client.final(first.token)
        let last = try authenticate(message, version: version)
        if last.error == .none {
            #expect(String(decoding: last.token, as: UTF8.self) == signature)
        }
        return last
    }

    /// Whether the server has closed the connection.
    func isClosed() throws -> Bool { try socket.receiveAll().isEmpty }

    /// A frame without a header.
    func sendRaw(_ token: [UInt8]) throws {
        try socket.send([0, 0, UInt8(token.count >> 8), UInt8(token.count & 255)] + token)
    }
}

@Suite struct SaslTests {
    /// Every mechanism, in every version of the wrapped messages.
    @Test func theRightPasswordGetsIn() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            for version: Int16 in 0...2 {
                for mechanism in ScramMechanism.allCases {
                    let client = try server.client()
                    #expect(try client.ask(ApiVersionsRequest()).error == .none)
                    let answer = try client.logIn(mechanism, "alice", "wonder", version: version)
                    #expect(answer.error == .none)
                    #expect(answer.sessionLifetimeMilliseconds == 0)
                    #expect(try client.metadata([]).brokers.count == 1)
                }
            }
            let older = try server.client()
            #expect(
                try older.logIn(.sha256, "alice", "wonder", repeatsItself: true).error == .none)
            let client = try server.client()
            #expect(try client.logIn(plain: "alice", "wonder").error == .none)
            #expect(try client.createTopic("t").error == .none)
            #expect(try client.produce("t", 0, batch(["a"])).error == .none)
            // Once is enough; saying it again is out of turn, and harmless.
            #expect(try client.handshake("PLAIN").error == .illegalSASLState)
            #expect(try client.metadata([]).brokers.count == 1)
        }
    }

    /// Wrong password and unknown user look alike, and end the connection.
    @Test func theWrongPasswordDoesNot() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            for (user, password) in [("alice", "x"), ("nobody", "wonder"), ("nobody", "")] {
                for mechanism in ScramMechanism.allCases {
                    let client = try server.client()
                    let answer = try client.logIn(mechanism, user, password)
                    #expect(answer.error == .saslAuthenticationFailed)
                    #expect(answer.errorMessage == "user or password is wrong")
                    #expect(answer.token.isEmpty)
                    #expect(try client.isClosed())
                }
                let client = try server.client()
                let answer = try client.logIn(plain: user, password)
                #expect(answer.error == .saslAuthenticationFailed)
                #expect(answer.errorMessage == "user or password is wrong")
                #expect(try client.isClosed())
            }
        }
    }

    /// Anything but the three requests, in any order, closes the connection without an answer.
    @Test func strangersGetNothing() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            for key: UInt8 in 0...80 where ![17, 18, 36].contains(key) {
                let client = try server.client()
                #expect(try client.ask(ApiVersionsRequest()).error == .none)
                try client.socket.send([0, 0, 0, 11, 0, key, 0, 3, 0, 0, 0, 1, 0, 1, 0x61])
                #expect(try client.isClosed(), "key \(key)")
            }
            // Also behind the choice of a mechanism, and behind half of the exchange.
            for steps in 1...2 {
                let client = try server.client()
                #expect(try client.handshake("SCRAM-SHA-256").error == .none)
                if steps == 2 {
                    let scram = ScramClient(mechanism: .sha256, user: "alice", password: "")
                    #expect(try client.authenticate(scram.first).error == .none)
                }
                try client.send(MetadataRequest(), version: 9)
                #expect(try client.isClosed())
            }
        }
    }

    @Test func requestsOutOfTurn() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let unchosen = try server.client()
            #expect(try unchosen.authenticate([0, 1, 0, 1]).error == .saslAuthenticationFailed)
            #expect(try unchosen.isClosed())
            let unknown = try server.client()
            let answer = try unknown.handshake("GSSAPI")
            #expect(answer.error == .unsupportedSASLMechanism)
            #expect(answer.mechanisms == ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
            #expect(try unknown.isClosed())
            let twice = try server.client()
            #expect(try twice.handshake("PLAIN").error == .none)
            #expect(try twice.handshake("PLAIN").error == .illegalSASLState)
            #expect(try twice.isClosed())
            for token in [
                [], [0], [0, 0], [0, 0, 0], [0x61, 0, 0x62, 0, 0x63], [0, 0xFF, 0, 1],
            ]
                as [[UInt8]]
            {
                let client = try server.client()
                #expect(try client.handshake("PLAIN").error == .none)
                #expect(try client.authenticate(token).error == .saslAuthenticationFailed)
                #expect(try client.isClosed())
            }
        }
    }

    /// Before authentication a request that announces much is not read at all.
    @Test func strangersMayNotSendMuch() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let client = try server.client()
            try client.socket.send([0, 2, 0, 0, 0, 18, 0, 3])
            #expect(try client.isClosed())
            let raw = try server.client()
            #expect(try raw.handshake("PLAIN", version: 0).error == .none)
            try raw.socket.send([0, 2, 0, 0])
            #expect(try raw.isClosed())
        }
    }

    /// The handshake of version 0: the mechanism's messages go without headers, then requests.
    @Test func messagesWithoutHeaders() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let plain = try server.client()
            #expect(try plain.handshake("PLAIN", version: 0).error == .none)
            try plain.sendRaw(Array("\0alice\0wonder".utf8))
            #expect(try plain.receiveFrame().isEmpty)
            #expect(try plain.metadata([]).brokers.count == 1)
            let scram = try server.client()
            #expect(try scram.handshake("SCRAM-SHA-512", version: 0).error == .none)
            let client = ScramClient(mechanism: .sha512, user: "alice", password: "wonder")
            try scram.sendRaw(client.first)
            let (message, signature) = try client.final(try scram.receiveFrame())
            try scram.sendRaw(message)
            #expect(String(decoding: try scram.receiveFrame(), as: UTF8.self) == signature)
            #expect(try scram.metadata([]).brokers.count == 1)
            let wrong = try server.client()
            #expect(try wrong.handshake("PLAIN", version: 0).error == .none)
            try wrong.sendRaw(Array("\0alice\0x".utf8))
            #expect(try wrong.isClosed())
            let empty = try server.client()
            #expect(try empty.handshake("SCRAM-SHA-256", version: 0).error == .none)
            try empty.sendRaw([])
            #expect(try empty.isClosed())
        }
    }

    /// Too many strangers: the oldest makes room, and those that are known stay.
    @Test func strangersAreFew() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let known = try server.client()
            #expect(try known.logIn(plain: "alice", "wonder").error == .none)
            let first = try server.client()
            #expect(try first.ask(ApiVersionsRequest()).error == .none)
            var others: [KafkaTestClient] = []
            for _ in 0..<Limits.logUnauthenticatedConnectionsMax {
                others.append(try server.client())
            }
            await eventually("the oldest is closed") {
                do { _ = try first.ask(ApiVersionsRequest()) } catch { return true }
                return false
            }
            let late = try server.client()
            #expect(try late.logIn(.sha256, "alice", "wonder").error == .none)
            #expect(try known.metadata([]).brokers.count == 1)
        }
    }

    /// Where nobody is asked, the two requests say so.
    @Test func withoutUsersNobodyIsAsked() async throws {
        try await withServer { server in
            let client = try server.client()
            #expect(try client.handshake("PLAIN").error == .illegalSASLState)
            #expect(try client.authenticate([0]).error == .illegalSASLState)
            #expect(try client.metadata([]).brokers.count == 1)
        }
    }

    /// As librdkafka and the Java client send them.
    @Test func goldenBytes() throws {
        var handshake = SaslHandshakeRequest()
        handshake.mechanism = "SCRAM-SHA-256"
        let one = try encodeRequest(handshake, version: 1, correlationID: 2, clientID: "kc")
        #expect(
            hexadecimal(one.joined())
                == "0000001b" + "0011" + "0001" + "00000002" + "00026b63"
                + "000d" + hexadecimal("SCRAM-SHA-256".utf8))
        var token = SaslAuthenticateRequest()
        token.token = Array("\0a\0b".utf8)
        let two = try encodeRequest(token, version: 0, correlationID: 3, clientID: "kc")
        #expect(
            hexadecimal(two.joined())
                == "00000014" + "0024" + "0000" + "00000003" + "00026b63" + "00000004" + "00610062")
        var answer = SaslAuthenticateResponse()
        answer.error = .saslAuthenticationFailed
        answer.errorMessage = "no"
        let three = try encodeResponse(
            answer, to: SaslAuthenticateRequest.self, version: 2, correlationID: 3)
        #expect(
            hexadecimal(three.joined())
                == "00000014" + "00000003" + "00" + "003a" + "036e6f" + "01"
                + "0000000000000000" + "00")
        #expect(
            hexadecimal(
                try encodeResponse(
                    SaslHandshakeResponse(), to: SaslHandshakeRequest.self, version: 1,
                    correlationID: 2
                ).joined()) == "0000000a" + "00000002" + "0000" + "00000000")
    }
}

/// Users that clients change.
@Suite struct AlterUserTests {
    private func upsertion(
        _ name: String, _ mechanism: ScramMechanism, _ password: String, iterations: Int = 4096
    ) -> AlterUserScramCredentialsRequest.Upsertion {
        var upsertion = AlterUserScramCredentialsRequest.Upsertion()
        upsertion.name = name
        upsertion.mechanism = mechanism.rawValue
        upsertion.iterations = Int32(iterations)
        upsertion.salt = Array("salt".utf8)
        upsertion.saltedPassword = mechanism.hash.stretch(
            password: Array(password.utf8), salt: upsertion.salt, iterations: iterations)
        return upsertion
    }

    private func alter(
        _ client: KafkaTestClient, set: [AlterUserScramCredentialsRequest.Upsertion] = [],
        remove: [(String, Int8)] = []
    ) throws -> [String: KafkaErrorCode] {
        var request = AlterUserScramCredentialsRequest()
        request.upsertions = set
        request.deletions = remove.map { name, mechanism in
            var deletion = AlterUserScramCredentialsRequest.Deletion()
            (deletion.name, deletion.mechanism) = (name, mechanism)
            return deletion
        }
        let results = try client.ask(request).results
        for result in results {
            #expect((result.errorMessage == nil) == (result.error == .none))
        }
        return Dictionary(uniqueKeysWithValues: results.map { ($0.user, $0.error) })
    }

    /// Added, used by every mechanism that fits, kept over a restart, and removed.
    @Test func usersComeAndGo() async throws {
        let directory = try TemporaryDirectory()
        try await withServer(directory: directory) {
            $0.asksForUsers()
        } _: { server in
            let client = try server.client()
            #expect(try client.logIn(plain: "alice", "wonder").error == .none)
            let bob = upsertion("bob", .sha256, "builder")
            #expect(try alter(client, set: [bob]) == ["bob": .none])
            #expect(try server.client().logIn(.sha256, "bob", "builder").error == .none)
        }
        try await withServer(directory: directory) {
            $0.asksForUsers()
        } _: { server in
            let client = try server.client()
            #expect(try client.logIn(plain: "bob", "builder").error == .none)
            #expect(try server.client().logIn(.sha512, "bob", "builder").error != .none)
            let described = try client.ask(DescribeUserScramCredentialsRequest()).results
            #expect(described.map(\.user) == ["alice", "bob"])
            #expect(described.last?.credentials.map(\.iterations) == [4096])
            #expect(described.last?.credentials.map(\.mechanism) == [1])
            #expect(try alter(client, remove: [("bob", 1)]) == ["bob": .none])
            #expect(try server.client().logIn(.sha256, "bob", "builder").error != .none)
        }
    }

    @Test func whatIsRefused() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let client = try server.client()
            #expect(try client.logIn(plain: "alice", "wonder").error == .none)
            let few = upsertion("a", .sha256, "x", iterations: 4095)
            let many = upsertion("b", .sha256, "x", iterations: 16_385)
            var unsalted = upsertion("c", .sha256, "x")
            unsalted.salt = []
            var short = upsertion("d", .sha512, "x")
            short.saltedPassword.removeLast()
            var strange = upsertion("e", .sha256, "x")
            strange.mechanism = 3
            let twice = upsertion("f", .sha256, "x")
            let good = upsertion("g", .sha256, "x")
            let errors = try alter(
                client,
                set: [
                    few, many, unsalted, short, strange, twice, twice, good,
                    upsertion("alice", .sha256, "x"), upsertion("", .sha256, "x"),
                ], remove: [("h", 1), ("i", 0)])
            #expect(
                errors == [
                    "a": .unacceptableCredential, "b": .unacceptableCredential,
                    "c": .unacceptableCredential, "d": .unacceptableCredential,
                    "e": .unsupportedSASLMechanism, "f": .duplicateResource, "g": .none,
                    "alice": .policyViolation, "": .unacceptableCredential,
                    "h": .resourceNotFound, "i": .resourceNotFound,
                ])
            var request = DescribeUserScramCredentialsRequest()
            request.users = ["g", "f", "alice", "alice"].map {
                var user = DescribeUserScramCredentialsRequest.User()
                user.name = $0
                return user
            }
            #expect(
                try client.ask(request).results.map(\.error)
                    == [.none, .resourceNotFound, .duplicateResource])
        }
    }
}
