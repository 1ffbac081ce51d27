// Numbers distinct byte strings in the order of their first appearance, and keeps them: what turns
// the dictionaries of blocks, each with its own codes, into codes of the whole scan. The hash is
// Swift's own (SipHash, seeded per process), since customers choose the strings.

/// Numbers distinct byte strings from 0.
package struct BytesTable: Sendable {
    /// All strings, one after the other.
    private var arena: [UInt8] = []
    /// Where each string begins in the arena, and where the last one ends.
    private var offsets = [0]
    /// The hash in the upper half, number plus one in the lower; 0 for an empty slot. A power of
    /// two of them.
    private var slots = [UInt64](repeating: 0, count: 32)

    package init() {}

    package var count: Int { offsets.count - 1 }
    /// Bytes of all strings together.
    package var byteCount: Int { arena.count }

    /// The string's number; a new string gets the next.
    package mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        if 2 * (count + 1) > slots.count { grow() }
        return slots.withUnsafeMutableBufferPointer {
            Self.number(of: bytes, in: $0, arena: &arena, offsets: &offsets)
        }
    }

    /// The numbers of texts `codes` of a dictionary: text c lies at `offsets[c]..<offsets[c + 1]`.
    package mutating func numbers(
        of codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>, into target: UnsafeMutablePointer<UInt32>
    ) {
        var done = 0
        while done < count {
            // In steps, so that the table grows with the distinct texts.
            let step = min(count - done, 4096)
            while 2 * (self.count + step) > slots.count { grow() }
            slots.withUnsafeMutableBufferPointer { slots in
                for index in done..<done + step {
                    let start = Int(starts[Int(codes[index])])
                    let end = Int(starts[Int(codes[index]) + 1])
                    target[index] = Self.number(
                        of: UnsafeRawBufferPointer(start: texts + start, count: end - start),
                        in: slots, arena: &arena, offsets: &offsets)
                }
            }
            done += step
        }
    }

    @inline(__always)
    private static func number(
        of bytes: UnsafeRawBufferPointer, in slots: UnsafeMutableBufferPointer<UInt64>,
        arena: inout [UInt8], offsets: inout [Int]
    ) -> UInt32 {
        let hash = hash(bytes)
        let slot = arena.withUnsafeBytes { arena in
            offsets.withUnsafeBufferPointer {
                Self.slot(
                    of: bytes, hash: hash, in: UnsafeBufferPointer(slots), arena: arena, offsets: $0
                )
            }
        }
        if slots[slot] != 0 { return UInt32(truncatingIfNeeded: slots[slot]) - 1 }
        arena.append(contentsOf: bytes)
        offsets.append(arena.count)
        slots[slot] = hash << 32 | UInt64(offsets.count - 1)
        return UInt32(truncatingIfNeeded: offsets.count - 2)
    }

    /// Adds the strings of another table; gives the number here of each string there.
    package mutating func absorb(_ other: BytesTable) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(other.count)
        other.arena.withUnsafeBytes { bytes in
            for index in 0..<other.count {
                let range = other.offsets[index]..<other.offsets[index + 1]
                numbers.append(number(of: UnsafeRawBufferPointer(rebasing: bytes[range])))
            }
        }
        return numbers
    }

    /// Whether it has the string.
    package func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let slot = slots.withUnsafeBufferPointer { slots in
            arena.withUnsafeBytes { arena in
                offsets.withUnsafeBufferPointer {
                    Self.slot(
                        of: bytes, hash: Self.hash(bytes), in: slots, arena: arena, offsets: $0)
                }
            }
        }
        return slots[slot] != 0
    }

    /// The string of a number.
    package func string(_ number: Int) -> String {
        String(decoding: arena[offsets[number]..<offsets[number + 1]], as: UTF8.self)
    }

    /// 32 bits.
    @inline(__always) private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return UInt64(bitPattern: Int64(hasher.finalize())) >> 32
    }

    /// The slot that holds the string, or the empty one where it belongs.
    @inline(__always)
    private static func slot(
        of bytes: UnsafeRawBufferPointer, hash: UInt64, in slots: UnsafeBufferPointer<UInt64>,
        arena: UnsafeRawBufferPointer, offsets: UnsafeBufferPointer<Int>
    ) -> Int {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 { return slot }
            if entry >> 32 == hash {
                let index = Int(entry & 0xFFFF_FFFF) - 1
                let start = offsets[index]
                if offsets[index + 1] - start == bytes.count,
                    isEqual(arena, start, bytes)
                {
                    return slot
                }
            }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always)
    private static func isEqual(
        _ arena: UnsafeRawBufferPointer, _ start: Int, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        var offset = 0
        while bytes.count - offset >= 8 {
            let left = arena.loadUnaligned(fromByteOffset: start + offset, as: UInt64.self)
            let right = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if left != right { return false }
            offset += 8
        }
        while offset < bytes.count {
            if arena[start + offset] != bytes[offset] { return false }
            offset += 1
        }
        return true
    }

    private mutating func grow() {
        let size = slots.count * 2
        var larger = [UInt64](repeating: 0, count: size)
        for entry in slots where entry != 0 {
            var slot = Int(entry >> 32) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = entry
        }
        slots = larger
    }
}
