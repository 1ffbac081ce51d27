// A set of 64-bit integers that many rows are poured into. Where they lie close together it is a
// bit for each integer of their range, elsewhere a hash table: open addressing, linear probing, at
// most half full, hashed with a seed of the process, so that no customer can prepare collisions.

/// Distinct integers.
package struct IntegerSet: Sendable {
    private let seed: UInt64
    /// Bit i of the words stands for `base + i`. Empty once there is a table.
    private var bits: [UInt64] = []
    private var base: Int64 = 0
    /// 0 is an empty slot. A power of two of them, or none as long as there are bits.
    private var slots: [UInt64] = []
    private var hasZero = false
    package private(set) var count = 0

    /// Bits up to this many are not worth a thought: 128 KiB.
    private static let bitsAlways = 1 << 20
    /// What a table takes for an integer.
    private static let bitsPerInteger = 128

    package init(seed: UInt64) { self.seed = seed }

    /// Bytes of memory.
    package var byteCount: Int { (bits.count + slots.count) * 8 }

    package mutating func insert(_ values: UnsafePointer<Int64>, count many: Int) {
        guard many > 0 else { return }
        let (least, greatest) = ExtremeLoops.extremes(values, count: many)
        if reachBits(least, greatest, more: many) {
            insertBits(values, many)
        } else {
            insertSlots(many) { UInt64(bitPattern: values[$0]) }
        }
    }

    // MARK: Bits

    /// Makes the bits reach over the range; false if a table is the better place.
    private mutating func reachBits(_ least: Int64, _ greatest: Int64, more: Int) -> Bool {
        guard slots.isEmpty else { return false }
        let isNew = bits.isEmpty
        let low = isNew ? least : min(least, base)
        // The last integer that there is a bit for.
        let high = isNew ? greatest : max(greatest, base &+ Int64(bits.count * 64 - 1))
        let span = UInt64(bitPattern: high &- low)
        let bitsMax = max(Self.bitsAlways, Self.bitsPerInteger * (count + more))
        guard span < UInt64(bitsMax), let start = Self.wordStart(low), let _ = Self.wordEnd(high)
        else {
            moveToSlots()
            return false
        }
        if isNew { base = start }
        if start < base {
            let words = (base - start) / 64
            bits.insert(contentsOf: repeatElement(0, count: Int(words)), at: 0)
            base = start
        }
        let words = Int(UInt64(bitPattern: high &- base) / 64) + 1
        if words > bits.count {
            bits.append(contentsOf: repeatElement(0, count: words - bits.count))
        }
        return true
    }

    /// The integer of a word's first bit; nil next to the ends of all integers.
    private static func wordStart(_ value: Int64) -> Int64? {
        value > Int64.min + 64 ? value & ~63 : nil
    }

    private static func wordEnd(_ value: Int64) -> Int64? {
        value < Int64.max - 64 ? value | 63 : nil
    }

    private mutating func insertBits(_ values: UnsafePointer<Int64>, _ many: Int) {
        var added = 0
        let base = base
        bits.withUnsafeMutableBufferPointer { bits in
            for index in 0..<many {
                let distance = UInt64(bitPattern: values[index] &- base)
                let word = Int(truncatingIfNeeded: distance &>> 6)
                let bit = UInt64(1) &<< (distance & 63)
                let before = bits[word]
                bits[word] = before | bit
                added &+= before & bit == 0 ? 1 : 0
            }
        }
        count += added
    }

    private var bitValues: [Int64] {
        [Int64](unsafeUninitializedCapacity: count) { target, filled in
            var found = 0
            for index in 0..<bits.count {
                var word = bits[index]
                let start = base &+ Int64(index * 64)
                while word != 0 {
                    target[found] = start &+ Int64(word.trailingZeroBitCount)
                    found &+= 1
                    word &= word &- 1
                }
            }
            filled = found
        }
    }

    private mutating func moveToSlots() {
        let values = bitValues
        bits = []
        count = 0
        insertSlots(values.count) { UInt64(bitPattern: values[$0]) }
    }

    // MARK: Slots

    /// Looked at together, so that fetching one slot does not wait for another.
    private static let lanes = 16

    @inline(__always)
    private mutating func insertSlots(_ many: Int, _ word: (Int) -> UInt64) {
        var done = 0
        while done < many {
            // In steps, so that the table grows with the distinct integers and not with the rows.
            let step = min(many - done, 4096)
            if 2 * (count + step) > slots.count { grow(toHold: count + step) }
            var added = 0
            let seed = seed
            var sawZero = false
            slots.withUnsafeMutableBufferPointer { slots in
                let mask = slots.count - 1
                withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.lanes) { places in
                    var first = done
                    while first < done + step {
                        let lanes = min(Self.lanes, done + step - first)
                        // Fetches every slot before any is needed.
                        var touched: UInt64 = 0
                        for lane in 0..<lanes {
                            let place = Self.hash(word(first + lane), seed) & mask
                            places[lane] = place
                            touched |= slots[place]
                        }
                        withExtendedLifetime(touched) {}
                        for lane in 0..<lanes {
                            let value = word(first + lane)
                            if value == 0 {
                                sawZero = true
                                continue
                            }
                            var place = places[lane]
                            while slots[place] != value {
                                if slots[place] == 0 {
                                    slots[place] = value
                                    added &+= 1
                                    break
                                }
                                place = (place &+ 1) & mask
                            }
                        }
                        first += lanes
                    }
                }
            }
            if sawZero, !hasZero {
                hasZero = true
                added += 1
            }
            count += added
            done += step
        }
    }

    private mutating func grow(toHold wanted: Int) {
        var size = max(slots.count, 64)
        while 2 * wanted > size { size *= 2 }
        var larger = [UInt64](repeating: 0, count: size)
        let seed = seed
        larger.withUnsafeMutableBufferPointer { larger in
            for value in slots where value != 0 {
                var place = Self.hash(value, seed) & (size - 1)
                while larger[place] != 0 { place = (place &+ 1) & (size - 1) }
                larger[place] = value
            }
        }
        slots = larger
    }

    /// A folded 128-bit product: every bit of the word reaches every bit of the result.
    @inline(__always) private static func hash(_ word: UInt64, _ seed: UInt64) -> Int {
        let product = (word ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ (seed | 1))
        return Int(truncatingIfNeeded: product.high ^ product.low)
    }

    // MARK: The outcome

    /// All integers, ascending.
    package var sorted: [Int64] {
        guard !slots.isEmpty else { return bitValues }
        var values = [Int64](unsafeUninitializedCapacity: count + 1) { target, filled in
            var found = 0
            for word in slots {
                target[found] = Int64(bitPattern: word)
                found &+= word != 0 ? 1 : 0
            }
            if hasZero {
                target[found] = 0
                found += 1
            }
            filled = found
        }
        RadixSort.sort(&values)
        return values
    }
}
