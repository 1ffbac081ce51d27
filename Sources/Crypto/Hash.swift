// SHA-256 and HMAC-SHA256 by OpenSSL.
//
// The one-shot functions used here keep no state between calls and may run on any thread.

internal import Base
internal import COpenSSL

/// Bytes of a SHA-256 digest.
package let sha256Bytes = 32

/// The SHA-256 digest of `bytes`.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: sha256Bytes)
    var written: UInt32 = 0
    // Reads `count` bytes of the input and writes the 32 bytes that `digest` has.
    let isDone = unsafe digest.withUnsafeMutableBufferPointer { digest in
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe EVP_Digest(
                bytes.baseAddress, bytes.count, digest.baseAddress, &written, EVP_sha256(), nil)
        }
    }
    // Fails only without memory, or where the library was built without SHA-256.
    guard isDone == 1, written == sha256Bytes else { fatal(.system, "openssl computed no sha-256") }
    return digest
}

/// The HMAC-SHA256 of `message` under `key`; a key of any length, also none.
package func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: sha256Bytes)
    var written: UInt32 = 0
    // One extra byte, so that an empty key has an address: to OpenSSL null is no key at all.
    let storage = key + [0]
    // Reads `key.count` and `message.count` bytes and writes the 32 bytes that `digest` has.
    let result = unsafe digest.withUnsafeMutableBufferPointer { digest in
        unsafe storage.withUnsafeBytes { key in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe HMAC(
                    EVP_sha256(), key.baseAddress, Int32(key.count - 1), message.baseAddress,
                    message.count, digest.baseAddress, &written)
            }
        }
    }
    guard unsafe result != nil, written == sha256Bytes else {
        fatal(.system, "openssl computed no hmac-sha256")
    }
    return digest
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    guard !left.isEmpty else { return true }
    // Reads `count` bytes of both.
    return unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}
