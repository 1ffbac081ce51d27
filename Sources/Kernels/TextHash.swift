// A hash of byte strings: folded 128-bit products of sixteen bytes a step. Both factors of every
// product hide behind a key, so whoever does not know the keys cannot choose strings that collide.

/// Hashes byte strings with two keys.
package struct TextHash: Sendable {
    private let first: UInt64
    private let second: UInt64

    private init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    /// Keys that differ from process to process, for tables.
    package static let ofProcess: TextHash = {
        // Swift seeds its hashing once a process.
        var hasher = Hasher()
        let first = hasher.finalize()
        hasher = Hasher()
        hasher.combine(first)
        return TextHash(
            UInt64(bitPattern: Int64(first)), UInt64(bitPattern: Int64(hasher.finalize())))
    }()

    /// Keys that never change: the order of texts in the states of distinct values.
    package static let fixed = TextHash(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344)

    @inline(__always)
    package func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        guard let base = bytes.baseAddress, count > 0 else { return finish(first, second, 0) }
        if count < 4 {
            let ends =
                UInt64(base.load(as: UInt8.self)) << 16
                | UInt64(base.load(fromByteOffset: count >> 1, as: UInt8.self)) << 8
                | UInt64(base.load(fromByteOffset: count - 1, as: UInt8.self))
            return finish(ends ^ first, second, count)
        }
        if count <= 8 {
            return finish(
                Self.half(base, 0) ^ first, Self.half(base, count - 4) ^ second, count)
        }
        var state = second
        var offset = 0
        while count - offset > 16 {
            state = Self.fold(
                Self.word(base, offset) ^ first, Self.word(base, offset + 8) ^ state)
            offset += 16
        }
        // The last bytes may have been seen already; at most 16 are left.
        let start = count - offset <= 8 ? count - 8 : offset
        return finish(Self.word(base, start) ^ first, Self.word(base, count - 8) ^ state, count)
    }

    @inline(__always) private func finish(_ left: UInt64, _ right: UInt64, _ count: Int) -> UInt64 {
        Self.fold(
            Self.fold(left, right) ^ first,
            UInt64(truncatingIfNeeded: count) ^ 0x9E37_79B9_7F4A_7C15)
    }

    @inline(__always) private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always) private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always) private static func half(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        UInt64(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
