// Packs unsigned numbers of a fixed bit width: what column chunks and dictionary codes are made of.
//
// Layout. A plane holds `count` numbers of `width` (1 to 32) bits. Each full group of 256 numbers
// is
// vertical: number i of the group lives in lane i % 8, and each lane is a bit stream, lowest bits
// first, of 32-bit little-endian words; word k of all eight lanes lies together, so a group takes
// `width` times 32 bytes and unpacks eight numbers an instruction. The last count % 256 numbers are
// one horizontal bit stream, lowest bits first, padded to a whole byte. Width 0 takes no bytes.
// Widths 33 to 64 are two planes: all the low 32 bits, then all the high bits.
//
// Callers check lengths first (`byteCount`): this target is built without checks in release.

/// Bit packing by plane, see the file's head for the bytes.
package enum BitPacking {
    /// Numbers of one vertical group.
    static let groupCount = 256
    typealias Lanes = SIMD8<UInt32>

    /// Bits needed for `value`, 0 for 0.
    package static func width(of value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

    /// Bytes of `count` numbers of `width` bits.
    package static func byteCount(count: Int, width: Int) -> Int {
        if width <= 32 { return planeByteCount(count: count, width: width) }
        return planeByteCount(count: count, width: 32)
            + planeByteCount(count: count, width: width - 32)
    }

    private static func planeByteCount(count: Int, width: Int) -> Int {
        let groups = count / groupCount
        return groups * width * 32 + ((count - groups * groupCount) * width + 7) / 8
    }

    // MARK: 32-bit numbers

    /// Packs numbers below 2^width, width at most 32. `target` has `byteCount` bytes.
    package static func pack(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int,
        into target: UnsafeMutableRawPointer
    ) {
        guard width > 0 else { return }
        var done = 0
        var position = target
        while count - done >= groupCount {
            packGroup(values + done, width: width, into: position)
            done += groupCount
            position += width * 32
        }
        packStream(values + done, count: count - done, width: width, into: position)
    }

    /// Unpacks `count` numbers. `source` has `byteCount` bytes.
    package static func unpack(
        _ source: UnsafeRawPointer, count: Int, width: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) {
        guard width > 0 else {
            target.update(repeating: 0, count: count)
            return
        }
        var done = 0
        var position = source
        while count - done >= groupCount {
            unpackGroup(position, width: width, into: target + done)
            done += groupCount
            position += width * 32
        }
        unpackStream(position, count: count - done, width: width, into: target + done)
    }

    private static func packGroup(
        _ values: UnsafePointer<UInt32>, width: Int, into target: UnsafeMutableRawPointer
    ) {
        let source = UnsafeRawPointer(values)
        let bits = UInt32(truncatingIfNeeded: width)
        var word = Lanes(repeating: 0)
        var used: UInt32 = 0
        var position = target
        for step in 0..<32 {
            let value = source.loadUnaligned(fromByteOffset: step * 32, as: Lanes.self)
            word |= value &<< Lanes(repeating: used)
            used += bits
            guard used >= 32 else { continue }
            position.storeBytes(of: word, as: Lanes.self)
            position += 32
            used -= 32
            // A shift by 32 would be masked to a shift by 0.
            word =
                used == 0 ? Lanes(repeating: 0) : value &>> Lanes(repeating: bits - used)
        }
    }

    private static func unpackGroup(
        _ source: UnsafeRawPointer, width: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        let output = UnsafeMutableRawPointer(target)
        let bits = UInt32(truncatingIfNeeded: width)
        let mask = Lanes(repeating: width == 32 ? .max : (1 << bits) - 1)
        var position = source
        var word = position.loadUnaligned(as: Lanes.self)
        var used: UInt32 = 0
        for step in 0..<32 {
            var value = word &>> Lanes(repeating: used)
            used += bits
            if used >= 32 {
                used -= 32
                position += 32
                if step < 31 { word = position.loadUnaligned(as: Lanes.self) }
                if used > 0 { value |= word &<< Lanes(repeating: bits - used) }
            }
            output.storeBytes(of: value & mask, toByteOffset: step * 32, as: Lanes.self)
        }
    }

    private static func packStream(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int,
        into target: UnsafeMutableRawPointer
    ) {
        var pending: UInt64 = 0
        var bits = 0
        var position = 0
        for index in 0..<count {
            pending |= UInt64(values[index]) << UInt64(bits)
            bits += width
            while bits >= 8 {
                target.storeBytes(
                    of: UInt8(truncatingIfNeeded: pending), toByteOffset: position, as: UInt8.self)
                position += 1
                pending >>= 8
                bits -= 8
            }
        }
        if bits > 0 {
            target.storeBytes(
                of: UInt8(truncatingIfNeeded: pending), toByteOffset: position, as: UInt8.self)
        }
    }

    private static func unpackStream(
        _ source: UnsafeRawPointer, count: Int, width: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) {
        let mask: UInt64 = (1 << UInt64(width)) - 1
        var pending: UInt64 = 0
        var bits = 0
        var position = 0
        for index in 0..<count {
            while bits < width {
                let byte = source.load(fromByteOffset: position, as: UInt8.self)
                pending |= UInt64(byte) << UInt64(bits)
                position += 1
                bits += 8
            }
            target[index] = UInt32(truncatingIfNeeded: pending & mask)
            pending >>= UInt64(width)
            bits -= width
        }
    }

    // MARK: 64-bit numbers above a base

    /// Packs `values[i] - base`, each of which is below 2^width, width at most 64.
    package static func pack(
        _ values: UnsafePointer<Int64>, count: Int, base: Int64, width: Int,
        into target: UnsafeMutableRawPointer
    ) {
        guard width > 0, count > 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { plane in
            guard let low = plane.baseAddress else { return }
            for index in 0..<count {
                low[index] = UInt32(truncatingIfNeeded: values[index] &- base)
            }
            pack(low, count: count, width: min(width, 32), into: target)
            guard width > 32 else { return }
            for index in 0..<count {
                let above = UInt64(bitPattern: values[index] &- base)
                low[index] = UInt32(truncatingIfNeeded: above >> 32)
            }
            let high = target + planeByteCount(count: count, width: 32)
            pack(low, count: count, width: width - 32, into: high)
        }
    }

    /// Unpacks `count` numbers and adds `base` to each, wrapping.
    package static func unpack(
        _ source: UnsafeRawPointer, count: Int, base: Int64, width: Int,
        into target: UnsafeMutablePointer<Int64>
    ) {
        guard width > 0 else {
            target.update(repeating: base, count: count)
            return
        }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: groupCount) { scratch in
            guard let plane = scratch.baseAddress else { return }
            let lowWidth = min(width, 32)
            var position = source
            forEachGroup(count) { first, size in
                unpack(position, count: size, width: lowWidth, into: plane)
                for index in 0..<size { target[first + index] = base &+ Int64(plane[index]) }
                position += lowWidth * 32
            }
            guard width > 32 else { return }
            position = source + planeByteCount(count: count, width: 32)
            forEachGroup(count) { first, size in
                unpack(position, count: size, width: width - 32, into: plane)
                for index in 0..<size { target[first + index] &+= Int64(plane[index]) << 32 }
                position += (width - 32) * 32
            }
        }
    }

    @inline(__always)
    private static func forEachGroup(_ count: Int, _ body: (_ first: Int, _ size: Int) -> Void) {
        var first = 0
        while first < count {
            let size = min(groupCount, count - first)
            body(first, size)
            first += size
        }
    }
}
