// Hash tables that number what they are given in the order of its first appearance: 64-bit words,
// and byte strings. Open addressing, linear probing, at most half full, nothing is ever removed.
// The seed differs from process to process, so that no customer can prepare colliding values.

/// Numbers distinct 64-bit words from 0.
package struct WordTable: Sendable {
    /// The words, by their number.
    package private(set) var words: [UInt64] = []
    /// Number plus one, or 0 for an empty slot. A power of two of them.
    private var slots: [UInt32]
    private let seed: UInt64

    package init(seed: UInt64, capacity: Int = 16) {
        self.seed = seed
        var size = 32
        while size < 2 * capacity { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
    }

    package var count: Int { words.count }

    /// The word's number; a new word gets the next.
    package mutating func number(of word: UInt64) -> UInt32 {
        if 2 * (words.count + 1) > slots.count { grow(toHold: words.count + 1) }
        return slots.withUnsafeMutableBufferPointer { slots in
            Self.number(of: word, in: slots, words: &words, seed: seed)
        }
    }

    /// The numbers of many words.
    package mutating func numbers(
        of many: UnsafePointer<UInt64>, count: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        numbers(count: count, into: target) { many[$0] }
    }

    /// The numbers of many integers, as the words of the same bits.
    package mutating func numbers(
        of many: UnsafePointer<Int64>, count: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        numbers(count: count, into: target) { UInt64(bitPattern: many[$0]) }
    }

    /// The numbers of many codes.
    package mutating func numbers(
        of many: UnsafePointer<UInt32>, count: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        numbers(count: count, into: target) { UInt64(many[$0]) }
    }

    /// The numbers of many doubles, as the words of the same bits.
    package mutating func numbers(
        of many: UnsafePointer<Double>, count: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        numbers(count: count, into: target) { many[$0].bitPattern }
    }

    /// Inlined into the above, closure included, so that the loop is concrete.
    @inline(__always)
    private mutating func numbers(
        count: Int, into target: UnsafeMutablePointer<UInt32>, word: (Int) -> UInt64
    ) {
        var done = 0
        while done < count {
            // In steps, so that the table grows with the distinct words and not with the rows.
            let step = min(count - done, 4096)
            if 2 * (words.count + step) > slots.count { grow(toHold: words.count + step) }
            slots.withUnsafeMutableBufferPointer { slots in
                for index in done..<done + step {
                    target[index] = Self.number(
                        of: word(index), in: slots, words: &words, seed: seed)
                }
            }
            done += step
        }
    }

    /// Forgets all words and keeps the memory.
    package mutating func removeAll() {
        guard !words.isEmpty else { return }
        words.removeAll(keepingCapacity: true)
        slots.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    @inline(__always)
    private static func number(
        of word: UInt64, in slots: UnsafeMutableBufferPointer<UInt32>, words: inout [UInt64],
        seed: UInt64
    ) -> UInt32 {
        let mask = slots.count - 1
        var slot = hash(word, seed) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 {
                words.append(word)
                slots[slot] = UInt32(truncatingIfNeeded: words.count)
                return UInt32(truncatingIfNeeded: words.count - 1)
            }
            if words[Int(entry) - 1] == word { return entry - 1 }
            slot = (slot + 1) & mask
        }
    }

    /// A folded 128-bit product: every bit of the word reaches every bit of the result.
    @inline(__always) private static func hash(_ word: UInt64, _ seed: UInt64) -> Int {
        let product = (word ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ (seed | 1))
        return Int(truncatingIfNeeded: product.high ^ product.low)
    }

    private mutating func grow(toHold count: Int) {
        var size = slots.count
        while 2 * count > size { size *= 2 }
        var larger = [UInt32](repeating: 0, count: size)
        for (index, word) in words.enumerated() {
            var slot = Self.hash(word, seed) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = UInt32(truncatingIfNeeded: index + 1)
        }
        slots = larger
    }
}
