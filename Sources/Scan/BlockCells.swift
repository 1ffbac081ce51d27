// Which cell each selected row belongs to. A cell is one combination of bucket and group values
// within a block; cells are numbered densely so that aggregates accumulate in plain arrays.

internal import Base
internal import Kernels
internal import Model
internal import Plan

/// The cells of one block, and the group of the whole scan that each stands for.
struct BlockCells {
    /// Selected rows.
    let rowCount: Int
    /// One a position; empty if there is a single cell.
    private(set) var cells: [UInt32] = []
    private(set) var cellCount = 1
    /// Rows of each cell; a cell that no row is in has no group.
    private(set) var counts: [Int64] = []
    /// The group of each cell that has rows.
    private(set) var groups: [Int] = []
    /// A position of each cell; empty if the cell itself is the code of the only varying column.
    private var representatives: [UInt32] = []

    var isSingle: Bool { cells.isEmpty }

    /// Combines the codes of buckets (if there are several) and of the group's columns.
    init(
        rowCount: Int, buckets: BucketCodes, columns: [LocalCodes], into table: inout GroupTable
    ) throws(PartialError) {
        self.rowCount = rowCount
        var isDirect = true
        if !buckets.codes.isEmpty {
            combine(buckets.codes, buckets.count, table.seed, &isDirect)
        }
        for column in columns where !column.isConstant {
            combine(column.codes, column.cardinality, table.seed, &isDirect)
        }
        if isSingle {
            counts = [Int64(rowCount)]
        } else {
            counts = [Int64](repeating: 0, count: cellCount)
            SumLoops.count(cells, count: rowCount, into: &counts, cellCount: cellCount)
        }
        if !isDirect {
            representatives = [UInt32](repeating: 0, count: cellCount)
            CodeLoops.representatives(cells, count: rowCount, into: &representatives)
        }
        try assignGroups(buckets, columns, &table)
    }

    /// Refines the cells by one more column.
    private mutating func combine(
        _ codes: [UInt32], _ cardinality: Int, _ seed: UInt64, _ isDirect: inout Bool
    ) {
        // Arrays over all combinations pay as long as they are not much longer than the rows.
        let directMax = 2 * rowCount + 64
        if isSingle {
            cells = codes
            cellCount = cardinality
            guard cardinality > directMax else { return }
            isDirect = false
            compact(seed) { $0.numbers(of: codes, count: $1, into: $2) }
            return
        }
        isDirect = false
        if cellCount * cardinality <= directMax {
            CodeLoops.combine(
                &cells, with: codes, cardinality: UInt32(cardinality), count: rowCount)
            cellCount *= cardinality
            return
        }
        let (before, count) = (cells, rowCount)
        let pairs: [UInt64] = filled(count) {
            CodeLoops.pair(before, with: codes, count: count, into: $0)
        }
        compact(seed) { $0.numbers(of: pairs, count: $1, into: $2) }
    }

    private mutating func compact(
        _ seed: UInt64, _ number: (inout WordTable, Int, UnsafeMutablePointer<UInt32>) -> Void
    ) {
        var table = WordTable(seed: seed)
        let count = rowCount
        cells = filled(count) { number(&table, count, $0) }
        cellCount = table.count
    }

    private mutating func assignGroups(
        _ buckets: BucketCodes, _ columns: [LocalCodes], _ table: inout GroupTable
    ) throws(PartialError) {
        groups = [Int](repeating: 0, count: cellCount)
        let used = counts.indices.filter { counts[$0] > 0 }
        var numbers = localCodes(buckets.codes, of: used).map {
            table.bucket(buckets.first + Int($0))
        }
        for index in columns.indices {
            let codes = localCodes(columns[index].codes, of: used)
            let values = columns[index].globals(
                of: codes, in: &table.values[index], grouping: table.groupings[index])
            numbers = table.refine(numbers, column: index, by: values)
        }
        for (cell, number) in zip(used, numbers) { groups[cell] = Int(number) }
        guard table.count <= Limits.queryGroupsMax else { throw .tooManyGroups }
    }

    /// A column's code in each of the cells.
    private func localCodes(_ codes: [UInt32], of cells: [Int]) -> [UInt32] {
        if codes.isEmpty { return [UInt32](repeating: 0, count: cells.count) }
        if representatives.isEmpty { return cells.map { UInt32($0) } }
        return cells.map { codes[Int(representatives[$0])] }
    }
}

/// The bucket of each selected row.
struct BucketCodes {
    /// The bucket that code 0 stands for.
    var first = 0
    /// Codes in use.
    var count = 1
    /// One a position; empty if all have code 0.
    var codes: [UInt32] = []
}

/// Numbers the groups of a whole scan. A group is a bucket refined by one value after the other, so
/// each step is one lookup of a pair of numbers.
struct GroupTable {
    let seed: UInt64
    /// One for each group column.
    let groupings: [Grouping]
    /// The values of each group column.
    var values: [ValueInterner]
    private var buckets: WordTable
    /// Table i numbers pairs of the group so far and the value of column i.
    private var pairs: [WordTable]

    init(columnCount: Int, groupings: [Grouping], seed: UInt64) {
        self.seed = seed
        let rest = max(columnCount - groupings.count, 0)
        self.groupings = groupings + [Grouping](repeating: .value, count: rest)
        values = (0..<columnCount).map { _ in ValueInterner(seed: seed) }
        buckets = WordTable(seed: seed)
        pairs = (0..<columnCount).map { _ in WordTable(seed: seed) }
    }

    var count: Int { pairs.last?.count ?? buckets.count }

    /// The buckets by the numbers of the groups that they are, before any value.
    var bucketWords: [UInt64] { buckets.words }

    mutating func bucket(_ bucket: Int) -> UInt32 { buckets.number(of: UInt64(bucket)) }

    /// The numbers of groups so far, each with one more value (bits of `ValueCode`).
    mutating func refine(_ groups: [UInt32], column: Int, by values: [UInt32]) -> [UInt32] {
        let count = groups.count
        let words: [UInt64] = filled(count) {
            CodeLoops.pair(groups, with: values, count: count, into: $0)
        }
        return filled(count) { pairs[column].numbers(of: words, count: count, into: $0) }
    }

    /// Adds another table's buckets; gives the number here of each bucket there.
    mutating func absorb(buckets other: GroupTable) -> [UInt32] {
        let words = other.buckets.words
        return filled(words.count) { buckets.numbers(of: words, count: words.count, into: $0) }
    }

    /// For each group up to a column, what `map` says of the group that it refines.
    func parents(_ column: Int, _ map: [UInt32]) -> [UInt32] {
        pairs[column].words.map { map[Int($0 >> 32)] }
    }

    /// For each group up to a column, the bits of that column's value.
    func valueBits(_ column: Int) -> [UInt32] {
        pairs[column].words.map { UInt32(truncatingIfNeeded: $0) }
    }

    /// The bucket and values of a group.
    func cell(of group: Int) -> (bucket: Int32, key: [Value]) {
        var key = [Value](repeating: .null, count: pairs.count)
        var group = group
        for index in pairs.indices.reversed() {
            let pair = pairs[index].words[group]
            key[index] = values[index].value(
                of: ValueCode(bits: UInt32(truncatingIfNeeded: pair)))
            group = Int(pair >> 32)
        }
        return (Int32(truncatingIfNeeded: buckets.words[group]), key)
    }
}
