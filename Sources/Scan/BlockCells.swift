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
    /// The varying columns, buckets first, of which a cell is one number after the other: how many
    /// codes each has, and how many cells neighbouring codes are apart.
    private var layout: [(cardinality: UInt32, stride: UInt32)] = []
    /// A position of each cell; empty as long as `layout` says what the codes of a cell are.
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
        let wasSingle = isSingle
        if cellCount * cardinality <= directMax {
            if wasSingle {
                cells = codes
            } else {
                CodeLoops.combine(
                    &cells, with: codes, cardinality: UInt32(cardinality), count: rowCount)
            }
            cellCount *= cardinality
            for index in layout.indices { layout[index].stride *= UInt32(cardinality) }
            layout.append((UInt32(cardinality), 1))
            return
        }
        isDirect = false
        if wasSingle {
            compact(seed) { $0.numbers(of: codes, count: $1, into: $2) }
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
            numbers = localCodes(buckets.codes, 0, of: used).map {
                table.bucket(buckets.first + Int($0))
            }
        }
        var place = buckets.codes.isEmpty ? 0 : 1
        for index in columns.indices {
            let codes = localCodes(columns[index].codes, place, of: used)
            place += columns[index].isConstant ? 0 : 1
            let values = columns[index].keyNumbers(
                of: codes, in: &table.keys[index], grouping: table.groupings[index])
            numbers = table.refine(numbers, column: index, by: values)
        }
        groups = [Int](repeating: 0, count: cellCount)
        for index in used.indices { groups[Int(used[index])] = Int(numbers[index]) }
        guard table.count <= Limits.queryGroupsMax else { throw .tooManyGroups }
    }

    /// The code of a column, at its place among those that vary, in each of the cells.
    private func localCodes(_ codes: [UInt32], _ place: Int, of cells: [UInt32]) -> [UInt32] {
        if codes.isEmpty { return [UInt32](repeating: 0, count: cells.count) }
        guard representatives.isEmpty else {
            return cells.map { codes[Int(representatives[Int($0)])] }
        }
        if layout.count == 1 { return cells }
        let (cardinality, stride) = layout[place]
        return cells.map { $0 / stride % cardinality }
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
