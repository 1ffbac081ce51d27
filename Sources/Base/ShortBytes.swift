// Hashing and comparing short byte strings, names and values of events: inlined where they are
// used, because a call costs more than the work.

extension UnsafeRawBufferPointer {
    /// A hash of 32 bits, by folded multiplication of eight bytes at a time.
    @inlinable @inline(__always)
    package func shortHash(seed: UInt64) -> UInt64 {
        let factor = 0x9E37_79B9_7F4A_7C15 ^ (seed << 1)
        var state = seed ^ UInt64(truncatingIfNeeded: count)
        var rest: UInt64 = 0
        // Every load below stays within `count` bytes.
        if count >= 8 {
            var offset = 0
            while offset + 8 < count {
                let product = unsafe (state ^ word(at: offset)).multipliedFullWidth(by: factor)
                state = product.high ^ product.low
                offset += 8
            }
            // The last eight bytes, some of which may have been seen.
            rest = unsafe word(at: count - 8)
        } else if count >= 4 {
            rest = unsafe UInt64(half(at: count - 4)) << 32 | UInt64(half(at: 0))
        } else {
            for index in 0..<count { rest = unsafe rest << 8 | UInt64(self[index]) }
        }
        let product = (state ^ rest).multipliedFullWidth(by: factor)
        state = product.high ^ product.low
        return (state ^ state >> 32) & 0xFFFF_FFFF
    }

    /// Whether both hold the same bytes.
    @inlinable @inline(__always)
    package func hasSameBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            if count >= 4 {
                return unsafe half(at: 0) == other.half(at: 0)
                    && half(at: count - 4) == other.half(at: count - 4)
            }
            for index in 0..<count where unsafe self[index] != other[index] {
                return false
            }
            return true
        }
        var offset = 0
        while offset + 8 < count {
            if unsafe word(at: offset) != other.word(at: offset) { return false }
            offset += 8
        }
        return unsafe word(at: count - 8) == other.word(at: count - 8)
    }

    @inlinable @inline(__always)
    func word(at offset: Int) -> UInt64 {
        unsafe loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inlinable @inline(__always)
    func half(at offset: Int) -> UInt32 {
        unsafe loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
}
