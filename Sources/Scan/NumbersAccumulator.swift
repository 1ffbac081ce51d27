// The different numbers of every group with their counts, and the deviations of every group: filled
// a block at a time.

internal import Aggregate
internal import Kernels

/// Counted numbers by group. What comes in is only put down; it is sorted and counted when a good
/// deal has come together, and at the end.
struct NumbersAccumulator {
    private struct Group {
        var counted = CountedNumbers()
        var ints: [Int64] = []
        /// Keys of `OrderedDouble`: doubles that are no 64-bit integers.
        var fractions: [Int64] = []
    }

    private var groups: [Group] = []
    /// Different numbers that have been counted, over all groups.
    private var countedCount = 0
    /// Numbers that have not.
    private var pendingCount = 0

    /// Fewer numbers than this wait: 32 MB. A choice: what is counted in parts has to be merged.
    private static let pendingMax = 1 << 22

    /// Different numbers held, over all groups: no more than there are.
    var count: Int { countedCount }

    mutating func add(
        _ numbers: BlockNumbers, _ cells: BlockCells, groupCount: Int
    ) throws(AggregateError) {
        makeRoom(for: groupCount)
        if !numbers.ints.values.isEmpty {
            put(numbers.ints.values, of: numbers.ints, cells) { $0.ints.append(contentsOf: $1) }
        }
        if !numbers.doubles.values.isEmpty { addDoubles(numbers.doubles, cells) }
        if pendingCount > max(Self.pendingMax, countedCount) { try settle() }
    }

    private mutating func makeRoom(for groupCount: Int) {
        groups.append(contentsOf: repeatElement(Group(), count: groupCount - groups.count))
    }

    private mutating func addDoubles(_ doubles: CellNumbers<Double>, _ cells: BlockCells) {
        let values = doubles.values
        let keys: [Int64] = filled(values.count) {
            SortLoops.keys(of: values, count: values.count, into: $0)
        }
        put(keys, of: doubles, cells) { group, keys in
            let (ints, fractions) = splitIntegral(Array(keys))
            group.ints.append(contentsOf: ints)
            group.fractions.append(contentsOf: fractions)
        }
    }

    /// Hands the values to their groups, cell by cell.
    private mutating func put<Number>(
        _ values: [Int64], of numbers: CellNumbers<Number>, _ cells: BlockCells,
        _ append: (inout Group, ArraySlice<Int64>) -> Void
    ) {
        pendingCount += values.count
        guard !numbers.cells.isEmpty else {
            return append(&groups[cells.groups[0]], values[...])
        }
        let count = values.count
        var places: [Int] = []
        places.reserveCapacity(cells.cellCount)
        var place = 0
        for count in numbers.counts {
            places.append(place)
            place += Int(count)
        }
        let byCell: [Int64] = filled(count) {
            SortLoops.scatter(
                values, cells: numbers.cells, count: count, places: &places, into: $0)
        }
        var start = 0
        for cell in 0..<cells.cellCount where numbers.counts[cell] > 0 {
            let end = start + Int(numbers.counts[cell])
            append(&groups[cells.groups[cell]], byCell[start..<end])
            start = end
        }
    }

    /// Counts what waits.
    mutating func settle() throws(AggregateError) {
        guard pendingCount > 0 else { return }
        countedCount = 0
        for index in groups.indices {
            if !groups[index].ints.isEmpty || !groups[index].fractions.isEmpty {
                let ints = CountedRun(counting: &groups[index].ints)
                let fractions = CountedRun(counting: &groups[index].fractions)
                groups[index].ints = []
                groups[index].fractions = []
                try groups[index].counted.merge(CountedNumbers(ints: ints, fractions: fractions))
            }
            countedCount += groups[index].counted.count
        }
        pendingCount = 0
    }

    /// Adds another thread's numbers: the group `g` there is `map[g]` here. Both are settled.
    mutating func absorb(
        _ other: NumbersAccumulator, groups map: [UInt32], groupCount: Int
    ) throws(AggregateError) {
        makeRoom(for: groupCount)
        for (index, group) in other.groups.enumerated() where group.counted.count > 0 {
            let target = Int(map[index])
            countedCount -= groups[target].counted.count
            try groups[target].counted.merge(group.counted)
            countedCount += groups[target].counted.count
        }
    }

    /// Bytes of memory that the numbers take, roughly.
    var byteCount: Int {
        countedCount * 16 + pendingCount * 16 + groups.count * MemoryLayout<Group>.stride
    }

    /// Bytes of memory that settling takes at most: a second array of what is sorted, what is
    /// counted of it, and what that makes with what had been.
    var settleByteCount: Int { pendingCount * 24 + countedCount * 16 }

    /// Once it is settled.
    func numbers(of group: Int) -> CountedNumbers {
        group < groups.count ? groups[group].counted : CountedNumbers()
    }
}

/// Of keys of `OrderedDouble`, the numbers that are 64-bit integers, and the keys of the others.
func splitIntegral(_ keys: [Int64]) -> (ints: [Int64], fractions: [Int64]) {
    var fractions: [Int64] = []
    let ints = [Int64](unsafeUninitializedCapacity: keys.count + 1) { ints, filled in
        fractions = [Int64](unsafeUninitializedCapacity: keys.count + 1) { rest, filledRest in
            guard let ints = ints.baseAddress, let rest = rest.baseAddress else { return }
            (filled, filledRest) = SortLoops.split(
                keys, count: keys.count, integers: ints, fractions: rest)
        }
    }
    return (ints, fractions)
}

/// Deviations by group.
struct DeviationAccumulator {
    private(set) var groups: [Deviation] = []

    mutating func add(
        _ numbers: BlockNumbers, _ cells: BlockCells, groupCount: Int
    ) throws(AggregateError) {
        let more = groupCount - groups.count
        groups.append(contentsOf: repeatElement(Deviation(), count: more))
        let (ints, doubles) = (numbers.ints, numbers.doubles)
        if !ints.values.isEmpty {
            try add(
                CellNumbers(
                    values: ints.values.map { Double($0) }, cells: ints.cells, counts: ints.counts),
                cells)
        }
        if !doubles.values.isEmpty { try add(doubles, cells) }
    }

    private mutating func add(
        _ numbers: CellNumbers<Double>, _ cells: BlockCells
    ) throws(AggregateError) {
        let values = numbers.values
        var means = [Double](repeating: 0, count: cells.cellCount)
        var squares = means
        if numbers.cells.isEmpty {
            means[0] = SumLoops.sum(values, count: values.count).sum / Double(values.count)
            squares[0] = MomentLoops.squares(values, count: values.count, mean: means[0])
        } else {
            MomentLoops.sum(values, cells: numbers.cells, count: values.count, into: &means)
            for cell in means.indices where numbers.counts[cell] > 0 {
                means[cell] /= Double(numbers.counts[cell])
            }
            MomentLoops.squares(
                values, cells: numbers.cells, count: values.count, means: means, into: &squares)
        }
        for cell in means.indices where numbers.counts[cell] > 0 {
            try groups[cells.groups[cell]].merge(
                Deviation(
                    count: numbers.counts[cell], mean: means[cell], squares: squares[cell]))
        }
    }

    /// Adds another thread's deviations: the group `g` there is `map[g]` here.
    mutating func absorb(
        _ other: DeviationAccumulator, groups map: [UInt32], groupCount: Int
    ) throws(AggregateError) {
        let more = groupCount - groups.count
        groups.append(contentsOf: repeatElement(Deviation(), count: more))
        for (index, deviation) in other.groups.enumerated() {
            try groups[Int(map[index])].merge(deviation)
        }
    }

    var groupCount: Int { groups.count }
}
