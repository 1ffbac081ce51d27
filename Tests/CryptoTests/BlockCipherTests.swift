import Base
import Testing

@testable import Crypto

/// NIST SP 800-38A, F.2: the examples of AES in CBC mode.
@Suite struct BlockCipherTests {
    @Test(arguments: [
        (
            "2b7e151628aed2a6abf7158809cf4f3c",
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                + "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
        ),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
                + "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
        ),
    ])
    func decrypts(key: String, ciphertext: String) throws {
        let plain = decryptAES(
            try #require(bytes(hexadecimal: ciphertext.utf8)),
            key: try #require(bytes(hexadecimal: key.utf8)), vector: Array(0..<16))
        #expect(
            hexadecimal(plain)
                == "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
    }

    @Test func nothingIsNothing() {
        #expect(
            decryptAES([], key: .init(repeating: 1, count: 32), vector: Array(0..<16)).isEmpty)
    }
}
