// Numbers distinct byte strings in the order of their first appearance, and keeps them: what turns
// the dictionaries of blocks, each with its own codes, into codes of the whole scan. The hash is
// Swift's own (SipHash, seeded per process), since customers choose the strings.

/// Numbers distinct byte strings from 0.
package struct BytesTable: Sendable {
    /// All strings, one after the other.
    private var arena: [UInt8] = []
    /// End of each string in the arena.
    private var ends: [Int] = []
    private var hashes: [UInt32] = []
    /// Number plus one, or 0 for an empty slot. A power of two of them.
    private var slots = [UInt32](repeating: 0, count: 32)

    package init() {}

    package var count: Int { ends.count }
    /// Bytes of all strings together.
    package var byteCount: Int { arena.count }

    /// The string's number; a new string gets the next.
    package mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        if 2 * (ends.count + 1) > slots.count { grow() }
        let hash = hash(bytes)
        let slot = slot(of: bytes, hash: hash)
        if slots[slot] != 0 { return slots[slot] - 1 }
        arena.append(contentsOf: bytes)
        ends.append(arena.count)
        hashes.append(hash)
        slots[slot] = UInt32(truncatingIfNeeded: ends.count)
        return UInt32(truncatingIfNeeded: ends.count - 1)
    }

    /// Whether it has the string.
    package func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        slots[slot(of: bytes, hash: hash(bytes))] != 0
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    /// The slot that holds the string, or the empty one where it belongs.
    private func slot(of bytes: UnsafeRawBufferPointer, hash: UInt32) -> Int {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 { return slot }
            let index = Int(entry) - 1
            if hashes[index] == hash, isEqual(index, bytes) { return slot }
            slot = (slot + 1) & mask
        }
    }

    /// The string of a number.
    package func string(_ number: Int) -> String {
        String(decoding: arena[start(of: number)..<ends[number]], as: UTF8.self)
    }

    private func start(of index: Int) -> Int { index == 0 ? 0 : ends[index - 1] }

    private func isEqual(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = start(of: index)
        guard ends[index] - start == bytes.count else { return false }
        return arena.withUnsafeBytes { arena in
            for offset in 0..<bytes.count where arena[start + offset] != bytes[offset] {
                return false
            }
            return true
        }
    }

    private mutating func grow() {
        let size = slots.count * 2
        var larger = [UInt32](repeating: 0, count: size)
        for (index, hash) in hashes.enumerated() {
            var slot = Int(hash) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = UInt32(truncatingIfNeeded: index + 1)
        }
        slots = larger
    }
}
