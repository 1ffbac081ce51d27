// Distinct values by group. Within a block they are found by code, without touching a string; each
// distinct pair of cell and value then enters the scan's own tables once.

internal import Aggregate
internal import Base
internal import Kernels
internal import Model

/// The distinct values of one property in every group.
struct DistinctAccumulator {
    private var values: ValueInterner
    /// Pairs of group and value.
    private var pairs: WordTable
    private let seed: UInt64

    /// A byte for every possible pair of a block is worth it up to this many. A choice: they stay
    /// in the second-level cache.
    private static let markedPairsMax = 1 << 18

    init(seed: UInt64) {
        self.seed = seed
        values = ValueInterner(seed: seed)
        pairs = WordTable(seed: seed)
    }

    /// Values held, over all groups.
    var count: Int { pairs.count }

    mutating func add(_ codes: LocalCodes, _ cells: BlockCells) throws(AggregateError) {
        var known = [UInt32](repeating: .max, count: codes.cardinality)
        if codes.isConstant {
            for cell in 0..<cells.cellCount where cells.counts[cell] > 0 {
                add(code: 0, of: codes, cell: cell, cells, &known)
            }
        } else if cells.isSingle {
            var marks = [UInt8](repeating: 0, count: codes.cardinality)
            CodeLoops.mark(codes.codes, count: cells.rowCount, in: &marks)
            for code in 0..<codes.cardinality where marks[code] == 1 {
                add(code: code, of: codes, cell: 0, cells, &known)
            }
        } else if codes.cardinality * cells.cellCount <= Self.markedPairsMax {
            var marks = [UInt8](repeating: 0, count: codes.cardinality * cells.cellCount)
            CodeLoops.mark(
                codes.codes, cells: cells.cells, cardinality: codes.cardinality,
                count: cells.rowCount, in: &marks)
            for index in marks.indices where marks[index] == 1 {
                let (cell, code) = index.quotientAndRemainder(dividingBy: codes.cardinality)
                add(code: code, of: codes, cell: cell, cells, &known)
            }
        } else {
            addHashed(codes, cells, &known)
        }
        guard pairs.count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }

    private mutating func addHashed(
        _ codes: LocalCodes, _ cells: BlockCells, _ known: inout [UInt32]
    ) {
        let rowCount = cells.rowCount
        let words: [UInt64] = filled(rowCount) {
            CodeLoops.pair(cells.cells, with: codes.codes, count: rowCount, into: $0)
        }
        var table = WordTable(seed: seed)
        let _: [UInt32] = filled(rowCount) { table.numbers(of: words, count: rowCount, into: $0) }
        for word in table.words {
            add(
                code: Int(word & 0xFFFF_FFFF), of: codes, cell: Int(word >> 32), cells, &known)
        }
    }

    private mutating func add(
        code: Int, of codes: LocalCodes, cell: Int, _ cells: BlockCells, _ known: inout [UInt32]
    ) {
        if known[code] == .max { known[code] = codes.global(code, in: &values).bits }
        guard known[code] != ValueCode.null.bits else { return }
        _ = pairs.number(of: UInt64(cells.groups[cell]) << 32 | UInt64(known[code]))
    }

    /// The set of every group.
    func sets(groupCount: Int) throws(AggregateError) -> [DistinctValues] {
        var sets = [DistinctValues](repeating: DistinctValues(), count: groupCount)
        for pair in pairs.words {
            let code = ValueCode(bits: UInt32(truncatingIfNeeded: pair))
            try sets[Int(pair >> 32)].insert(values.value(of: code))
        }
        return sets
    }
}
