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
    package static func runs(_ values: [Int64]) -> (values: [Int64], counts: [Int64]) {
        var (distinct, counts) = ([Int64](), [Int64]())
        let count = values.count
        var different = count == 0 ? 0 : 1
        for index in 1..<max(count, 1) {
            different &+= values[index] != values[index - 1] ? 1 : 0
        }
        guard different > 0 else { return ([], []) }
        distinct.reserveCapacity(different)
        counts.reserveCapacity(different)
        var start = 0
        for index in 1...count where index == count || values[index] != values[start] {
            distinct.append(values[start])
            counts.append(Int64(index - start))
            start = index
        }
        return (distinct, counts)
    }

    /// What is in either set.
    package static func union(_ left: [Int64], _ right: [Int64]) -> [Int64] {
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        return [Int64](unsafeUninitializedCapacity: left.count + right.count) { target, filled in
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
            filled = k
        }
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
        let capacity = left.count + right.count
        var hasOverflowed = false
        var counts: [Int64] = []
        let values = [Int64](unsafeUninitializedCapacity: capacity) { values, filled in
            counts = [Int64](unsafeUninitializedCapacity: capacity) { counts, filledCounts in
                var (i, j, k) = (0, 0, 0)
                while i < left.count && j < right.count {
                    let (a, b) = (left[i], right[j])
                    values[k] = a < b ? a : b
                    // All ones for the sides that the count comes from.
                    let fromLeft: Int64 = a <= b ? -1 : 0
                    let fromRight: Int64 = b <= a ? -1 : 0
                    let sum = (leftCounts[i] & fromLeft).addingReportingOverflow(
                        rightCounts[j] & fromRight)
                    counts[k] = sum.partialValue
                    hasOverflowed = hasOverflowed || sum.overflow
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
                filledCounts = k
                filled = k
            }
        }
        return hasOverflowed ? nil : (values, counts)
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

/// Doubles as integers of the same order, so that loops over integers do for both. NaN has no place.
package enum OrderedDouble {
    @inline(__always) package static func key(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: value.bitPattern)
        return bits ^ (bits >> 63 & Int64.max)
    }

    @inline(__always) package static func value(_ key: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: key ^ (key >> 63 & Int64.max)))
    }
}
