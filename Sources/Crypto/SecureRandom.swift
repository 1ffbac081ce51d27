// Random bytes that nobody can guess: nonces and keys. PRNG in Base is for everything else.

internal import Base
internal import COpenSSL

/// `count` random bytes of cryptographic quality.
package func secureRandomBytes(_ count: Int) -> [UInt8] {
    precondition(count >= 0 && count <= Int(Int32.max), "a count of random bytes")
    var bytes = [UInt8](repeating: 0, count: count)
    guard count > 0 else { return bytes }
    // Writes exactly `count` bytes.
    let isDone = unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe RAND_bytes($0.baseAddress, Int32(count))
    }
    // Going on with guessable bytes would be worse than ending.
    guard isDone == 1 else { fatal(.system, "the system gave no random bytes") }
    return bytes
}
