// Numbering rows: the code of a value within a block, the bucket of an instant, the cell that codes
// and buckets make together. Callers guarantee lengths, and codes below the sizes of tables.

/// Loops that compute codes.
package enum CodeLoops {
    package typealias Codes = UnsafeMutablePointer<UInt32>

    /// `value - least` for integers that span less than 2^32.
    package static func subtract(
        _ least: Int64, from values: UnsafePointer<Int64>, count: Int, into codes: Codes
    ) {
        for row in 0..<count { codes[row] = UInt32(truncatingIfNeeded: values[row] &- least) }
    }

    /// A dictionary code, 0 where a row has no string, plus the offset of the row's tag (below 8):
    /// there are eight of them.
    package static func addOffsets(
        _ offsets: UnsafePointer<UInt32>, ofTags tags: UnsafePointer<UInt8>, count: Int,
        to codes: Codes
    ) {
        for row in 0..<count { codes[row] &+= offsets[Int(tags[row] & 7)] }
    }

    /// `cells = cells * cardinality + codes`, for products below 2^32.
    package static func combine(
        _ cells: Codes, with codes: UnsafePointer<UInt32>, cardinality: UInt32, count: Int
    ) {
        for row in 0..<count { cells[row] = cells[row] &* cardinality &+ codes[row] }
    }

    /// `cells * 2^32 + codes`: two codes as one key of a `WordTable`.
    package static func pair(
        _ cells: UnsafePointer<UInt32>, with codes: UnsafePointer<UInt32>, count: Int,
        into words: UnsafeMutablePointer<UInt64>
    ) {
        for row in 0..<count { words[row] = UInt64(cells[row]) << 32 | UInt64(codes[row]) }
    }

    /// The indexes of counts that are not 0, ascending; returns how many. The target has `count`
    /// elements and one to spare.
    package static func nonzero(
        _ counts: UnsafePointer<Int64>, count: Int, into indexes: Codes
    ) -> Int {
        var found = 0
        for index in 0..<count {
            indexes[found] = UInt32(truncatingIfNeeded: index)
            found &+= counts[index] != 0 ? 1 : 0
        }
        return found
    }

    /// Whether each code is greater than the one before it.
    package static func ascends(_ codes: UnsafePointer<UInt32>, count: Int) -> Bool {
        var violations: UInt32 = 0
        for index in 1..<max(count, 1) {
            violations |= codes[index - 1] < codes[index] ? 0 : 1
        }
        return violations == 0
    }

    /// A row of each code that occurs (the last one).
    package static func representatives(
        _ codes: UnsafePointer<UInt32>, count: Int, into rows: Codes
    ) {
        for row in 0..<count { rows[Int(codes[row])] = UInt32(truncatingIfNeeded: row) }
    }

    /// Puts `other` in the place of the codes of rows that have neither tag.
    package static func replaceCodes(
        withoutTags wanted: (UInt8, UInt8), in tags: UnsafePointer<UInt8>, count: Int,
        by other: UInt32, in codes: Codes
    ) {
        for row in 0..<count {
            let isWanted = (tags[row] == wanted.0) != (tags[row] == wanted.1)
            codes[row] = isWanted ? codes[row] : other
        }
    }

    /// Sets a 1 for each code that occurs.
    package static func mark(
        _ codes: UnsafePointer<UInt32>, count: Int, in marks: UnsafeMutablePointer<UInt8>
    ) {
        for row in 0..<count { marks[Int(codes[row])] = 1 }
    }

    /// Sets a 1 at `cell * cardinality + code` for each pair that occurs.
    package static func mark(
        _ codes: UnsafePointer<UInt32>, cells: UnsafePointer<UInt32>, cardinality: Int, count: Int,
        in marks: UnsafeMutablePointer<UInt8>
    ) {
        for row in 0..<count { marks[Int(cells[row]) &* cardinality &+ Int(codes[row])] = 1 }
    }

    /// The first index, from `low` on, whose instant is not before `instant`, of ascending ones.
    package static func lowerBound(
        _ instants: UnsafePointer<Int64>, from low: Int, to high: Int, of instant: Int64
    ) -> Int {
        var low = low
        var high = high
        while low < high {
            let middle = (low + high) / 2
            if instants[middle] < instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first index, from `low` on, whose instant is after `instant`, of ascending ones.
    package static func upperBound(
        _ instants: UnsafePointer<Int64>, from low: Int, to high: Int, of instant: Int64
    ) -> Int {
        var low = low
        var high = high
        while low < high {
            let middle = (low + high) / 2
            if instants[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The bucket of each instant, counted from the first of `buckets`: `boundaries[b] <= instant <
    /// boundaries[b + 1]`. An instant outside goes to the nearest of `buckets`.
    package static func buckets(
        of instants: UnsafePointer<Int64>, count: Int, boundaries: UnsafePointer<Int64>,
        buckets: ClosedRange<Int>, into codes: Codes
    ) {
        // Neighbouring events mostly share a bucket even where they are not sorted.
        var bucket = buckets.lowerBound
        for row in 0..<count {
            let instant = instants[row]
            if instant < boundaries[bucket] || instant >= boundaries[bucket + 1] {
                let end = upperBound(
                    boundaries, from: buckets.lowerBound, to: buckets.upperBound + 1, of: instant)
                bucket = max(end - 1, buckets.lowerBound)
            }
            codes[row] = UInt32(truncatingIfNeeded: bucket - buckets.lowerBound)
        }
    }

    /// Writes `base + numbers[i]` at `positions[i]`.
    package static func scatter(
        _ numbers: UnsafePointer<UInt32>, base: UInt32, positions: UnsafePointer<UInt32>,
        count: Int, into codes: Codes
    ) {
        for index in 0..<count { codes[Int(positions[index])] = base &+ numbers[index] }
    }

    /// Whether `value` is an integer of 64 bits.
    @inline(__always) private static func isIntegral(_ value: Double) -> Bool {
        value >= -0x1p63 && value < 0x1p63 && value == value.rounded(.towardZero)
    }

    /// Appends the doubles that are 64-bit integers, as such, to `integers`, and their positions to
    /// `integerPositions`; moves the others and their positions to the front. Returns how many
    /// stay.
    package static func splitIntegral(
        _ values: inout [Double], positions: inout [UInt32], integers: inout [Int64],
        integerPositions: inout [UInt32]
    ) -> Int {
        var rest = 0
        for index in 0..<values.count {
            let value = values[index]
            if isIntegral(value) {
                integers.append(Int64(value))
                integerPositions.append(positions[index])
            } else {
                values[rest] = value
                positions[rest] = positions[index]
                rest += 1
            }
        }
        return rest
    }
}
