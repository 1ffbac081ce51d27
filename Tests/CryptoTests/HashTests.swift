import Base
import Testing

@testable import Crypto

/// The hashes agree with published vectors; equality and randomness do what they say.
@Suite struct HashTests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256Vectors(text: String, digest: String) {
        #expect(hexadecimal(sha256(Array(text.utf8))) == digest)
    }

    struct Vector: Sendable {
        var key: [UInt8]
        var message: [UInt8]
        var digest: String
    }

    /// RFC 4231, test cases 1 to 4, 6 and 7 (5 is about truncation).
    static let vectors = [
        Vector(
            key: .init(repeating: 0x0B, count: 20), message: Array("Hi There".utf8),
            digest: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Vector(
            key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            digest: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Vector(
            key: .init(repeating: 0xAA, count: 20), message: .init(repeating: 0xDD, count: 50),
            digest: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        Vector(
            key: Array(1...25), message: .init(repeating: 0xCD, count: 50),
            digest: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        Vector(
            key: .init(repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            digest: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Vector(
            key: .init(repeating: 0xAA, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size "
                    + "data. The key needs to be hashed before being used by the HMAC algorithm.")
                    .utf8),
            digest: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test(arguments: vectors.indices)
    func hmacVectors(index: Int) {
        let vector = Self.vectors[index]
        #expect(hexadecimal(hmacSHA256(key: vector.key, message: vector.message)) == vector.digest)
    }

    /// The HMAC of nothing under nothing, as other implementations give it.
    @Test func emptyKeyAndMessage() {
        #expect(
            hexadecimal(hmacSHA256(key: [], message: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func equality() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
    }

    @Test func randomBytesDiffer() {
        #expect(secureRandomBytes(0).isEmpty)
        #expect(secureRandomBytes(32).count == 32)
        #expect(secureRandomBytes(32) != secureRandomBytes(32))
    }

    @Test func secretsAreTrimmedCheckedAndNeverPrinted() throws {
        let text = "0123456789abcdef"
        let secret = try ClusterSecret(" \(text)\r\n")
        #expect(secret.authenticate([1]) == hmacSHA256(key: Array(text.utf8), message: [1]))
        var dumped = ""
        dump(secret, to: &dumped)
        for output in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!output.contains("0123") && !output.contains("48"))
        }
        #expect(throws: InvalidSecret.self) { try ClusterSecret("  short  ") }
    }
}
