// Conditions over columns as masks: one byte a row, 1 where the condition holds. Bytes and not
// bits, because the compiler turns these loops into vector instructions by itself, and combining
// masks is far from being what a scan spends its time on.
//
// Built without checks in release: callers guarantee `count` readable elements from `first` on and
// `count` elements of every mask.

/// Loops that fill and combine masks.
package enum MaskLoops {
    package typealias Mask = UnsafeMutablePointer<UInt8>

    /// Adds the rows whose value lies in `low...high`.
    package static func addWithin(
        _ values: UnsafePointer<Int64>, first: Int, count: Int, low: Int64, high: Int64,
        to mask: Mask
    ) {
        let values = values + first
        // One comparison: what lies below `low` wraps to something large.
        let width = UInt64(bitPattern: high &- low)
        for row in 0..<count {
            mask[row] |= UInt64(bitPattern: values[row] &- low) <= width ? 1 : 0
        }
    }

    package static func addWithin(
        _ values: UnsafePointer<Double>, first: Int, count: Int, low: Double, high: Double,
        to mask: Mask
    ) {
        let values = values + first
        for row in 0..<count {
            let isAbove: UInt8 = values[row] >= low ? 1 : 0
            let isBelow: UInt8 = values[row] <= high ? 1 : 0
            mask[row] |= isAbove & isBelow
        }
    }

    /// Adds the rows whose value is one of `members`, ascending.
    package static func addAmong(
        _ values: UnsafePointer<Int64>, first: Int, count: Int, members: [Int64], to mask: Mask
    ) {
        members.withUnsafeBufferPointer { members in
            for row in 0..<count where isMember(values[first + row], of: members) { mask[row] = 1 }
        }
    }

    package static func addAmong(
        _ values: UnsafePointer<Double>, first: Int, count: Int, members: [Double], to mask: Mask
    ) {
        members.withUnsafeBufferPointer { members in
            for row in 0..<count where isMember(values[first + row], of: members) { mask[row] = 1 }
        }
    }

    @inline(__always)
    private static func isMember<T: Comparable>(
        _ value: T, of members: UnsafeBufferPointer<T>
    ) -> Bool {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low] == value
    }

    /// Adds the rows whose code is `code`.
    package static func addEqual(
        _ codes: UnsafePointer<UInt32>, first: Int, count: Int, code: UInt32, to mask: Mask
    ) {
        let codes = codes + first
        for row in 0..<count { mask[row] |= codes[row] == code ? 1 : 0 }
    }

    /// Adds the rows whose code has a 1 in `table`, which has an element for every code.
    package static func addLookedUp(
        _ codes: UnsafePointer<UInt32>, first: Int, count: Int, table: UnsafePointer<UInt8>,
        to mask: Mask
    ) {
        let codes = codes + first
        for row in 0..<count { mask[row] |= table[Int(codes[row])] }
    }

    /// Adds the rows whose tag (below 8) has its bit set in `tagBits`.
    package static func addTagged(
        _ tags: UnsafePointer<UInt8>, first: Int, count: Int, tagBits: UInt8, to mask: Mask
    ) {
        let tags = tags + first
        for row in 0..<count { mask[row] |= (tagBits &>> tags[row]) & 1 }
    }

    /// Adds the rows of `other` that have the tag.
    package static func add(
        _ other: UnsafePointer<UInt8>, whereTag tag: UInt8, in tags: UnsafePointer<UInt8>,
        first: Int, count: Int, to mask: Mask
    ) {
        let tags = tags + first
        for row in 0..<count { mask[row] |= other[row] & (tags[row] == tag ? 1 : 0) }
    }

    package static func intersect(_ other: UnsafePointer<UInt8>, count: Int, into mask: Mask) {
        for row in 0..<count { mask[row] &= other[row] }
    }

    package static func unite(_ other: UnsafePointer<UInt8>, count: Int, into mask: Mask) {
        for row in 0..<count { mask[row] |= other[row] }
    }

    package static func invert(_ mask: Mask, count: Int) {
        for row in 0..<count { mask[row] ^= 1 }
    }

    /// Rows of the mask.
    package static func population(_ mask: UnsafePointer<UInt8>, count: Int) -> Int {
        var total = 0
        var row = 0
        // Sums of up to 255 rows fit a byte in each of 32 lanes.
        while count - row >= 32 {
            let steps = min((count - row) / 32, 255)
            var lanes = SIMD32<UInt8>(repeating: 0)
            for step in 0..<steps {
                lanes &+= UnsafeRawPointer(mask + row + step * 32)
                    .loadUnaligned(as: SIMD32<UInt8>.self)
            }
            for lane in 0..<32 { total &+= Int(lanes[lane]) }
            row += steps * 32
        }
        while row < count {
            total &+= Int(mask[row])
            row += 1
        }
        return total
    }

    /// Writes `first` plus the index of each row of the mask, ascending, and returns how many. The
    /// target has `population` elements and eight to spare.
    package static func select(
        _ mask: UnsafePointer<UInt8>, first: Int, count: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let base = UInt32(truncatingIfNeeded: first)
        var found = 0
        var row = 0
        while count - row >= 8 {
            // Rows come in runs: most groups of eight are all in or all out.
            let eight = UnsafeRawPointer(mask + row).loadUnaligned(as: UInt64.self)
            if eight != 0 {
                for step in 0..<8 {
                    target[found] = base &+ UInt32(truncatingIfNeeded: row &+ step)
                    found &+= Int(mask[row &+ step])
                }
            }
            row += 8
        }
        while row < count {
            target[found] = base &+ UInt32(truncatingIfNeeded: row)
            found &+= Int(mask[row])
            row += 1
        }
        return found
    }

    /// The positions whose tag is `tag`, ascending; returns how many. The target has `count`
    /// elements and one to spare.
    package static func positions(
        ofTag tag: UInt8, in tags: UnsafePointer<UInt8>, count: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var found = 0
        for position in 0..<count {
            target[found] = UInt32(truncatingIfNeeded: position)
            found &+= tags[position] == tag ? 1 : 0
        }
        return found
    }
}
