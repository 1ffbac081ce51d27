// The different numbers of every group with their counts, and the deviations of every group: filled
// a block at a time.

internal import Aggregate
internal import Kernels

/// Counted numbers by group.
struct NumbersAccumulator {
    private var groups: [CountedNumbers] = []
    /// Different numbers held, over all groups.
    private(set) var count = 0

    mutating func add(
        _ numbers: BlockNumbers, _ cells: BlockCells, groupCount: Int
    ) throws(AggregateError) {
        let more = groupCount - groups.count
        groups.append(contentsOf: repeatElement(CountedNumbers(), count: more))
        try add(numbers.ints, cells) { PlainNumber.int($0) }
        try add(numbers.doubles, cells) { PlainNumber($0) }
    }

    private mutating func add<Number: Comparable & BitwiseCopyable>(
        _ numbers: CellNumbers<Number>, _ cells: BlockCells, _ plain: (Number) -> PlainNumber
    ) throws(AggregateError) {
        guard !numbers.values.isEmpty else { return }
        var start = 0
        let sorted = Self.sortedByCell(numbers, cellCount: cells.cellCount)
        for cell in 0..<cells.cellCount where numbers.counts[cell] > 0 {
            let end = start + Int(numbers.counts[cell])
            let group = cells.groups[cell]
            count -= groups[group].count
            try groups[group].merge(
                CountedNumbers(ascending: Self.entries(sorted[start..<end], plain)))
            count += groups[group].count
            start = end
        }
    }

    /// The values cell by cell, ascending within each.
    private static func sortedByCell<Number: Comparable & BitwiseCopyable>(
        _ numbers: CellNumbers<Number>, cellCount: Int
    ) -> [Number] {
        guard !numbers.cells.isEmpty else { return numbers.values.sorted() }
        var places: [Int] = []
        var place = 0
        for count in numbers.counts {
            places.append(place)
            place += Int(count)
        }
        let starts = places
        var sorted = numbers.values
        for (value, cell) in zip(numbers.values, numbers.cells) {
            sorted[places[Int(cell)]] = value
            places[Int(cell)] += 1
        }
        for (start, end) in zip(starts, places) where end - start > 1 {
            sorted[start..<end].sort()
        }
        return sorted
    }

    private static func entries<Number: Comparable>(
        _ sorted: ArraySlice<Number>, _ plain: (Number) -> PlainNumber
    ) -> [CountedNumbers.Entry] {
        var entries: [CountedNumbers.Entry] = []
        var run = sorted.startIndex
        for index in sorted.indices where index > run && sorted[index] != sorted[run] {
            entries.append(.init(number: plain(sorted[run]), count: Int64(index - run)))
            run = index
        }
        if run < sorted.endIndex {
            entries.append(.init(number: plain(sorted[run]), count: Int64(sorted.endIndex - run)))
        }
        return entries
    }

    /// Adds another thread's numbers: the group `g` there is `map[g]` here.
    mutating func absorb(
        _ other: NumbersAccumulator, groups map: [UInt32], groupCount: Int
    ) throws(AggregateError) {
        let more = groupCount - groups.count
        groups.append(contentsOf: repeatElement(CountedNumbers(), count: more))
        for (index, numbers) in other.groups.enumerated() where numbers.count > 0 {
            let group = Int(map[index])
            count -= groups[group].count
            try groups[group].merge(numbers)
            count += groups[group].count
        }
    }

    /// Bytes of memory that the numbers take, roughly.
    var byteCount: Int { count * MemoryLayout<CountedNumbers.Entry>.stride + groups.count * 16 }

    func numbers(of group: Int) -> CountedNumbers {
        group < groups.count ? groups[group] : CountedNumbers()
    }
}

/// Deviations by group.
struct DeviationAccumulator {
    private var groups: [Deviation] = []

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

    func deviation(of group: Int) -> Deviation {
        group < groups.count ? groups[group] : Deviation()
    }
}
