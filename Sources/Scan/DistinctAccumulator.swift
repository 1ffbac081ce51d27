// Distinct values by group. Within a block they are found by code, without touching a string; each
// distinct pair of cell and value then enters the scan's own tables once.

internal import Aggregate
internal import Base
internal import Columns
internal import Kernels
internal import Model

/// The distinct values of one property in every group.
struct GroupedValues {
    private var values: ValueInterner
    /// Pairs of group and value.
    private var pairs: WordTable
    private let seed: UInt64
    private var sketches: [Int: HyperLogLog] = [:]

    /// A byte for every possible pair of a block is worth it up to this many. A choice: they stay
    /// in the second-level cache.
    private static let markedPairsMax = 1 << 18

    init(seed: UInt64) {
        self.seed = seed
        values = ValueInterner(seed: seed)
        pairs = WordTable(seed: seed)
    }

    /// Values held, over all groups.
    var count: Int { pairs.count + sketches.count * UniqueCount.sketchHeldCount }

    var textByteCount: Int { values.textByteCount }

    /// Bytes of memory that the values take, roughly.
    var byteCount: Int { values.byteCount + pairs.count * WordTable.entryBytes }

    mutating func add(_ codes: LocalCodes, _ cells: BlockCells) {
        let found = distinctPairs(codes, cells)
        let globals = codes.globals(of: found.codes, in: &values)
        var words: [UInt64] = []
        words.reserveCapacity(globals.count)
        for (index, bits) in globals.enumerated() where bits != ValueCode.null.bits {
            let group = cells.groups[found.cells.isEmpty ? 0 : Int(found.cells[index])]
            words.append(UInt64(group) << 32 | UInt64(bits))
        }
        insert(words)
    }

    private mutating func insert(_ words: [UInt64]) {
        let count = words.count
        let _: [UInt32] = filled(count) { pairs.numbers(of: words, count: count, into: $0) }
    }

    /// Adds another thread's values: the group `g` there is `groups[g]` here.
    mutating func absorb(_ other: GroupedValues, groups: [UInt32]) {
        let translation = values.absorb(other.values)
        for (group, sketch) in other.sketches {
            sketches[Int(groups[group]), default: HyperLogLog()].merge(sketch)
        }
        insert(
            other.pairs.words.map {
                UInt64(groups[Int($0 >> 32)]) << 32
                    | UInt64(translation.code(UInt32(truncatingIfNeeded: $0)))
            })
    }

    /// Moves the sets of more than `max` values into sketches, for good, and keeps the others.
    mutating func sketch(beyond max: Int) {
        var sizes: [Int: Int] = [:]
        for pair in pairs.words { sizes[Int(pair >> 32), default: 0] += 1 }
        let large = Set(sizes.keys.filter { sketches[$0] != nil || sizes[$0, default: 0] > max })
        guard !large.isEmpty else { return }
        let sets = sets(groupCount: (sizes.keys.max() ?? 0) + 1)
        for group in large { sketches[group, default: HyperLogLog()].insert(sets[group]) }
        var (kept, keptValues) = (WordTable(seed: seed), ValueInterner(seed: seed))
        for pair in pairs.words where !large.contains(Int(pair >> 32)) {
            let value = values.value(of: ValueCode(bits: UInt32(truncatingIfNeeded: pair)))
            let code = keptValues.code(value: value)
            _ = kept.number(of: pair & ~0xFFFF_FFFF | UInt64(code.bits))
        }
        pairs = kept
        values = keptValues
    }

    /// Each pair of cell and code that occurs in a block, once. Without `cells`: of cell 0.
    private func distinctPairs(
        _ codes: LocalCodes, _ cells: BlockCells
    ) -> (cells: [UInt32], codes: [UInt32]) {
        if codes.isConstant {
            let used = cells.counts.indices.filter { cells.counts[$0] > 0 }.map { UInt32($0) }
            return (used, [UInt32](repeating: 0, count: used.count))
        }
        if cells.isSingle {
            var marks = [UInt8](repeating: 0, count: codes.cardinality)
            CodeLoops.mark(codes.codes, count: cells.rowCount, in: &marks)
            return ([], markedIndexes(marks, count: marks.count))
        }
        if codes.cardinality * cells.cellCount <= Self.markedPairsMax {
            var marks = [UInt8](repeating: 0, count: codes.cardinality * cells.cellCount)
            CodeLoops.mark(
                codes.codes, cells: cells.cells, cardinality: codes.cardinality,
                count: cells.rowCount, in: &marks)
            let pairs = markedIndexes(marks, count: marks.count)
            let cardinality = UInt32(codes.cardinality)
            return (pairs.map { $0 / cardinality }, pairs.map { $0 % cardinality })
        }
        let rowCount = cells.rowCount
        let words: [UInt64] = filled(rowCount) {
            CodeLoops.pair(cells.cells, with: codes.codes, count: rowCount, into: $0)
        }
        var table = WordTable(seed: seed)
        let _: [UInt32] = filled(rowCount) { table.numbers(of: words, count: rowCount, into: $0) }
        return (
            table.words.map { UInt32(truncatingIfNeeded: $0 >> 32) },
            table.words.map { UInt32(truncatingIfNeeded: $0) }
        )
    }

    /// How many values every group has.
    func counts(groupCount: Int) throws(AggregateError) -> [UniqueCount] {
        var counts = sets(groupCount: groupCount).map { UniqueCount($0) }
        for (group, sketch) in sketches where group < groupCount {
            try counts[group].merge(.sketch(sketch))
        }
        return counts
    }

    /// The set of every group, without what is in sketches.
    func sets(groupCount: Int) -> [DistinctValues] {
        var starts = [Int](repeating: 0, count: groupCount + 1)
        for pair in pairs.words { starts[Int(pair >> 32) + 1] += 1 }
        for group in 0..<groupCount { starts[group + 1] += starts[group] }
        var places = starts
        var codes = [UInt32](repeating: 0, count: pairs.count)
        for pair in pairs.words {
            let group = Int(pair >> 32)
            codes[places[group]] = UInt32(truncatingIfNeeded: pair)
            places[group] += 1
        }
        return (0..<groupCount).map { values.set(of: codes[starts[$0]..<starts[$0 + 1]]) }
    }
}

/// The distinct values of one property: of all events together, or in every group.
struct DistinctAccumulator {
    private var all: ValueSet
    private var grouped: GroupedValues
    private let isGrouped: Bool
    /// Whether sets that outgrow their exact bound become sketches.
    private let isCounted: Bool
    private var nextSketching = Limits.queryExactUniqueMax + 1

    /// With `isGrouped` false all events are of group 0.
    init(isGrouped: Bool, isCounted: Bool, seed: UInt64) {
        self.isGrouped = isGrouped
        self.isCounted = isCounted
        all = ValueSet(seed: seed)
        grouped = GroupedValues(seed: seed)
    }

    /// Values held, over all groups.
    var count: Int { isGrouped ? grouped.count : all.count }
    var textByteCount: Int { isGrouped ? grouped.textByteCount : all.textByteCount }
    var byteCount: Int { isGrouped ? grouped.byteCount : all.byteCount }

    mutating func add(
        _ column: Int, _ answers: inout BlockAnswers, _ columns: inout BlockColumns
    ) throws {
        if isGrouped {
            grouped.add(try answers.codes(column, &columns), answers.cells)
        } else {
            let kinds = columns.kinds(column)
            if !kinds.isDisjoint(with: .numbers) {
                all.add(try answers.numbers(column, &columns))
            }
            if !kinds.isDisjoint(with: [.bools, .texts]),
                let values = try columns.values(column)
            {
                try all.addOthers(values, answers.rows)
            }
        }
        try check()
    }

    /// Adds another thread's values: the group `g` there is `groups[g]` here. Both are settled.
    mutating func absorb(
        _ other: DistinctAccumulator, groups: [UInt32]
    ) throws(AggregateError) {
        if isGrouped {
            grouped.absorb(other.grouped, groups: groups)
        } else {
            try all.absorb(other.all)
        }
        try check()
    }

    /// Puts the values in order.
    mutating func settle() throws(AggregateError) { try all.settle() }

    /// Sketches are thought of each time as many values more are held as could make one set too
    /// large.
    private mutating func check() throws(AggregateError) {
        if isCounted, count >= nextSketching {
            if isGrouped {
                grouped.sketch(beyond: Limits.queryExactUniqueMax)
            } else {
                try all.sketch(beyond: Limits.queryExactUniqueMax)
            }
            nextSketching = count + Limits.queryExactUniqueMax
        }
        // Values that are not in order yet may count more than once.
        if count > Limits.queryDistinctValuesMax { try settle() }
        guard count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }

    /// How many values every group has, once it is settled.
    func counts(groupCount: Int) throws(AggregateError) -> [UniqueCount] {
        if isGrouped { return try grouped.counts(groupCount: groupCount) }
        var first = UniqueCount(all.values)
        if let sketch = all.sketch { try first.merge(.sketch(sketch)) }
        return Self.first(first, UniqueCount(), groupCount)
    }

    /// The set of every group, once it is settled.
    func sets(groupCount: Int) -> [DistinctValues] {
        if isGrouped { return grouped.sets(groupCount: groupCount) }
        return Self.first(all.values, DistinctValues(), groupCount)
    }

    private static func first<State>(_ first: State, _ rest: State, _ count: Int) -> [State] {
        count == 0 ? [] : [first] + repeatElement(rest, count: count - 1)
    }
}
