// Gives equal byte strings equal numbers: the dictionary of a column and the paths of a builder.
// Open addressing over one pool of bytes; the hash is seeded per process, so that chosen input
// cannot make the table slow.

internal import Glibc

/// Distinct byte strings, numbered in order of first appearance.
struct ByteInterner: Sendable {
    private(set) var pool: [UInt8] = []
    /// Where each string begins in `pool`; one more than there are strings.
    private(set) var offsets: [UInt32] = [0]
    private var hashes: [UInt32] = []
    /// Code + 1 by hash; 0 is free. A power of two, at most half full.
    private var slots: [UInt32] = []

    // `Hasher` is seeded at random by the standard library once a process.
    private static let seed = UInt64(truncatingIfNeeded: Hasher().finalize())

    var count: Int { hashes.count }
    var byteCount: Int { pool.count }

    func range(of code: Int) -> Range<Int> { Int(offsets[code])..<Int(offsets[code + 1]) }
    subscript(code: Int) -> ArraySlice<UInt8> { pool[range(of: code)] }

    /// The number of `bytes`, new or known.
    mutating func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        if slots.count < (count + 1) * 2 { grow() }
        let hash = Self.hash(bytes)
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let code = slots[slot] - 1
            if hashes[Int(code)] == hash, equals(Int(code), bytes) { return code }
            slot = (slot + 1) & (slots.count - 1)
        }
        let code = UInt32(count)
        slots[slot] = code + 1
        hashes.append(hash)
        pool.append(contentsOf: bytes)
        offsets.append(UInt32(pool.count))
        return code
    }

    /// Whether the string numbered `code` has these bytes.
    func equals(_ code: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let begin = Int(offsets[code])
        guard Int(offsets[code + 1]) - begin == bytes.count else { return false }
        guard let other = bytes.baseAddress else { return true }
        // `offsets` only ever name parts of the pool.
        return pool.withUnsafeBytes { pool in
            guard let base = pool.baseAddress else { return bytes.isEmpty }
            return memcmp(base + begin, other, bytes.count) == 0
        }
    }

    private mutating func grow() {
        let size = max(8, slots.count * 2)
        slots = [UInt32](repeating: 0, count: size)
        for (code, hash) in hashes.enumerated() {
            var slot = Int(hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt32(code + 1)
        }
    }

    /// Folded 64x64-bit multiplication over eight bytes at a time.
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let raw = UnsafeRawBufferPointer(bytes)
        var state = seed ^ UInt64(truncatingIfNeeded: raw.count)
        var offset = 0
        while offset + 8 <= raw.count {
            state = fold(state ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < raw.count {
            rest = rest << 8 | UInt64(raw[offset])
            offset += 1
        }
        state = fold(state ^ rest)
        return UInt32(truncatingIfNeeded: state ^ (state >> 32))
    }

    private static func fold(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ (seed | 1))
        return product.high ^ product.low
    }
}
