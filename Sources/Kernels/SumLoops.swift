// Sums and counts, of all rows and by cell. A cell is one combination of bucket and group values
// within a block, numbered from 0.
//
// Doubles are added with their rounding error kept aside (Knuth's branch-free TwoSum), several sums
// side by side so that one addition need not wait for the one before. Integer sums come in two
// widths: plain where the caller has shown that 64 bits suffice, split in halves elsewhere.
//
// Callers guarantee that every cell is below the number of elements of each table.

/// A sum of doubles and what rounding took from it.
package struct CompensatedSum: Sendable, Equatable {
    package var sum = 0.0
    package var correction = 0.0
    package init() {}

    @inline(__always) package mutating func add(_ value: Double) {
        let total = sum + value
        let part = total - sum
        correction += (sum - (total - part)) + (value - part)
        sum = total
    }
}

/// Loops that count and add.
package enum SumLoops {
    /// Tables up to this size are kept in several copies, so that neighbouring rows of the same
    /// cell do not wait for each other's store. Larger ones would leave the cache.
    private static let copiedCellsMax = 512
    private static let copies = 4

    // MARK: Counts

    /// Rows of each cell, added to `counts`.
    package static func count(
        _ cells: UnsafePointer<UInt32>, count: Int, into counts: UnsafeMutablePointer<Int64>,
        cellCount: Int
    ) {
        guard cellCount <= copiedCellsMax, count >= 1024 else {
            for row in 0..<count { counts[Int(cells[row])] &+= 1 }
            return
        }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: copies * cellCount) { table in
            guard let table = table.baseAddress else { return }
            table.update(repeating: 0, count: copies * cellCount)
            let (t1, t2, t3) = (table + cellCount, table + 2 * cellCount, table + 3 * cellCount)
            var row = 0
            while count - row >= 4 {
                table[Int(cells[row])] &+= 1
                t1[Int(cells[row + 1])] &+= 1
                t2[Int(cells[row + 2])] &+= 1
                t3[Int(cells[row + 3])] &+= 1
                row += 4
            }
            while row < count {
                table[Int(cells[row])] &+= 1
                row += 1
            }
            for cell in 0..<cellCount {
                counts[cell] &+=
                    Int64(table[cell]) + Int64(t1[cell]) + Int64(t2[cell])
                    + Int64(t3[cell])
            }
        }
    }

    // MARK: Integers

    /// The sum, wrapping: for values that cannot overflow it.
    package static func sum(_ values: UnsafePointer<Int64>, count: Int) -> Int64 {
        var total: Int64 = 0
        for row in 0..<count { total &+= values[row] }
        return total
    }

    /// The exact sum of at most 2^31 values: `high` times 2^32 plus `low`.
    package static func wideSum(
        _ values: UnsafePointer<Int64>, count: Int
    ) -> (high: Int64, low: Int64) {
        var high: Int64 = 0
        var low: Int64 = 0
        for row in 0..<count {
            high &+= values[row] >> 32
            low &+= values[row] & 0xFFFF_FFFF
        }
        return (high, low)
    }

    /// Adds each value to its cell, wrapping: for values that cannot overflow it.
    package static func sum(
        _ values: UnsafePointer<Int64>, cells: UnsafePointer<UInt32>, count: Int,
        into totals: UnsafeMutablePointer<Int64>, cellCount: Int
    ) {
        guard cellCount <= copiedCellsMax, count >= 1024 else {
            for row in 0..<count { totals[Int(cells[row])] &+= values[row] }
            return
        }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: copies * cellCount) { table in
            guard let table = table.baseAddress else { return }
            table.update(repeating: 0, count: copies * cellCount)
            let (t1, t2, t3) = (table + cellCount, table + 2 * cellCount, table + 3 * cellCount)
            var row = 0
            while count - row >= 4 {
                table[Int(cells[row])] &+= values[row]
                t1[Int(cells[row + 1])] &+= values[row + 1]
                t2[Int(cells[row + 2])] &+= values[row + 2]
                t3[Int(cells[row + 3])] &+= values[row + 3]
                row += 4
            }
            while row < count {
                table[Int(cells[row])] &+= values[row]
                row += 1
            }
            for cell in 0..<cellCount {
                totals[cell] &+= table[cell] &+ t1[cell] &+ t2[cell] &+ t3[cell]
            }
        }
    }

    /// Adds each value's upper and lower half to its cell: exact for at most 2^31 values.
    package static func wideSum(
        _ values: UnsafePointer<Int64>, cells: UnsafePointer<UInt32>, count: Int,
        high: UnsafeMutablePointer<Int64>, low: UnsafeMutablePointer<Int64>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            high[cell] &+= values[row] >> 32
            low[cell] &+= values[row] & 0xFFFF_FFFF
        }
    }

    // MARK: Doubles

    /// The sum of all values.
    package static func sum(_ values: UnsafePointer<Double>, count: Int) -> CompensatedSum {
        typealias Lanes = SIMD8<Double>
        var sums = Lanes(repeating: 0)
        var corrections = Lanes(repeating: 0)
        var row = 0
        while count - row >= 8 {
            let value = UnsafeRawPointer(values + row).loadUnaligned(as: Lanes.self)
            let total = sums + value
            let part = total - sums
            corrections += (sums - (total - part)) + (value - part)
            sums = total
            row += 8
        }
        var result = CompensatedSum()
        for lane in 0..<8 {
            result.add(sums[lane])
            result.correction += corrections[lane]
        }
        while row < count {
            result.add(values[row])
            row += 1
        }
        return result
    }

    /// Adds each value to its cell.
    package static func sum(
        _ values: UnsafePointer<Double>, cells: UnsafePointer<UInt32>, count: Int,
        into totals: UnsafeMutablePointer<CompensatedSum>, cellCount: Int
    ) {
        guard cellCount <= copiedCellsMax, count >= 1024 else {
            for row in 0..<count { totals[Int(cells[row])].add(values[row]) }
            return
        }
        withUnsafeTemporaryAllocation(
            of: CompensatedSum.self, capacity: copies * cellCount
        ) { table in
            guard let table = table.baseAddress else { return }
            table.initialize(repeating: CompensatedSum(), count: copies * cellCount)
            let (t1, t2, t3) = (table + cellCount, table + 2 * cellCount, table + 3 * cellCount)
            var row = 0
            while count - row >= 4 {
                table[Int(cells[row])].add(values[row])
                t1[Int(cells[row + 1])].add(values[row + 1])
                t2[Int(cells[row + 2])].add(values[row + 2])
                t3[Int(cells[row + 3])].add(values[row + 3])
                row += 4
            }
            while row < count {
                table[Int(cells[row])].add(values[row])
                row += 1
            }
            for cell in 0..<cellCount {
                for part in [table[cell], t1[cell], t2[cell], t3[cell]] {
                    totals[cell].add(part.sum)
                    totals[cell].correction += part.correction
                }
            }
        }
    }
}
