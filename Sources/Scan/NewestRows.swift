// The first half of an extraction: which rows of which blocks are the newest that satisfy the plan.
// Only times and row numbers are kept; the second half (EventRenderer) reads the chosen rows.

internal import Base
package import Columns
internal import JSON
internal import Model
package import Plan

/// Where an event of an extraction is.
package struct ExtractedRow: Sendable, Equatable {
    package var time: Int64
    /// The block's number, as it was consumed with.
    package var block: Int
    package var row: UInt32
}

/// The newest rows of one shard. Not Sendable.
package final class NewestRows {
    private let plan: ExtractionPlan
    private let selection: RowSelection
    private let columnList: ColumnList
    private let parser = JSONParser()
    private var rows: [ExtractedRow] = []
    /// Rows before this are not wanted any more.
    private var oldest = Int64.min
    package private(set) var statistics = ScanStatistics()

    package init(plan: ExtractionPlan) {
        self.plan = plan
        var columns = ColumnList()
        let timeframe = plan.timeframe.map {
            $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
        }
        selection = RowSelection(
            filters: plan.filters, timeframe: timeframe, columns: &columns)
        columnList = columns
    }

    /// Whether a block whose latest event has this time can add anything.
    package func wants(maxTimestamp: Int64) -> Bool { maxTimestamp >= oldest }

    /// Adds a block's rows. `number` ascends in the order of the log; the order of the calls is the
    /// caller's: the fastest is that of falling times. Throws `BlockError` or `ExtractionTooLarge`.
    package func consume(_ block: Block, number: Int) throws {
        guard block.rowCount > 0 else { return }
        var columns = BlockColumns(block, columnList)
        guard selection.mayMatch(columns) else {
            statistics.blocksSkipped += 1
            return
        }
        statistics.blocksRead += 1
        statistics.rowsScanned += Int64(block.rowCount)
        guard let selected = try selection.select(&columns, parser) else { return }
        statistics.rowsMatched += Int64(selected.count)
        guard plan.isLatest || rows.count + selected.count <= plan.limit else {
            throw ExtractionTooLarge.events(max: plan.limit)
        }
        let times = selected.pick(try selection.timestamps(&columns))
        for position in 0..<selected.count where times[position] >= oldest {
            let row = selected.selected?[position] ?? UInt32(selected.first + position)
            rows.append(ExtractedRow(time: times[position], block: number, row: row))
        }
        if rows.count >= 2 * plan.limit { cut() }
    }

    private func cut() {
        rows.sort { ($0.time, $0.block, $0.row) > ($1.time, $1.block, $1.row) }
        guard rows.count >= plan.limit, let last = rows.prefix(plan.limit).last else { return }
        rows.removeLast(rows.count - plan.limit)
        oldest = last.time
    }

    /// The rows, newest first; of rows of one time the one that came last first.
    package func finish() -> [ExtractedRow] {
        cut()
        return rows
    }
}
