// AES in CBC mode by OpenSSL, decrypting only: for the scoped keys of Keen's clients.

internal import Base
internal import COpenSSL

/// Bytes of a block of AES, and of an initial vector.
package let aesBlockBytes = 16

/// The plain text of whole blocks, whatever padding it ends with left in place. `key` has 16 bytes
/// (AES-128) or 32 (AES-256), `vector` has a block's. Nothing here says whether the key was right.
package func decryptAES(_ ciphertext: [UInt8], key: [UInt8], vector: [UInt8]) -> [UInt8] {
    precondition(key.count == 16 || key.count == 32, "a key of AES-128 or AES-256")
    precondition(vector.count == aesBlockBytes, "an initial vector has a block's size")
    precondition(ciphertext.count.isMultiple(of: aesBlockBytes), "whole blocks")
    let context = CipherContext()
    return context.decrypt(ciphertext, key: key, vector: vector)
}

/// The owner of one of OpenSSL's contexts, used once.
@safe private struct CipherContext: ~Copyable {
    private let raw: OpaquePointer

    init() {
        guard let raw = unsafe EVP_CIPHER_CTX_new() else {
            fatal(.system, "openssl has no memory for a cipher")
        }
        unsafe self.raw = raw
    }

    deinit { unsafe EVP_CIPHER_CTX_free(raw) }

    borrowing func decrypt(_ ciphertext: [UInt8], key: [UInt8], vector: [UInt8]) -> [UInt8] {
        let cipher = unsafe key.count == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc()
        // OpenSSL may write up to a block more than it reads.
        var plain = [UInt8](repeating: 0, count: ciphertext.count + aesBlockBytes)
        var written: Int32 = 0
        var rest: Int32 = 0
        let isDone = unsafe plain.withUnsafeMutableBufferPointer { plain in
            // Reads key and vector in the sizes that the cipher has, checked by the caller, and
            // copies them; without padding the end adds nothing.
            unsafe EVP_DecryptInit_ex(raw, cipher, nil, key, vector) == 1
                && EVP_CIPHER_CTX_set_padding(raw, 0) == 1
                && EVP_DecryptUpdate(
                    raw, plain.baseAddress, &written, ciphertext, Int32(ciphertext.count)) == 1
                && EVP_DecryptFinal_ex(
                    raw, plain.baseAddress.map { unsafe $0 + Int(written) }, &rest) == 1
        }
        guard isDone, Int(written) + Int(rest) == ciphertext.count else {
            fatal(.system, "openssl decrypted nothing")
        }
        plain.removeLast(plain.count - ciphertext.count)
        return plain
    }
}
