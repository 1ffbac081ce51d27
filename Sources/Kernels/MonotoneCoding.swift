// Ascending integers in nearly the fewest bytes that any code can give them, dense or sparse
// (P. Elias 1974, R. Fano 1971). Each is taken as its distance from the first; with n of them over
// a span s, the lowest w bits, w = ⌊log2(s / n)⌋, stand one after the other, lowest bit first, and
// the rest is a row of bits: bit (distance >> w) + i is set for number i. That row has
// n + (s >> w) + 1 bits, so a number takes about w + 2.

/// Codes ascending integers whose count, first and span are known from elsewhere.
package enum MonotoneCoding {
    /// Bits of each number that are stored as they are.
    private static func lowWidth(count: Int, span: UInt64) -> Int {
        let step = span / UInt64(count)
        return step == 0 ? 0 : 63 - step.leadingZeroBitCount
    }

    private static func byteCounts(count: Int, span: UInt64) -> (low: Int, high: Int, width: Int) {
        let width = lowWidth(count: count, span: span)
        // The span shifted is below twice the count.
        let bits = count + Int(truncatingIfNeeded: span >> UInt64(width)) + 1
        return ((count * width + 7) / 8, (bits + 7) / 8, width)
    }

    /// Bytes of `count` numbers, at least one, the last of which is `span` above the first.
    package static func byteCount(count: Int, span: UInt64) -> Int {
        let (low, high, _) = byteCounts(count: count, span: span)
        return low + high
    }

    /// The bytes of numbers that ascend strictly; at least one.
    package static func encode(_ values: [Int64]) -> [UInt8] {
        guard let first = values.first, let last = values.last else { return [] }
        let span = UInt64(bitPattern: last &- first)
        let (low, high, width) = byteCounts(count: values.count, span: span)
        // Eight more, so that whole words may be written at the end.
        var bytes = [UInt8](repeating: 0, count: low + high + 8)
        bytes.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let mask = width == 0 ? 0 : UInt64.max >> UInt64(64 - width)
            var bit = 0
            for (index, value) in values.enumerated() {
                let distance = UInt64(bitPattern: value &- first)
                if width > 0 { add(distance & mask, at: bit, to: base) }
                bit += width
                let place = Int(truncatingIfNeeded: distance >> UInt64(width)) + index
                let byte = low + place >> 3
                base.storeBytes(
                    of: base.load(fromByteOffset: byte, as: UInt8.self) | 1 << UInt8(place & 7),
                    toByteOffset: byte, as: UInt8.self)
            }
        }
        bytes.removeLast(8)
        return bytes
    }

    /// Sets the bits of `value` from a bit on; at most nine bytes change.
    @inline(__always)
    private static func add(_ value: UInt64, at bit: Int, to base: UnsafeMutableRawPointer) {
        let byte = bit >> 3
        let shift = UInt64(bit & 7)
        let word = base.loadUnaligned(fromByteOffset: byte, as: UInt64.self)
        base.storeBytes(
            of: word | (value << shift).littleEndian, toByteOffset: byte, as: UInt64.self)
        guard shift > 0, value >> (64 - shift) != 0 else { return }
        let rest = base.load(fromByteOffset: byte + 8, as: UInt8.self)
        base.storeBytes(
            of: rest | UInt8(truncatingIfNeeded: value >> (64 - shift)), toByteOffset: byte + 8,
            as: UInt8.self)
    }

    /// The numbers, or nil if the bytes, `byteCount` of them, are not those of numbers that ascend
    /// strictly. `first + span` must not leave 64 bits.
    package static func decode(
        _ bytes: ArraySlice<UInt8>, count: Int, first: Int64, span: UInt64
    ) -> [Int64]? {
        let (low, high, width) = byteCounts(count: count, span: span)
        guard count > 0, bytes.count == low + high else { return nil }
        // What fills up the last byte is 0, so that equal numbers have equal bytes. In the other
        // row every bit is a number.
        let used = count * width & 7
        guard used == 0 || bytes[bytes.startIndex + low - 1] >> UInt8(used) == 0 else { return nil }
        // Padded, so that whole words may be read at the end.
        let padded = Array(bytes) + [UInt8](repeating: 0, count: 16)
        var isValid = true
        let values = [Int64](unsafeUninitializedCapacity: count) { target, filled in
            var found = 0
            padded.withUnsafeBytes { padded in
                guard let base = padded.baseAddress else { return }
                let mask = width == 0 ? 0 : UInt64.max >> UInt64(64 - width)
                for offset in stride(from: 0, to: high, by: 8) {
                    var word = UInt64(
                        littleEndian: base.loadUnaligned(
                            fromByteOffset: low + offset, as: UInt64.self))
                    while word != 0, found < count {
                        let place = offset * 8 + word.trailingZeroBitCount
                        word &= word &- 1
                        let upper = UInt64(truncatingIfNeeded: place - found) << UInt64(width)
                        let distance = upper | bits(found * width, of: base) & mask
                        target[found] = first &+ Int64(bitPattern: distance)
                        found += 1
                    }
                    if word != 0 { isValid = false }
                }
            }
            filled = found
        }
        guard isValid, values.count == count, values.first == first,
            values.last == first &+ Int64(bitPattern: span), SortedLoops.ascends(values)
        else { return nil }
        return values
    }

    /// 64 bits from a bit on.
    @inline(__always)
    private static func bits(_ bit: Int, of base: UnsafeRawPointer) -> UInt64 {
        let byte = bit >> 3
        let shift = UInt64(bit & 7)
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
        let rest = UInt64(base.load(fromByteOffset: byte + 8, as: UInt8.self))
        return word >> shift | (shift == 0 ? 0 : rest << (64 - shift))
    }
}
