// Numbers distinct byte strings in the order of their first appearance, and keeps them: what turns
// the dictionaries of blocks, each with its own codes, into codes of the whole scan. The hash has a
// seed of the process, since customers choose the strings.

/// Numbers distinct byte strings from 0.
package struct BytesTable: Sendable {
    /// All strings, one after the other.
    private var arena: [UInt8] = []
    /// Where each string begins in the arena, and where the last one ends.
    private var offsets = [0]
    /// The hash in the upper half, number plus one in the lower; 0 for an empty slot. A power of
    /// two of them.
    private var slots = [UInt64](repeating: 0, count: 32)
    private let hash = TextHash.ofProcess

    package init() {}

    package var count: Int { offsets.count - 1 }
    /// Bytes of all strings together.
    package var byteCount: Int { arena.count }

    /// The string's number; a new string gets the next.
    package mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        if 2 * (count + 1) > slots.count { grow() }
        let hash = hash(bytes) >> 32
        return slots.withUnsafeMutableBufferPointer {
            Self.number(of: bytes, hash: hash, in: $0, arena: &arena, offsets: &offsets)
        }
    }

    /// Looked at together, so that fetching one slot does not wait for another.
    private static let lanes = 16

    package mutating func number(of text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { number(of: UnsafeRawBufferPointer($0)) }
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
            number(
                codes + done, count: step, in: texts, offsets: starts, into: target + done)
            done += step
        }
    }

    /// There is room for all to be new.
    private mutating func number(
        _ codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>, into target: UnsafeMutablePointer<UInt32>
    ) {
        let hash = hash
        slots.withUnsafeMutableBufferPointer { slots in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.lanes) { hashes in
                var first = 0
                while first < count {
                    let lanes = min(Self.lanes, count - first)
                    var touched: UInt64 = 0
                    for lane in 0..<lanes {
                        let text = Self.text(codes[first + lane], in: texts, starts)
                        hashes[lane] = hash(text) >> 32
                        touched |= slots[Int(hashes[lane]) & (slots.count - 1)]
                    }
                    withExtendedLifetime(touched) {}
                    for lane in 0..<lanes {
                        target[first + lane] = Self.number(
                            of: Self.text(codes[first + lane], in: texts, starts),
                            hash: hashes[lane], in: slots, arena: &arena, offsets: &offsets)
                    }
                    first += lanes
                }
            }
        }
    }

    @inline(__always)
    private static func text(
        _ code: UInt32, in texts: UnsafeRawPointer, _ starts: UnsafePointer<UInt32>
    ) -> UnsafeRawBufferPointer {
        let start = Int(starts[Int(code)])
        return UnsafeRawBufferPointer(
            start: texts + start, count: Int(starts[Int(code) + 1]) - start)
    }

    @inline(__always)
    private static func number(
        of bytes: UnsafeRawBufferPointer, hash: UInt64,
        in slots: UnsafeMutableBufferPointer<UInt64>, arena: inout [UInt8], offsets: inout [Int]
    ) -> UInt32 {
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
                        of: bytes, hash: hash(bytes) >> 32, in: slots, arena: arena, offsets: $0)
                }
            }
        }
        return slots[slot] != 0
    }

    /// Calls `body` with the bytes of all strings, and where each begins and the last one ends.
    package func withTexts<Result>(
        _ body: (_ bytes: UnsafeRawBufferPointer, _ offsets: [Int]) -> Result
    ) -> Result {
        arena.withUnsafeBytes { body($0, offsets) }
    }

    /// Calls `body` with the bytes of a string.
    package func withText<Result>(
        _ number: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        arena.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[offsets[number]..<offsets[number + 1]]))
        }
    }

    /// The string of a number.
    package func string(_ number: Int) -> String {
        withText(number) { String(decoding: $0, as: UTF8.self) }
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
