// SHA-2, HMAC and PBKDF2 by OpenSSL.
//
// The one-shot functions used here keep no state between calls and may run on any thread.

internal import Base
internal import COpenSSL

/// Bytes of a SHA-256 digest.
package let sha256Bytes = 32

/// One of the SHA-2 functions, for code that works with either.
package enum HashFunction: Sendable, CaseIterable {
    case sha256
    case sha512

    /// Bytes of a digest.
    package var byteCount: Int {
        switch self {
        case .sha256: sha256Bytes
        case .sha512: 64
        }
    }

    /// OpenSSL's constant, which lives as long as the process.
    private var raw: OpaquePointer {
        let found =
            switch self {
            case .sha256: unsafe EVP_sha256()
            case .sha512: unsafe EVP_sha512()
            }
        guard let found = unsafe found else { fatal(.system, "openssl has no sha-2") }
        return unsafe found
    }

    /// The digest of `bytes`.
    package func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var written: UInt32 = 0
        // Reads `count` bytes of the input and writes the bytes that `digest` has.
        let isDone = unsafe digest.withUnsafeMutableBufferPointer { digest in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe EVP_Digest(
                    bytes.baseAddress, bytes.count, digest.baseAddress, &written, raw, nil)
            }
        }
        // Fails only without memory, or where the library was built without the function.
        guard isDone == 1, written == byteCount else { fatal(.system, "openssl computed no hash") }
        return digest
    }

    /// The HMAC of `message` under `key`; a key of any length, also none.
    package func hmac(key: [UInt8], message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var written: UInt32 = 0
        // One extra byte, so that an empty key has an address: to OpenSSL null is no key at all.
        let storage = key + [0]
        // Reads `key.count` and `message.count` bytes and writes the bytes that `digest` has.
        let result = unsafe digest.withUnsafeMutableBufferPointer { digest in
            unsafe storage.withUnsafeBytes { key in
                unsafe message.withUnsafeBufferPointer { message in
                    unsafe HMAC(
                        raw, key.baseAddress, Int32(key.count - 1), message.baseAddress,
                        message.count, digest.baseAddress, &written)
                }
            }
        }
        guard unsafe result != nil, written == byteCount else {
            fatal(.system, "openssl computed no hmac")
        }
        return digest
    }

    /// PBKDF2 with this function's HMAC: as many bytes as a digest has. Slow on purpose: about a
    /// millisecond for a thousand iterations or two.
    package func stretch(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        precondition(iterations > 0 && iterations <= Int(Int32.max), "a count of iterations")
        var key = [UInt8](repeating: 0, count: byteCount)
        // One extra byte, so that an empty password has an address.
        let storage = password.map { CChar(bitPattern: $0) } + [0]
        // Reads password and salt in their lengths and writes the bytes that `key` has.
        let isDone = unsafe key.withUnsafeMutableBufferPointer { key in
            unsafe storage.withUnsafeBufferPointer { password in
                unsafe salt.withUnsafeBufferPointer { salt in
                    unsafe PKCS5_PBKDF2_HMAC(
                        password.baseAddress, Int32(password.count - 1), salt.baseAddress,
                        Int32(salt.count), Int32(iterations), raw, Int32(key.count),
                        key.baseAddress)
                }
            }
        }
        guard isDone == 1 else { fatal(.system, "openssl computed no pbkdf2") }
        return key
    }
}

/// The SHA-256 digest of `bytes`.
package func sha256(_ bytes: [UInt8]) -> [UInt8] { HashFunction.sha256.digest(bytes) }

/// The HMAC-SHA256 of `message` under `key`; a key of any length, also none.
package func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
    HashFunction.sha256.hmac(key: key, message: message)
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
