// Finds the rows of a block that a delete is about.

package import Columns
internal import JSON
internal import Model
package import Plan

/// The rows that a timeframe and filters choose. Not Sendable.
package struct RowFinder {
    private let selection: RowSelection
    private let columnList: ColumnList
    private let parser = JSONParser()

    /// `timeframe` in milliseconds; nil: all time.
    package init(filters: [Filter], timeframe: Range<Int64>?) {
        var columns = ColumnList()
        selection = RowSelection(filters: filters, timeframe: timeframe, columns: &columns)
        columnList = columns
    }

    /// The rows and their times, rows ascending. Rows that are gone already are not found.
    package func find(in block: Block) throws -> (rows: [UInt32], times: [Int64]) {
        guard block.rowCount > 0 else { return ([], []) }
        var columns = BlockColumns(block, columnList)
        guard selection.mayMatch(columns), let selected = try selection.select(&columns, parser)
        else { return ([], []) }
        let times = selected.pick(try selection.timestamps(&columns))
        let rows = (0..<selected.count).map { position in
            selected.selected?[position] ?? UInt32(selected.first + position)
        }
        return (rows, times)
    }
}
