// Sums, averages and extremes of every group of a scan: filled a block at a time from dense arrays
// over the block's cells.

internal import Aggregate
internal import Kernels
internal import Model

/// Sums and counts of numbers by group.
struct SumAccumulator {
    private(set) var sums: [NumberSum] = []
    private(set) var counts: [Int64] = []

    mutating func add(
        _ numbers: BlockNumbers, _ cells: BlockCells, groupCount: Int
    ) throws(AggregateError) {
        sums.append(contentsOf: repeatElement(NumberSum(), count: groupCount - sums.count))
        counts.append(contentsOf: repeatElement(0, count: groupCount - counts.count))
        if !numbers.ints.values.isEmpty { try addInts(numbers, cells) }
        if !numbers.doubles.values.isEmpty { addDoubles(numbers.doubles, cells) }
    }

    /// Adds doubles as what they are integers of: every sum is exact before it is divided.
    mutating func add(
        _ decimals: BlockDecimals, _ cells: BlockCells, groupCount: Int
    ) throws(AggregateError) {
        sums.append(contentsOf: repeatElement(NumberSum(), count: groupCount - sums.count))
        counts.append(contentsOf: repeatElement(0, count: groupCount - counts.count))
        let (numbers, scale) = (decimals.numbers, decimals.scale)
        let (high, low) = Self.sums(numbers, cells, mayOverflow: decimals.mayOverflow)
        for cell in 0..<cells.cellCount where numbers.counts[cell] > 0 {
            let group = cells.groups[cell]
            let total = Int128(high[cell]) << 32 + Int128(low[cell])
            sums[group].add(decimals: total, scale: scale)
            counts[group] += numbers.counts[cell]
        }
    }

    private mutating func addInts(
        _ numbers: BlockNumbers, _ cells: BlockCells
    ) throws(AggregateError) {
        let ints = numbers.ints
        let (high, low) = Self.sums(ints, cells, mayOverflow: numbers.mayOverflow)
        for cell in 0..<cells.cellCount where ints.counts[cell] > 0 {
            let group = cells.groups[cell]
            try sums[group].add(integers: Int128(high[cell]) << 32 + Int128(low[cell]))
            counts[group] += ints.counts[cell]
        }
    }

    /// The sum of each cell: `high` times 2^32 plus `low`.
    private static func sums(
        _ ints: CellNumbers<Int64>, _ cells: BlockCells, mayOverflow: Bool
    ) -> (high: [Int64], low: [Int64]) {
        let count = ints.values.count
        var high = [Int64](repeating: 0, count: cells.cellCount)
        var low = high
        switch (cells.isSingle, mayOverflow) {
        case (true, true): (high[0], low[0]) = SumLoops.wideSum(ints.values, count: count)
        case (true, false): low[0] = SumLoops.sum(ints.values, count: count)
        case (false, true):
            SumLoops.wideSum(
                ints.values, cells: ints.cells, count: count, high: &high, low: &low)
        case (false, false):
            SumLoops.sum(
                ints.values, cells: ints.cells, count: count, into: &low,
                cellCount: cells.cellCount)
        }
        return (high, low)
    }

    private mutating func addDoubles(_ doubles: CellNumbers<Double>, _ cells: BlockCells) {
        let count = doubles.values.count
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: cells.cellCount)
        if cells.isSingle {
            totals[0] = SumLoops.sum(doubles.values, count: count)
        } else {
            SumLoops.sum(
                doubles.values, cells: doubles.cells, count: count, into: &totals,
                cellCount: cells.cellCount)
        }
        for cell in 0..<cells.cellCount where doubles.counts[cell] > 0 {
            let group = cells.groups[cell]
            sums[group].add(doubles: totals[cell].sum, correction: totals[cell].correction)
            counts[group] += doubles.counts[cell]
        }
    }

    /// Adds another thread's sums: the group `g` there is `groups[g]` here.
    mutating func absorb(
        _ other: SumAccumulator, groups: [UInt32], groupCount: Int
    ) throws(AggregateError) {
        sums.append(contentsOf: repeatElement(NumberSum(), count: groupCount - sums.count))
        counts.append(contentsOf: repeatElement(0, count: groupCount - counts.count))
        for group in other.sums.indices {
            try sums[Int(groups[group])].merge(other.sums[group])
            counts[Int(groups[group])] += other.counts[group]
        }
    }

    var groupCount: Int { sums.count }
}

/// The least or the greatest number by group.
struct ExtremeAccumulator {
    let isMinimum: Bool
    private var ints: [Int64] = []
    private var doubles: [Double] = []
    /// Whether the group had an integer, a double.
    private var hasInt: [Bool] = []
    private var hasDouble: [Bool] = []

    init(isMinimum: Bool) { self.isMinimum = isMinimum }

    mutating func add(_ numbers: BlockNumbers, _ cells: BlockCells, groupCount: Int) {
        makeRoom(for: groupCount)
        if !numbers.ints.values.isEmpty {
            let found = extremes(numbers.ints, cells)
            for cell in 0..<cells.cellCount where numbers.ints.counts[cell] > 0 {
                let group = cells.groups[cell]
                ints[group] =
                    isMinimum ? min(ints[group], found[cell]) : max(ints[group], found[cell])
                hasInt[group] = true
            }
        }
        if !numbers.doubles.values.isEmpty {
            let found = extremes(numbers.doubles, cells)
            for cell in 0..<cells.cellCount where numbers.doubles.counts[cell] > 0 {
                let group = cells.groups[cell]
                doubles[group] =
                    isMinimum ? min(doubles[group], found[cell]) : max(doubles[group], found[cell])
                hasDouble[group] = true
            }
        }
    }

    private mutating func makeRoom(for groupCount: Int) {
        let more = groupCount - ints.count
        ints.append(contentsOf: repeatElement(isMinimum ? .max : .min, count: more))
        doubles.append(contentsOf: repeatElement(isMinimum ? .infinity : -.infinity, count: more))
        hasInt.append(contentsOf: repeatElement(false, count: more))
        hasDouble.append(contentsOf: repeatElement(false, count: more))
    }

    var groupCount: Int { ints.count }

    /// Adds another thread's numbers: the group `g` there is `groups[g]` here.
    mutating func absorb(_ other: ExtremeAccumulator, groups: [UInt32], groupCount: Int) {
        makeRoom(for: groupCount)
        for from in other.ints.indices {
            let group = Int(groups[from])
            let (int, double) = (other.ints[from], other.doubles[from])
            ints[group] = isMinimum ? min(ints[group], int) : max(ints[group], int)
            doubles[group] = isMinimum ? min(doubles[group], double) : max(doubles[group], double)
            hasInt[group] = hasInt[group] || other.hasInt[from]
            hasDouble[group] = hasDouble[group] || other.hasDouble[from]
        }
    }

    private func extremes(_ numbers: CellNumbers<Int64>, _ cells: BlockCells) -> [Int64] {
        let count = numbers.values.count
        if cells.isSingle {
            let extremes = ExtremeLoops.extremes(numbers.values, count: count)
            return [isMinimum ? extremes.least : extremes.greatest]
        }
        var found = [Int64](repeating: isMinimum ? .max : .min, count: cells.cellCount)
        if isMinimum {
            ExtremeLoops.minimum(numbers.values, cells: numbers.cells, count: count, into: &found)
        } else {
            ExtremeLoops.maximum(numbers.values, cells: numbers.cells, count: count, into: &found)
        }
        return found
    }

    private func extremes(_ numbers: CellNumbers<Double>, _ cells: BlockCells) -> [Double] {
        let count = numbers.values.count
        if cells.isSingle {
            let extremes = ExtremeLoops.extremes(numbers.values, count: count)
            return [isMinimum ? extremes.least : extremes.greatest]
        }
        var found = [Double](
            repeating: isMinimum ? .infinity : -.infinity, count: cells.cellCount)
        if isMinimum {
            ExtremeLoops.minimum(numbers.values, cells: numbers.cells, count: count, into: &found)
        } else {
            ExtremeLoops.maximum(numbers.values, cells: numbers.cells, count: count, into: &found)
        }
        return found
    }

    var states: StateColumn {
        let extremes = ints.indices.map { group in
            let int = hasInt[group] ? Extreme.int(ints[group]) : .none
            let double = hasDouble[group] ? Extreme.double(doubles[group]) : .none
            return isMinimum ? int.smaller(double) : int.larger(double)
        }
        return isMinimum ? .minima(extremes) : .maxima(extremes)
    }
}
