// One aggregate of a plan over all groups of a scan.

internal import Aggregate
internal import Columns

/// What one block offers to the aggregates, computed once for each column.
struct BlockAnswers {
    let rows: SelectedRows
    let cells: BlockCells
    let groupCount: Int
    let seed: UInt64
    private var numbers: [Int: BlockNumbers] = [:]
    private var decimals: [Int: BlockDecimals] = [:]
    private var codes: [Int: LocalCodes] = [:]

    init(rows: SelectedRows, cells: BlockCells, groupCount: Int, seed: UInt64) {
        self.rows = rows
        self.cells = cells
        self.groupCount = groupCount
        self.seed = seed
    }

    mutating func numbers(
        _ column: Int, _ columns: inout BlockColumns
    ) throws(BlockError) -> BlockNumbers {
        if let known = numbers[column] { return known }
        // A column without numbers need not be decoded.
        let hasNumbers = !columns.kinds(column).isDisjoint(with: .numbers)
        let found = BlockNumbers(
            columns.chunks[column], hasNumbers ? try columns.values(column) : nil, rows, cells)
        numbers[column] = found
        return found
    }

    /// The doubles of a column that nobody else has asked for, if they are decimals.
    mutating func decimals(
        _ column: Int, _ columns: inout BlockColumns
    ) throws(BlockError) -> BlockDecimals? {
        if let known = decimals[column] { return known }
        guard numbers[column] == nil, let found = try columns.decimals(column) else { return nil }
        let decimals = BlockDecimals(found, columns.chunks[column], rows, cells)
        self.decimals[column] = decimals
        return decimals
    }

    mutating func codes(
        _ column: Int, _ columns: inout BlockColumns
    ) throws(BlockError) -> LocalCodes {
        if let known = codes[column] { return known }
        let found = LocalCodes(try columns.values(column), rows, seed: seed)
        codes[column] = found
        return found
    }
}

/// The states of one aggregate in every group.
enum Accumulator {
    case count([Int64])
    case sum(SumAccumulator, column: Int, isAverage: Bool)
    case extreme(ExtremeAccumulator, column: Int)
    case distinct(DistinctAccumulator, column: Int, isSelect: Bool)
    case numbers(NumbersAccumulator, column: Int)
    case deviation(DeviationAccumulator, column: Int)

    init(
        _ request: AggregateRequest, _ columns: inout ColumnList, isGrouped: Bool, seed: UInt64
    ) {
        // A request without a property can only count; anything else would be the planner's bug,
        // and counting rows of a shard is harmless.
        guard let target = request.target, request.kind != .count else {
            self = .count([])
            return
        }
        let column = columns.index(of: target)
        switch request.kind {
        case .count: self = .count([])
        case .sum: self = .sum(SumAccumulator(), column: column, isAverage: false)
        case .average: self = .sum(SumAccumulator(), column: column, isAverage: true)
        case .minimum: self = .extreme(ExtremeAccumulator(isMinimum: true), column: column)
        case .maximum: self = .extreme(ExtremeAccumulator(isMinimum: false), column: column)
        case .countUnique, .selectUnique:
            self = .distinct(
                DistinctAccumulator(
                    isGrouped: isGrouped, isCounted: request.kind == .countUnique, seed: seed),
                column: column, isSelect: request.kind == .selectUnique)
        case .numbers: self = .numbers(NumbersAccumulator(), column: column)
        case .standardDeviation: self = .deviation(DeviationAccumulator(), column: column)
        }
    }

    /// Values that distinct sets and counted numbers hold.
    var distinctCount: Int {
        switch self {
        case .distinct(let values, _, _): values.count
        case .numbers(let numbers, _): numbers.count
        default: 0
        }
    }

    /// Bytes of the texts that distinct sets hold.
    var textByteCount: Int {
        if case .distinct(let values, _, _) = self { values.textByteCount } else { 0 }
    }

    /// Adds the selected rows of a block.
    mutating func add(_ answers: inout BlockAnswers, _ columns: inout BlockColumns) throws {
        let before = self
        // Taken out of `self`, so that what grows is not copied.
        self = .count([])
        switch consume before {
        case .count(var counts):
            let cells = answers.cells
            counts.append(contentsOf: repeatElement(0, count: answers.groupCount - counts.count))
            for cell in 0..<cells.cellCount where cells.counts[cell] > 0 {
                counts[cells.groups[cell]] += cells.counts[cell]
            }
            self = .count(counts)
        case .sum(var sums, let column, let isAverage):
            if let decimals = try answers.decimals(column, &columns) {
                try sums.add(decimals, answers.cells, groupCount: answers.groupCount)
            } else {
                let numbers = try answers.numbers(column, &columns)
                try sums.add(numbers, answers.cells, groupCount: answers.groupCount)
            }
            self = .sum(sums, column: column, isAverage: isAverage)
        case .extreme(var extremes, let column):
            let numbers = try answers.numbers(column, &columns)
            extremes.add(numbers, answers.cells, groupCount: answers.groupCount)
            self = .extreme(extremes, column: column)
        case .distinct(var values, let column, let isSelect):
            try values.add(column, &answers, &columns)
            self = .distinct(values, column: column, isSelect: isSelect)
        case .numbers(var numbers, let column):
            let found = try answers.numbers(column, &columns)
            try numbers.add(found, answers.cells, groupCount: answers.groupCount)
            self = .numbers(numbers, column: column)
        case .deviation(var deviations, let column):
            let found = try answers.numbers(column, &columns)
            try deviations.add(found, answers.cells, groupCount: answers.groupCount)
            self = .deviation(deviations, column: column)
        }
    }

    /// Gets what has been found ready to be joined with others' or to become states. Costs what
    /// sorting costs: best done by the thread that found it.
    mutating func settle() throws {
        switch self {
        case .distinct(var values, let column, let isSelect):
            self = .count([])
            try values.settle()
            self = .distinct(values, column: column, isSelect: isSelect)
        case .numbers(var numbers, let column):
            self = .count([])
            try numbers.settle()
            self = .numbers(numbers, column: column)
        case .count, .sum, .extreme, .deviation: break
        }
    }

    /// The states of groups, once they are settled: that of group `groups[i]` at i.
    func states(of groups: [UInt32]) throws(AggregateError) -> StateColumn {
        let count = groups.count
        switch self {
        case .count(let counts): return StateColumn.counts(counts).picking(groups)
        case .sum(let sums, _, let isAverage):
            return
                (isAverage
                ? StateColumn.averages(sums.sums, sums.counts) : .sums(sums.sums)).picking(groups)
        case .extreme(let extremes, _): return extremes.states.picking(groups)
        case .distinct(let values, _, let isSelect):
            if isSelect {
                let sets = values.sets(groupCount: count)
                return .states(groups.map { .selectUnique(sets[Int($0)]) }, .selectUnique)
            }
            let counts = try values.counts(groupCount: count)
            return .states(groups.map { .countUnique(counts[Int($0)]) }, .countUnique)
        case .numbers(let numbers, _):
            return .states(groups.map { .numbers(numbers.numbers(of: Int($0))) }, .numbers)
        case .deviation(let deviations, _):
            return StateColumn.deviations(deviations.groups).picking(groups)
        }
    }

    /// Whether states are numbers alone.
    var isPlain: Bool {
        switch self {
        case .count, .sum, .extreme, .deviation: true
        case .distinct, .numbers: false
        }
    }

    /// Bytes of memory that settling and forming states take at most beside what is there.
    func finishByteCount(groupCount: Int) -> Int {
        switch self {
        case .count: groupCount * StateColumn.stride(of: .count)
        case .sum: groupCount * StateColumn.stride(of: .average)
        case .extreme: groupCount * StateColumn.stride(of: .minimum)
        case .deviation: groupCount * StateColumn.stride(of: .standardDeviation)
        case .numbers(let numbers, _):
            groupCount * StateColumn.stride(of: .numbers) + numbers.settleByteCount
        case .distinct(let values, _, _):
            // Eight bytes a number and sixteen beside a text, and as much again while they are
            // sorted.
            groupCount * StateColumn.stride(of: .countUnique) + values.count * 32
                + values.textByteCount
        }
    }
}
