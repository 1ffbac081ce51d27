// Comparing and copying short texts, many of them: eight bytes a step, the last step over bytes
// that the one before it may have had already, so that no text costs a call or a loop over bytes.
// Nothing outside a text is read or written.

/// Loops over the bytes of texts.
enum TextLoops {
    /// Whether two texts of `count` bytes are the same.
    @inline(__always)
    static func areEqual(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int
    ) -> Bool {
        if count >= 8 {
            var offset = 0
            while count - offset > 8 {
                guard word(left, offset) == word(right, offset) else { return false }
                offset += 8
            }
            return word(left, count - 8) == word(right, count - 8)
        }
        if count >= 4 {
            return half(left, 0) == half(right, 0)
                && half(left, count - 4) == half(right, count - 4)
        }
        for offset in 0..<count where byte(left, offset) != byte(right, offset) { return false }
        return true
    }

    /// Copies a text of `count` bytes; the two do not overlap.
    @inline(__always)
    static func copy(
        _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
    ) {
        if count > 64 {
            target.copyMemory(from: source, byteCount: count)
        } else if count >= 8 {
            var offset = 0
            while count - offset > 8 {
                target.storeBytes(of: word(source, offset), toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            target.storeBytes(
                of: word(source, count - 8), toByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            let (first, last) = (half(source, 0), half(source, count - 4))
            target.storeBytes(of: first, as: UInt32.self)
            target.storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
        } else {
            for offset in 0..<count {
                target.storeBytes(of: byte(source, offset), toByteOffset: offset, as: UInt8.self)
            }
        }
    }

    /// Makes loads whose outcome nobody wants happen: the memory behind them is near afterwards.
    /// Give it their sum; the compiler cannot know that sums of bytes never get there.
    @inline(__always)
    static func haveLoaded(_ sum: UInt64) {
        guard sum != .max else { preconditionFailure("a sum of few numbers") }
    }

    /// Negative, zero or positive, byte by byte; a prefix comes first.
    static func order(
        _ left: UnsafeRawPointer, _ leftCount: Int, _ right: UnsafeRawPointer, _ rightCount: Int
    ) -> Int {
        let count = min(leftCount, rightCount)
        var offset = 0
        while count - offset >= 8, word(left, offset) == word(right, offset) { offset += 8 }
        while offset < count {
            let (a, b) = (byte(left, offset), byte(right, offset))
            if a != b { return a < b ? -1 : 1 }
            offset += 1
        }
        return leftCount - rightCount
    }

    @inline(__always) private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inline(__always) private static func half(_ base: UnsafeRawPointer, _ offset: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }

    @inline(__always) private static func byte(_ base: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }
}
