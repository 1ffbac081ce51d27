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
        let used: [UInt32] = nonzero(counts)
        var numbers: [UInt32]
        if buckets.codes.isEmpty {
            let bucket = table.bucket(buckets.first)
            numbers = [UInt32](repeating: bucket, count: used.count)
        } else {
            numbers = localCodes(buckets.codes, of: used).map {
                table.bucket(buckets.first + Int($0))
            }
        }
        for index in columns.indices {
            let codes = localCodes(columns[index].codes, of: used)
            let values = columns[index].keyNumbers(
                of: codes, in: &table.keys[index], grouping: table.groupings[index])
            numbers = table.refine(numbers, column: index, by: values)
        }
        groups = [Int](repeating: 0, count: cellCount)
        for index in used.indices { groups[Int(used[index])] = Int(numbers[index]) }
        guard table.count <= Limits.queryGroupsMax else { throw .tooManyGroups }
    }

    /// A column's code in each of the cells.
    private func localCodes(_ codes: [UInt32], of cells: [UInt32]) -> [UInt32] {
        if codes.isEmpty { return [UInt32](repeating: 0, count: cells.count) }
        if representatives.isEmpty { return cells }
        return cells.map { codes[Int(representatives[Int($0)])] }
    }
}

/// The indexes of counts that are not 0.
private func nonzero(_ counts: [Int64]) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: counts.count + 1) { target, filled in
        guard let base = target.baseAddress else { return }
        filled = CodeLoops.nonzero(counts, count: counts.count, into: base)
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
