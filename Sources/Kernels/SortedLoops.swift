// Ascending integers as sets and as counted numbers: what the states of distinct values and of
// percentiles are made of. Merging runs over both sides once, without a branch that depends on the
// values.

/// Loops over ascending integers. All results ascend.
package enum SortedLoops {
    /// Leaves each value once.
    package static func removeRepeats(_ values: inout [Int64]) {
        var kept = 0
        values.withUnsafeMutableBufferPointer { values in
            for index in 0..<values.count {
                let value = values[index]
                values[kept] = value
                // The next value overwrites this one unless it differs.
                kept &+= index + 1 == values.count || values[index + 1] != value ? 1 : 0
            }
        }
        values.removeLast(values.count - kept)
    }

    /// Each value once, and how often it came.
    package static func runs(_ all: [Int64]) -> (values: [Int64], counts: [Int64]) {
        var counts: [Int64] = []
        let values = arrays(all.count, &counts) { values, counts in
            all.withUnsafeBufferPointer { all in
                guard let last = all.indices.last else { return 0 }
                var (kept, start) = (0, 0)
                for index in 0..<last {
                    let value = all[index]
                    // Written over by the rest of its run.
                    values[kept] = value
                    counts[kept] = Int64(index &+ 1 &- start)
                    let isLast = all[index + 1] != value
                    kept &+= isLast ? 1 : 0
                    start = isLast ? index &+ 1 : start
                }
                values[kept] = all[last]
                counts[kept] = Int64(last &+ 1 &- start)
                return kept + 1
            }
        }
        return (values, counts)
    }

    /// Two arrays of what `fill` writes; it has room for `capacity` elements in each and returns
    /// how many there are.
    @inline(__always)
    private static func arrays(
        _ capacity: Int, _ counts: inout [Int64],
        _ fill: (UnsafeMutablePointer<Int64>, UnsafeMutablePointer<Int64>) -> Int
    ) -> [Int64] {
        var found: [Int64] = []
        let values = [Int64](unsafeUninitializedCapacity: capacity) { values, filled in
            found = [Int64](unsafeUninitializedCapacity: capacity) { counts, filledCounts in
                guard let values = values.baseAddress, let counts = counts.baseAddress
                else { return }
                filled = fill(values, counts)
                filledCounts = filled
            }
        }
        counts = found
        return values
    }

    /// What is in either set.
    package static func union(_ left: [Int64], _ right: [Int64]) -> [Int64] {
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        return [Int64](unsafeUninitializedCapacity: left.count + right.count) { target, filled in
            guard let target = target.baseAddress else { return }
            filled = left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in union(left, right, target) }
            }
        }
    }

    private static func union(
        _ left: UnsafeBufferPointer<Int64>, _ right: UnsafeBufferPointer<Int64>,
        _ target: UnsafeMutablePointer<Int64>
    ) -> Int {
        var (i, j, k) = (0, 0, 0)
        while i < left.count && j < right.count {
            let (a, b) = (left[i], right[j])
            target[k] = a < b ? a : b
            k &+= 1
            i &+= a <= b ? 1 : 0
            j &+= b <= a ? 1 : 0
        }
        while i < left.count {
            target[k] = left[i]
            (i, k) = (i &+ 1, k &+ 1)
        }
        while j < right.count {
            target[k] = right[j]
            (j, k) = (j &+ 1, k &+ 1)
        }
        return k
    }

    /// The values of `left` that `right` has (`isIn`), or has not.
    package static func filter(_ left: [Int64], isIn: Bool, _ right: [Int64]) -> [Int64] {
        [Int64](unsafeUninitializedCapacity: left.count) { target, filled in
            var (j, k) = (0, 0)
            for value in left {
                while j < right.count && right[j] < value { j &+= 1 }
                target[k] = value
                k &+= (j < right.count && right[j] == value) == isIn ? 1 : 0
            }
            filled = k
        }
    }

    /// Adds the counts of values that both sides have; nil if a count leaves 64 bits.
    package static func merge(
        _ left: [Int64], _ leftCounts: [Int64], _ right: [Int64], _ rightCounts: [Int64]
    ) -> (values: [Int64], counts: [Int64])? {
        if left.isEmpty { return (right, rightCounts) }
        if right.isEmpty { return (left, leftCounts) }
        var hasOverflowed = false
        var counts: [Int64] = []
        let values = arrays(left.count + right.count, &counts) { values, counts in
            left.withUnsafeBufferPointer { left in
                leftCounts.withUnsafeBufferPointer { leftCounts in
                    right.withUnsafeBufferPointer { right in
                        rightCounts.withUnsafeBufferPointer { rightCounts in
                            merge(
                                left, leftCounts, right, rightCounts, values, counts,
                                &hasOverflowed)
                        }
                    }
                }
            }
        }
        return hasOverflowed ? nil : (values, counts)
    }

    private static func merge(
        _ left: UnsafeBufferPointer<Int64>, _ leftCounts: UnsafeBufferPointer<Int64>,
        _ right: UnsafeBufferPointer<Int64>, _ rightCounts: UnsafeBufferPointer<Int64>,
        _ values: UnsafeMutablePointer<Int64>, _ counts: UnsafeMutablePointer<Int64>,
        _ hasOverflowed: inout Bool
    ) -> Int {
        var (i, j, k) = (0, 0, 0)
        // Counts are not negative: a sum that leaves 64 bits is.
        var signs: Int64 = 0
        while i < left.count && j < right.count {
            let (a, b) = (left[i], right[j])
            values[k] = a < b ? a : b
            // All ones for the sides that the count comes from.
            let fromLeft: Int64 = a <= b ? -1 : 0
            let fromRight: Int64 = b <= a ? -1 : 0
            let sum = (leftCounts[i] & fromLeft) &+ (rightCounts[j] & fromRight)
            counts[k] = sum
            signs |= sum
            i &-= Int(fromLeft)
            j &-= Int(fromRight)
            k &+= 1
        }
        while i < left.count {
            (values[k], counts[k]) = (left[i], leftCounts[i])
            (i, k) = (i &+ 1, k &+ 1)
        }
        while j < right.count {
            (values[k], counts[k]) = (right[j], rightCounts[j])
            (j, k) = (j &+ 1, k &+ 1)
        }
        hasOverflowed = signs < 0
        return k
    }

    /// Where each value of either side is among the different values of both. Either side ascends
    /// and may repeat values.
    package static func places(_ left: [Int64], _ right: [Int64]) -> MergedPlaces {
        var count = 0
        var rightPlaces: [UInt32] = []
        let leftPlaces = [UInt32](unsafeUninitializedCapacity: left.count) { first, filled in
            rightPlaces = [UInt32](
                unsafeUninitializedCapacity: right.count
            ) { second, filledSecond in
                left.withUnsafeBufferPointer { left in
                    right.withUnsafeBufferPointer { right in
                        count = places(left, right, first, second)
                    }
                }
                filledSecond = right.count
            }
            filled = left.count
        }
        return MergedPlaces(left: leftPlaces, right: rightPlaces, count: count)
    }

    private static func places(
        _ left: UnsafeBufferPointer<Int64>, _ right: UnsafeBufferPointer<Int64>,
        _ leftPlaces: UnsafeMutableBufferPointer<UInt32>,
        _ rightPlaces: UnsafeMutableBufferPointer<UInt32>
    ) -> Int {
        guard let least = [left.first, right.first].compactMap({ $0 }).min() else { return 0 }
        var (i, j) = (0, 0)
        var (last, place) = (least, 0)
        while i < left.count && j < right.count {
            let (a, b) = (left[i], right[j])
            let value = a < b ? a : b
            place &+= value != last ? 1 : 0
            last = value
            // The side that is not taken is written over when it is.
            leftPlaces[i] = UInt32(truncatingIfNeeded: place)
            rightPlaces[j] = UInt32(truncatingIfNeeded: place)
            i &+= a <= b ? 1 : 0
            j &+= b <= a ? 1 : 0
        }
        while i < left.count {
            place &+= left[i] != last ? 1 : 0
            last = left[i]
            leftPlaces[i] = UInt32(truncatingIfNeeded: place)
            i &+= 1
        }
        while j < right.count {
            place &+= right[j] != last ? 1 : 0
            last = right[j]
            rightPlaces[j] = UInt32(truncatingIfNeeded: place)
            j &+= 1
        }
        return place + 1
    }

    /// Whether each value is greater than the one before it.
    package static func ascends(_ values: [Int64]) -> Bool {
        var violations = 0
        for index in 1..<max(values.count, 1) {
            violations &+= values[index - 1] < values[index] ? 0 : 1
        }
        return violations == 0
    }
}

/// Where the elements of two sides are in what both are together, from 0 on.
package struct MergedPlaces: Sendable, Equatable {
    package var left: [UInt32]
    package var right: [UInt32]
    /// Elements of both together.
    package var count: Int

    package init(left: [UInt32], right: [UInt32], count: Int) {
        self.left = left
        self.right = right
        self.count = count
    }
}

/// Doubles as integers of the same order, so that loops over integers do for both. NaN has no
/// place.
package enum OrderedDouble {
    @inline(__always) package static func key(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: value.bitPattern)
        return bits ^ (bits >> 63 & Int64.max)
    }

    @inline(__always) package static func value(_ key: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: key ^ (key >> 63 & Int64.max)))
    }
}
