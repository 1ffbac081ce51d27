// Runs one plan over blocks: prune by zone maps, select rows by time and filters, number their
// cells, accumulate. Everything that happens for each row is a loop of Kernels over plain arrays.

internal import Aggregate
internal import Base
package import Columns
internal import JSON
internal import Kernels
internal import Model
package import Plan

/// The groups and distinct values of a scan have more text than any answer could carry.
package struct ScanLimitError: Error, Sendable, CustomStringConvertible {
    package let textBytesMax: Int

    package var description: String {
        "the groups and distinct values of the query have more than \(textBytesMax) bytes of text "
            + "on one node"
    }
}

/// One plan over one stretch of blocks. Not Sendable: each thread that scans has its own, and their
/// results merge (`PartialMerger`). It knows nothing of time: whoever feeds it checks deadlines
/// between blocks.
package final class ScanExecution {
    private let plan: ScanPlan
    /// Its timeframe is the plan's, cut to the buckets.
    private let selection: RowSelection
    private let columnList: ColumnList
    private let groupColumns: [Int]
    private let boundaries: [Int64]
    private let seed: UInt64
    private let parser = JSONParser()
    private let textBytesMax: Int

    private var groups: GroupTable
    private var accumulators: [Accumulator]
    package private(set) var statistics = ScanStatistics()

    package init(plan: ScanPlan, textBytesMax: Int = Limits.scanTextBytesMax) {
        self.plan = plan
        self.textBytesMax = textBytesMax
        var columns = ColumnList()
        // Fewer than two boundaries bound no bucket.
        let times = plan.boundaries.map(\.milliseconds)
        boundaries = times.count >= 2 ? times : []
        selection = RowSelection(
            filters: plan.filters, timeframe: Self.timeframe(plan.timeframe, boundaries),
            columns: &columns)
        groupColumns = plan.groupBy.map { columns.index(of: $0) }
        // Swift seeds its hashing once a process; an empty hash is as good a seed as any.
        let seed = UInt64(bitPattern: Int64(Hasher().finalize()))
        self.seed = seed
        let isGrouped = !plan.groupBy.isEmpty || !plan.boundaries.isEmpty
        accumulators = plan.aggregates.map {
            Accumulator($0, &columns, isGrouped: isGrouped, seed: seed)
        }
        columnList = columns
        groups = GroupTable(
            columnCount: plan.groupBy.count, groupings: plan.groupings, seed: seed)
    }

    private static func timeframe(
        _ planned: Range<Timestamp>?, _ boundaries: [Int64]
    ) -> Range<Int64>? {
        let asked = planned.map { $0.lowerBound.milliseconds..<$0.upperBound.milliseconds }
        guard let first = boundaries.first, let last = boundaries.last else { return asked }
        let buckets = first..<max(first, last)
        return asked.map { $0.clamped(to: buckets) } ?? buckets
    }

    /// Adds a block's events. After an error the execution is of no more use.
    package func consume(_ block: Block) throws {
        guard block.rowCount > 0 else { return }
        var columns = BlockColumns(block, columnList)
        guard selection.mayMatch(columns) else {
            statistics.blocksSkipped += 1
            return
        }
        columns.announce()
        statistics.blocksRead += 1
        statistics.rowsScanned += Int64(block.rowCount)
        defer { statistics.bytesRead += Int64(columns.bytesRead) }
        guard let rows = try selection.select(&columns, parser) else { return }
        statistics.rowsMatched += Int64(rows.count)
        let buckets = try bucketCodes(rows, &columns)
        var codes: [LocalCodes] = []
        for column in groupColumns {
            codes.append(LocalCodes(try columns.values(column), rows, seed: seed))
        }
        let cells = try BlockCells(
            rowCount: rows.count, buckets: buckets, columns: codes, into: &groups)
        var answers = BlockAnswers(
            rows: rows, cells: cells, groupCount: groups.count, seed: seed)
        for index in accumulators.indices { try accumulators[index].add(&answers, &columns) }
        try checkLimits()
    }

    /// What is not in order yet may count more than once: put in order before it is too much.
    private func checkLimits() throws {
        do { try checkCounts() } catch {
            for index in accumulators.indices { try accumulators[index].settle() }
            try checkCounts()
        }
    }

    private func checkCounts() throws {
        guard accumulators.reduce(0, { $0 + $1.distinctCount }) <= Limits.queryDistinctValuesMax
        else { throw PartialError.aggregate(.tooManyDistinctValues) }
        let textBytes =
            groups.textByteCount + accumulators.reduce(0) { $0 + $1.textByteCount }
        guard textBytes <= textBytesMax else { throw ScanLimitError(textBytesMax: textBytesMax) }
    }

    /// Gets what has been found ready to be joined with others' or to become states. Done at the
    /// end anyway; costs what sorting costs, so it is best done by the thread that scanned.
    package func settle() throws {
        for index in accumulators.indices { try accumulators[index].settle() }
        try checkLimits()
    }

    /// The states of every bucket and group that had an event.
    package func finish() throws -> PartialResult {
        try settle()
        guard groups.count > 0 else { return PartialResult(statistics: statistics) }
        let (keys, numbers) = groups.ordered()
        var states: [StateColumn] = []
        for accumulator in accumulators { states.append(try accumulator.states(of: numbers)) }
        return PartialResult(keys: keys, states: states, statistics: statistics)
    }

    // MARK: Threads

    /// What has been found so far. Copies share their memory: take it when no more blocks come.
    package func tables() throws -> ScanTables {
        try settle()
        return ScanTables(groups: groups, accumulators: accumulators, statistics: statistics)
    }

    /// Adds what other executions of the plan have found. After an error it is of no more use.
    package func absorb(_ others: [ScanTables]) throws {
        guard let first = others.first else { return }
        // The first of them stands as it is where there is nothing yet.
        let isEmpty = groups.count == 0
        var joined = try isEmpty ? first : tables()
        if isEmpty { joined.statistics.add(statistics) }
        // No second reference, so that what grows is not copied.
        groups = GroupTable(
            columnCount: plan.groupBy.count, groupings: plan.groupings, seed: seed)
        accumulators = []
        for other in others.dropFirst(isEmpty ? 1 : 0) { try joined.absorb(other) }
        (groups, accumulators, statistics) = (
            joined.groups, joined.accumulators, joined.statistics
        )
        try checkLimits()
    }

    /// Bytes of memory that what has been found takes, roughly.
    package var byteCount: Int {
        groups.byteCount + accumulators.reduce(0) { $0 + $1.byteCount }
    }

    /// Bytes of memory that `finish` takes at most beside what is there: the answer, and a second
    /// array of whatever it sorts.
    package var finishByteCount: Int {
        let groupBytes = 32 * (plan.groupBy.count + 1)
        return groups.count * groupBytes + groups.textByteCount
            + accumulators.reduce(0) { $0 + $1.finishByteCount(groupCount: groups.count) }
    }

    /// Whether states are numbers alone: then answers cost no more to merge than tables.
    package var hasPlainStates: Bool { accumulators.allSatisfy(\.isPlain) }

    // MARK: Buckets

    private func bucketCodes(
        _ rows: SelectedRows, _ columns: inout BlockColumns
    ) throws(BlockError) -> BucketCodes {
        guard let timeframe = selection.timeframe else { return BucketCodes() }
        guard !boundaries.isEmpty else { return BucketCodes() }
        let first = bucket(of: max(columns.block.minTimestamp, timeframe.lowerBound))
        let last = bucket(of: min(columns.block.maxTimestamp, timeframe.upperBound - 1))
        guard last > first else { return BucketCodes(first: first) }
        let all = try selection.timestamps(&columns)
        let isSorted = columns.block.isSortedByTimestamp
        let times = isSorted ? [] : rows.pick(all)
        let codes: [UInt32] = filled(rows.count) { target in
            if isSorted {
                fillRuns(rows, all, from: first, to: last, into: target)
            } else {
                CodeLoops.buckets(
                    of: times, count: times.count, boundaries: boundaries, buckets: first...last,
                    into: target)
            }
        }
        return BucketCodes(first: first, count: last - first + 1, codes: codes)
    }

    /// The bucket of an instant inside the boundaries.
    private func bucket(of instant: Int64) -> Int {
        CodeLoops.upperBound(boundaries, from: 0, to: boundaries.count, of: instant) - 1
    }

    /// Sorted rows of one bucket lie together: only the ends of the runs are looked for.
    private func fillRuns(
        _ rows: SelectedRows, _ times: [Int64], from first: Int, to last: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) {
        var (row, position) = (0, 0)
        for bucket in first...last {
            row = CodeLoops.lowerBound(
                times, from: row, to: times.count, of: boundaries[bucket + 1])
            let end = max(rows.position(ofRow: row), position)
            (target + position).update(repeating: UInt32(bucket - first), count: end - position)
            position = end
        }
        // None is left, unless the block's header lies about its times.
        (target + position).update(
            repeating: UInt32(last - first), count: rows.count - position)
    }
}
