// SCRAM by itself: published exchanges, what is refused, and what users look like on the disk.

import Base
import Crypto
import Glibc
import TestSupport
import Testing

@testable import LogServer

/// A published exchange.
struct ScramVector: Sendable {
    var mechanism: ScramMechanism
    var salt: String
    var serverNonce: String
    var proof: String
    var signature: String

    static let all = [
        // RFC 7677, section 3.
        ScramVector(
            mechanism: .sha256, salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            signature: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        // As other implementations of SHA-512 give it.
        ScramVector(
            mechanism: .sha512, salt: "Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=",
            serverNonce: "02431b08-2f89-4bad-a4e6-80c0564ec865",
            proof: "Hc5yec3NmCD7t+kFRw4/3yD6/F3SQHc7AVYschRja+Bc3sbdjlA0eH1OjJc0DD4g"
                + "hn1tnXN5/Wr6qm9xmaHt4A==",
            signature: "BQuhnKHqYDwQWS5jAw4sZed+C9KFUALsbrq81bB0mh+bcUUbbMPNNmBIupnS2Amy"
                + "yDnG5CTBQtkjJ9kyY4kzmw=="),
    ]

    static let clientNonce = "rOprNGfwEbeRWgbNEkqO"

    func exchange(isKnown: Bool = true) throws -> ScramExchange {
        let salt = try #require(decodeBase64(salt))
        return try ScramExchange(
            mechanism, clientFirst: Array("n,,n=user,r=\(Self.clientNonce)".utf8),
            nonce: serverNonce
        ) { name in
            #expect(name == "user")
            let credential = ScramCredential(
                mechanism, password: Array("pencil".utf8), salt: salt, iterations: 4096)
            return (credential, isKnown)
        }
    }

    var final: String { "c=biws,r=\(Self.clientNonce)\(serverNonce),p=\(proof)" }
}

@Suite struct ScramTests {
    @Test(arguments: ScramVector.all)
    func publishedExchanges(_ vector: ScramVector) throws {
        let exchange = try vector.exchange()
        #expect(
            String(decoding: exchange.serverFirst, as: UTF8.self)
                == "r=\(ScramVector.clientNonce)\(vector.serverNonce),s=\(vector.salt),i=4096")
        let (user, last) = try exchange.finish(clientFinal: Array(vector.final.utf8))
        #expect(user == "user")
        #expect(String(decoding: last, as: UTF8.self) == "v=\(vector.signature)")
    }

    /// Also with the right proof: a made-up credential never counts.
    @Test func nobodyGetsIn() throws {
        for vector in ScramVector.all {
            let error = #expect(throws: AuthenticationFailure.self) {
                try vector.exchange(isKnown: false).finish(clientFinal: Array(vector.final.utf8))
            }
            #expect(error == .wrongCredentials(user: "user"))
        }
    }

    @Test func changedMessagesAreRefused() throws {
        let vector = ScramVector.all[0]
        let exchange = try vector.exchange()
        let text = vector.final
        for (index, _) in text.utf8.enumerated() {
            var bytes = Array(text.utf8)
            bytes[index] ^= 1
            #expect(throws: AuthenticationFailure.self) { try exchange.finish(clientFinal: bytes) }
            #expect(throws: AuthenticationFailure.self) {
                try exchange.finish(clientFinal: Array(text.utf8.prefix(index)))
            }
        }
        for text in [
            "", ",", "p=", "c=biws,p=", "c=eSws," + text.dropFirst(7), "=,=,=", "c=biws,r=,p=AAAA",
            String(repeating: "a", count: 5000),
        ] {
            #expect(throws: AuthenticationFailure.self) {
                try exchange.finish(clientFinal: Array(text.utf8))
            }
        }
    }

    @Test(arguments: [
        "", "n", "n,", "n,,", "n,,n=", "n,,n=a", "n,,n=a,r=", "n,,r=b,n=a", "p=tls-unique,,n=a,r=b",
        "n,a=other,n=a,r=b", "n,x,n=a,r=b", "n,,m=ext,n=a,r=b", "n,,n==,r=b", "n,,n=a=2c,r=b",
        "n,,n=,r=b", "n,,n=a\0b,r=b", "x,,n=a,r=b", "n,,n=\u{301},r=\u{301}",
    ])
    func malformedFirstMessages(_ text: String) {
        #expect(throws: AuthenticationFailure.self) {
            try ScramExchange(.sha256, clientFirst: Array(text.utf8), nonce: "x") { _ in
                Issue.record("'\(text)' was read")
                return (ScramCredential(.sha256, password: [1], salt: [1], iterations: 1), true)
            }
        }
    }

    /// Names with commas and equal signs, and acting for oneself.
    @Test func namesAreUnescaped() throws {
        var names: [String] = []
        for text in ["n,,n=a=2Cb=3Dc,r=x", "y,,n=é,r=x,ext=1", "n,a=me,n=me,r=x"] {
            _ = try ScramExchange(.sha256, clientFirst: Array(text.utf8), nonce: "y") { name in
                names.append(name)
                return (
                    ScramCredential(.sha256, password: [1], salt: [1], iterations: 1), true
                )
            }
        }
        #expect(names == ["a,b=c", "é", "me"])
    }

    /// Any bytes at all.
    @Test func noiseIsRefused() throws {
        var random = PRNG(seed: 11)
        let exchange = try ScramVector.all[0].exchange()
        for _ in 0..<2000 {
            let count = Int.random(in: 0...80, using: &random)
            let alphabet = Array("n,,=rcp=abi\0\u{301}é".utf8)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            #expect(throws: AuthenticationFailure.self) { try exchange.finish(clientFinal: bytes) }
            _ = try? ScramExchange(.sha256, clientFirst: bytes, nonce: "x") { _ in
                (ScramCredential(.sha256, password: [1], salt: [1], iterations: 1), false)
            }
        }
    }

    @Test func base64IsStrict() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            #expect(base64(Array(bytes.utf8)) == text)
            #expect(decodeBase64(text) == Array(bytes.utf8))
        }
        for text in ["Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Zm 9", "====", "=", "é"] {
            #expect(decodeBase64(text) == nil, "\(text)")
        }
    }
}

@Suite struct UserTests {
    @Test func theFile() throws {
        let users = try LogUser.parse("# who\n\n alice :  wonder land \r\nbob:a:b#c\n")
        #expect(users.map(\.name) == ["alice", "bob"])
        #expect(users.map(\.password) == [Array("wonder land".utf8), Array("a:b#c".utf8)])
        #expect("\(users)" == "[alice: <redacted>, bob: <redacted>]")
        for text in [
            "", "# nobody", "alice", "alice:", ":x", "a: b\na: c",
            "a: " + String(repeating: "x", count: 257),
        ] {
            let error = #expect(throws: InvalidUsers.self) { try LogUser.parse(text) }
            #expect(error?.message.contains("xxx") == false)
        }
    }

    /// Passwords are checked against either key; a name that nobody has always gets the same salt.
    @Test func theTable() throws {
        let disk = MemoryDisk()
        disk.makeDirectory("/d")
        let alice = try LogUser(name: "alice", password: "wonder")
        let table = try UserTable([alice], directory: "/d", disk: disk)
        #expect(table.check("alice", password: Array("wonder".utf8)))
        #expect(!table.check("alice", password: Array("wonde".utf8)))
        #expect(!table.check("nobody", password: []))
        let unknown = table.credential(of: "nobody", .sha512)
        #expect(!unknown.isKnown && unknown.credential.salt.count == 32)
        let carol = ScramCredential(.sha256, password: [1, 2], salt: [9], iterations: 4096)
        try table.change(set: [("carol", carol)], remove: [])
        #expect(table.check("carol", password: [1, 2]))
        // Another start: the file is read again, what was added is there, and salts are the same.
        let again = try UserTable([alice], directory: "/d", disk: disk)
        #expect(again.credential(of: "carol", .sha256) == (carol, true))
        #expect(again.credential(of: "nobody", .sha512).credential == unknown.credential)
        #expect(again.all().map(\.name) == ["alice", "carol"])
        #expect(again.isFixed("alice") && !again.isFixed("carol"))
        try again.change(set: [], remove: [("carol", .sha256)])
        #expect(try UserTable([], directory: "/d", disk: disk).all().isEmpty)
    }

    /// Only the owner reads the file, also one that an older version has left open to all.
    @Test func theFileIsPrivate() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/users.checkpoint"
        func mode() -> mode_t {
            var found = stat()
            return stat(path, &found) == 0 ? found.st_mode & 0o777 : 0
        }
        let alice = try LogUser(name: "alice", password: "wonder")
        _ = try UserTable([alice], directory: directory.path, disk: LocalDisk())
        #expect(mode() == 0o600)
        #expect(chmod(path, 0o644) == 0)
        let table = try UserTable([alice], directory: directory.path, disk: LocalDisk())
        #expect(mode() == 0o600)
        let carol = ScramCredential(.sha256, password: [1, 2], salt: [9], iterations: 4096)
        try table.change(set: [("carol", carol)], remove: [])
        #expect(mode() == 0o600)
        let again = try UserTable([alice], directory: directory.path, disk: LocalDisk())
        #expect(again.all().map(\.name) == ["alice", "carol"])
    }

    /// Nothing is written where nobody has users.
    @Test func noUsersNoFile() throws {
        let disk = MemoryDisk()
        disk.makeDirectory("/d")
        _ = try UserTable([], directory: "/d", disk: disk)
        #expect(try disk.read("/d/users.checkpoint") == nil)
    }

    /// The checkpoint's payload, byte by byte.
    @Test func theFormat() {
        let credential = ScramCredential(
            .sha256, salt: [0xAA, 0xBB], iterations: 4096,
            storedKey: [UInt8](repeating: 1, count: 32),
            serverKey: [UInt8](repeating: 2, count: 32))
        let bytes = UserTable.encode(
            ["ab": [.sha256: credential]], secret: [UInt8](repeating: 7, count: 32))
        let expected =
            String(repeating: "07", count: 32) + "01000000" + "0200" + "6162" + "01" + "00100000"
            + "0200" + "aabb" + String(repeating: "01", count: 32)
            + String(repeating: "02", count: 32)
        #expect(hexadecimal(bytes) == expected)
    }

    @Test func aDamagedFileIsRefused() throws {
        let disk = MemoryDisk()
        disk.makeDirectory("/d")
        try Checkpoint.write(
            .users, payload: [UInt8](repeating: 0, count: 35), to: "users.checkpoint",
            in: "/d", disk: disk)
        let error = #expect(throws: LogStorageError.self) {
            try UserTable([], directory: "/d", disk: disk)
        }
        #expect(error?.code == .damaged)
    }
}
