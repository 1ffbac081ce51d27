// Distinct values by group. Within a block they are found by code, without touching a string; each
// distinct pair of cell and value then enters the scan's own tables once.

internal import Aggregate
internal import Base
internal import Kernels
internal import Model

/// The distinct values of one property in every group.
struct DistinctAccumulator {
    private var values: ValueInterner
    /// Pairs of group and value; not used if there is one group for all.
    private var pairs: WordTable
    private let isGrouped: Bool
    /// Booleans seen without groups: they have codes of their own and enter no table.
    private var bools = [false, false]
    private let seed: UInt64
    /// Whether sets that outgrow their exact bound become sketches.
    private let isCounted: Bool
    private var sketches: [Int: HyperLogLog] = [:]
    private var nextSketching = Limits.queryExactUniqueMax + 1

    /// A byte for every possible pair of a block is worth it up to this many. A choice: they stay
    /// in the second-level cache.
    private static let markedPairsMax = 1 << 18

    /// With `isGrouped` false all events are of group 0.
    init(isGrouped: Bool, isCounted: Bool, seed: UInt64) {
        self.isGrouped = isGrouped
        self.isCounted = isCounted
        self.seed = seed
        values = ValueInterner(seed: seed)
        pairs = WordTable(seed: seed)
    }

    /// Values held, over all groups.
    var count: Int {
        (isGrouped ? pairs.count : values.count)
            + sketches.count * UniqueCount.sketchHeldCount
    }

    var textByteCount: Int { values.textByteCount }

    mutating func add(_ codes: LocalCodes, _ cells: BlockCells) throws(AggregateError) {
        let found = distinctPairs(codes, cells)
        let globals = codes.globals(of: found.codes, in: &values)
        guard isGrouped else {
            for bits in globals where ValueCode(bits: bits).kind == .bool {
                bools[Int(bits & 1)] = true
            }
            sketchIfDue()
            return try checkCount()
        }
        var words: [UInt64] = []
        words.reserveCapacity(globals.count)
        for (index, bits) in globals.enumerated() where bits != ValueCode.null.bits {
            let group = cells.groups[found.cells.isEmpty ? 0 : Int(found.cells[index])]
            words.append(UInt64(group) << 32 | UInt64(bits))
        }
        let count = words.count
        let _: [UInt32] = filled(count) { pairs.numbers(of: words, count: count, into: $0) }
        sketchIfDue()
        try checkCount()
    }

    /// Adds another thread's values: the group `g` there is `groups[g]` here.
    mutating func absorb(
        _ other: DistinctAccumulator, groups: [UInt32]
    ) throws(AggregateError) {
        let translation = values.absorb(other.values)
        for index in bools.indices where other.bools[index] { bools[index] = true }
        for (group, sketch) in other.sketches {
            sketches[isGrouped ? Int(groups[group]) : group, default: HyperLogLog()].merge(sketch)
        }
        guard isGrouped else {
            sketchIfDue()
            return try checkCount()
        }
        let words = other.pairs.words.map {
            UInt64(groups[Int($0 >> 32)]) << 32
                | UInt64(translation.code(UInt32(truncatingIfNeeded: $0)))
        }
        let _: [UInt32] = filled(words.count) {
            pairs.numbers(of: words, count: words.count, into: $0)
        }
        sketchIfDue()
        try checkCount()
    }

    /// Bytes of memory that the values take, roughly.
    var byteCount: Int { values.byteCount + pairs.count * WordTable.entryBytes }

    private func checkCount() throws(AggregateError) {
        guard count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }

    /// Looked at each time as many values more are held as could make one set too large.
    private mutating func sketchIfDue() {
        guard isCounted, count >= nextSketching else { return }
        if isGrouped { sketchLargeGroups() } else { sketchAll() }
        nextSketching = count + Limits.queryExactUniqueMax
    }

    private mutating func sketchAll() {
        var sketch = sketches[0] ?? HyperLogLog()
        for code in values.codes { sketch.insert(values.value(of: code)) }
        sketches[0] = sketch
        values = ValueInterner(seed: seed)
    }

    /// Moves the sets that are too large for good into sketches, and keeps the others.
    private mutating func sketchLargeGroups() {
        var sizes: [Int: Int] = [:]
        for pair in pairs.words { sizes[Int(pair >> 32), default: 0] += 1 }
        for (group, size) in sizes where size > Limits.queryExactUniqueMax {
            sketches[group] = sketches[group] ?? HyperLogLog()
        }
        guard sizes.keys.contains(where: { sketches[$0] != nil }) else { return }
        var (kept, keptValues) = (WordTable(seed: seed), ValueInterner(seed: seed))
        for pair in pairs.words {
            let group = Int(pair >> 32)
            let value = values.value(of: ValueCode(bits: UInt32(truncatingIfNeeded: pair)))
            if sketches[group] != nil {
                sketches[group]?.insert(value)
            } else {
                let code = keptValues.code(value: value)
                _ = kept.number(of: UInt64(group) << 32 | UInt64(code.bits))
            }
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
            return ([], Self.marked(marks))
        }
        if codes.cardinality * cells.cellCount <= Self.markedPairsMax {
            var marks = [UInt8](repeating: 0, count: codes.cardinality * cells.cellCount)
            CodeLoops.mark(
                codes.codes, cells: cells.cells, cardinality: codes.cardinality,
                count: cells.rowCount, in: &marks)
            let pairs = Self.marked(marks)
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

    /// Indexes of the ones.
    private static func marked(_ marks: [UInt8]) -> [UInt32] {
        let count = MaskLoops.population(marks, count: marks.count)
        return [UInt32](unsafeUninitializedCapacity: count + 8) { target, filled in
            guard let base = target.baseAddress else { return }
            filled = MaskLoops.select(marks, first: 0, count: marks.count, into: base)
        }
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
        guard groupCount > 0 else { return [] }
        guard isGrouped else {
            let seen = bools.indices.filter { bools[$0] }.map { Value.bool($0 == 1) }
            let all = DistinctValues(unique: seen + values.codes.map { values.value(of: $0) })
            return [all] + [DistinctValues](repeating: DistinctValues(), count: groupCount - 1)
        }
        // Every value is made once, however many groups have it.
        var known: [UInt32: Value] = [:]
        var members = [[Value]](repeating: [], count: groupCount)
        for pair in pairs.words {
            let bits = UInt32(truncatingIfNeeded: pair)
            let value = known[bits] ?? values.value(of: ValueCode(bits: bits))
            known[bits] = value
            members[Int(pair >> 32)].append(value)
        }
        return members.map { DistinctValues(unique: $0) }
    }
}
