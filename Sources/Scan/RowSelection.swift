// Which rows of a block a plan is about: pruned by zone maps, then chosen by time and filters, and
// never those that have been deleted.

internal import Columns
internal import JSON
internal import Kernels
internal import Model
internal import Plan

/// The rows that a timeframe and filters choose.
struct RowSelection {
    private let filter: FilterTree
    private let timestampColumn: Int
    /// Milliseconds. Nil: all time.
    let timeframe: Range<Int64>?

    init(filters: [Filter], timeframe: Range<Int64>?, columns: inout ColumnList) {
        filter = FilterTree(.all(filters), columns: &columns)
        timestampColumn = columns.index(of: .timestamp)
        self.timeframe = timeframe
    }

    /// Whether some row may be chosen, from the directory alone.
    func mayMatch(_ columns: BlockColumns) -> Bool {
        overlaps(columns.block) && filter.verdict(columns).canHold
    }

    private func overlaps(_ block: Block) -> Bool {
        guard let timeframe else { return true }
        return block.minTimestamp < timeframe.upperBound
            && block.maxTimestamp >= timeframe.lowerBound && !timeframe.isEmpty
    }

    /// Nil when no row is left.
    func select(
        _ columns: inout BlockColumns, _ parser: JSONParser
    ) throws(BlockError) -> SelectedRows? {
        let block = columns.block
        var range = RowRange(first: 0, count: block.rowCount)
        var mask: [UInt8]?
        if let timeframe, !isWithin(timeframe, block) {
            (range, mask) = try selectTime(timeframe, &columns)
        }
        guard range.count > 0 else { return nil }
        if let live = block.edits.live {
            Self.intersect(Array(live[range.first..<range.first + range.count]), into: &mask)
        }
        if filter.verdict(columns).canFail {
            switch try filter.mask(&columns, range, parser) {
            case .none: return nil
            case .all: break
            case .some(let filtered): Self.intersect(filtered, into: &mask)
            }
        }
        guard let mask else { return SelectedRows(range, of: block.rowCount) }
        let rows = SelectedRows(range, mask: mask, of: block.rowCount)
        return rows.count > 0 ? rows : nil
    }

    private static func intersect(_ other: [UInt8], into mask: inout [UInt8]?) {
        guard var both = mask else {
            mask = other
            return
        }
        mask = nil
        MaskLoops.intersect(other, count: other.count, into: &both)
        mask = both
    }

    private func isWithin(_ timeframe: Range<Int64>, _ block: Block) -> Bool {
        timeframe.contains(block.minTimestamp) && timeframe.contains(block.maxTimestamp)
    }

    private func selectTime(
        _ timeframe: Range<Int64>, _ columns: inout BlockColumns
    ) throws(BlockError) -> (RowRange, [UInt8]?) {
        let rowCount = columns.block.rowCount
        let times = try timestamps(&columns)
        if columns.block.isSortedByTimestamp {
            let first = CodeLoops.lowerBound(
                times, from: 0, to: rowCount, of: timeframe.lowerBound)
            let end = CodeLoops.lowerBound(
                times, from: first, to: rowCount, of: timeframe.upperBound)
            return (RowRange(first: first, count: end - first), nil)
        }
        var mask = [UInt8](repeating: 0, count: rowCount)
        MaskLoops.addWithin(
            times, first: 0, count: rowCount, low: timeframe.lowerBound,
            high: timeframe.upperBound - 1, to: &mask)
        return (RowRange(first: 0, count: rowCount), mask)
    }

    /// The time of every row of the block.
    func timestamps(_ columns: inout BlockColumns) throws(BlockError) -> [Int64] {
        let values = try columns.values(timestampColumn)
        guard let values, values.ints.count == columns.block.rowCount else {
            throw BlockError(
                code: .invalid, column: PropertyPath.timestamp.text, offset: 0,
                message: "not every event has a time")
        }
        return values.ints
    }
}
