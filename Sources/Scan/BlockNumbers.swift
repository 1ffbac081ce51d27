// The numbers of one column at the selected rows, integers apart from doubles, each with the cell
// that it belongs to. Everything that is no number is left out here.

internal import Columns
internal import Kernels

/// Numbers of one type with their cells.
struct CellNumbers<Number: BitwiseCopyable> {
    var values: [Number] = []
    /// One a value; empty if there is a single cell.
    var cells: [UInt32] = []
    /// Values of each cell.
    var counts: [Int64] = []
}

/// One column's numbers.
struct BlockNumbers {
    private(set) var ints = CellNumbers<Int64>()
    private(set) var doubles = CellNumbers<Double>()
    /// Whether the sum of all integers, of whatever cells, may leave 64 bits.
    private(set) var mayOverflow = false

    init(_ chunk: ColumnChunk?, _ column: DecodedColumn?, _ rows: SelectedRows, _ cells: BlockCells)
    {
        guard let chunk, let column else { return }
        let hasInts = !column.ints.isEmpty
        let hasDoubles = !column.doubles.isEmpty
        guard hasInts || hasDoubles else { return }
        switch column.tags {
        case .uniform:
            let counts = cells.counts
            if hasInts {
                ints = CellNumbers(
                    values: rows.pick(column.ints), cells: cells.cells, counts: counts)
            } else {
                doubles = CellNumbers(
                    values: rows.pick(column.doubles), cells: cells.cells, counts: counts)
            }
        case .mixed(let tags):
            let tags = rows.pick(tags)
            if hasInts {
                let places = positions(of: .int, in: tags)
                ints = Self.numbers(rows.pick(column.ints), places, cells) {
                    GatherLoops.gather($0, rows: places, count: places.count, into: $1)
                }
            }
            if hasDoubles {
                let places = positions(of: .double, in: tags)
                doubles = Self.numbers(rows.pick(column.doubles), places, cells) {
                    GatherLoops.gather($0, rows: places, count: places.count, into: $1)
                }
            }
        }
        mayOverflow = Self.mayOverflow(chunk.numberRange, ints.values)
    }

    private static func numbers<Number: BitwiseCopyable>(
        _ all: [Number], _ places: [UInt32], _ cells: BlockCells,
        _ gather: (UnsafePointer<Number>, UnsafeMutablePointer<Number>) -> Void
    ) -> CellNumbers<Number> {
        if places.count == all.count {
            return CellNumbers(values: all, cells: cells.cells, counts: cells.counts)
        }
        var numbers = CellNumbers<Number>()
        numbers.values = filled(places.count) { gather(all, $0) }
        guard !cells.isSingle else {
            numbers.counts = [Int64(places.count)]
            return numbers
        }
        numbers.cells = filled(places.count) {
            GatherLoops.gather(cells.cells, rows: places, count: places.count, into: $0)
        }
        numbers.counts = [Int64](repeating: 0, count: cells.cellCount)
        SumLoops.count(
            numbers.cells, count: places.count, into: &numbers.counts, cellCount: cells.cellCount)
        return numbers
    }

    private static func mayOverflow(_ zone: NumberRange, _ values: [Int64]) -> Bool {
        var bounds: ClosedRange<Int64>
        switch zone {
        case .ints(let range): bounds = range
        case .none, .doubles:
            guard !values.isEmpty else { return false }
            let extremes = ExtremeLoops.extremes(values, count: values.count)
            bounds = extremes.least...extremes.greatest
        }
        let magnitude = max(bounds.lowerBound.magnitude, bounds.upperBound.magnitude)
        let (product, overflow) = magnitude.multipliedReportingOverflow(by: UInt64(values.count))
        return overflow || product > UInt64(Int64.max)
    }
}

/// One column's doubles as integers over a power of ten.
struct BlockDecimals {
    let numbers: CellNumbers<Int64>
    let scale: Double
    /// Whether the sum of all integers, of whatever cells, may leave 64 bits.
    let mayOverflow: Bool

    init(_ decimals: Decimals, _ chunk: ColumnChunk?, _ rows: SelectedRows, _ cells: BlockCells) {
        numbers = CellNumbers(
            values: rows.pick(decimals.integers), cells: cells.cells, counts: cells.counts)
        scale = decimals.scale
        // From the directory: looking at every integer would cost what adding them does.
        guard case .doubles(let range)? = chunk?.numberRange else {
            mayOverflow = true
            return
        }
        let greatest = max(range.lowerBound.magnitude, range.upperBound.magnitude) * scale
        mayOverflow = !((greatest + 1) * Double(rows.count) < 0x1p62)
    }
}
