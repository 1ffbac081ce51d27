// Gives equal byte strings equal numbers: the dictionary of a column and the paths of a builder.
// Open addressing over one pool of bytes; the hash is seeded per process, so that chosen input
// cannot make the table slow.

internal import Base

/// Distinct byte strings, numbered in order of first appearance.
struct ByteInterner: Sendable {
    /// All strings, one after the other.
    private(set) var pool: [UInt8] = []
    /// Where each string ends in `pool`; the next one begins there.
    private(set) var ends: [UInt32] = []
    private var hashes: [UInt32] = []
    /// By hash: code + 1, and above it eight bits of the hash, which spare most comparisons; 0 is
    /// free. A power of two, at most half full.
    private var slots: [UInt32] = []
    private let seed = processSeed

    // `Hasher` is seeded at random by the standard library once a process.
    private static let processSeed = UInt64(truncatingIfNeeded: Hasher().finalize())

    var count: Int { ends.count }
    var byteCount: Int { pool.count }

    func range(of code: Int) -> Range<Int> {
        (code == 0 ? 0 : Int(ends[code - 1]))..<Int(ends[code])
    }
    subscript(code: Int) -> ArraySlice<UInt8> { pool[range(of: code)] }

    /// The number of `bytes`, new or known.
    mutating func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        if slots.count < (count + 1) * 2 { grow() }
        let raw = UnsafeRawBufferPointer(bytes)
        let hash = UInt32(truncatingIfNeeded: raw.shortHash(seed: seed))
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 { break }
            if (entry ^ hash) >> 24 == 0 {
                let code = (entry & Self.codeMask) - 1
                if equals(Int(code), bytes) { return code }
            }
            slot = (slot + 1) & mask
        }
        let code = UInt32(count)
        precondition(code < Self.codeMask, "a dictionary of 16 million texts")
        slots[slot] = Self.entry(code, hash)
        hashes.append(hash)
        pool.append(contentsOf: raw)
        ends.append(UInt32(pool.count))
        return code
    }

    private static let codeMask: UInt32 = 0xFF_FFFF

    private static func entry(_ code: UInt32, _ hash: UInt32) -> UInt32 {
        hash & ~codeMask | (code + 1)
    }

    /// Whether the string numbered `code` has these bytes.
    func equals(_ code: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let range = range(of: code)
        guard range.count == bytes.count else { return false }
        // `ends` only ever name parts of the pool.
        return pool.withUnsafeBytes {
            UnsafeRawBufferPointer(rebasing: $0[range]).hasSameBytes(UnsafeRawBufferPointer(bytes))
        }
    }

    private mutating func grow() {
        let size = max(8, slots.count * 2)
        slots = [UInt32](repeating: 0, count: size)
        for (code, hash) in hashes.enumerated() {
            var slot = Int(hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Self.entry(UInt32(code), hash)
        }
    }
}
