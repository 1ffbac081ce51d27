// Adds up the partial results of blocks, shards and nodes. The order in which they come does not
// show in the outcome, and what a query may hold in memory is bounded by limits with clear errors.

package import Aggregate
internal import Base

/// Why partial results could not be made or merged.
package enum PartialError: Error, Sendable, Equatable, CustomStringConvertible {
    /// More combinations of bucket and group values than `Limits.queryGroupsMax`.
    case tooManyGroups
    /// Partial results of different plans: `what` says where they differ.
    case mismatch(what: String)
    case aggregate(AggregateError)

    package var description: String {
        switch self {
        case .tooManyGroups:
            "the query has more than \(Limits.queryGroupsMax) groups over all its intervals"
        case .mismatch(let what): "partial results of different plans: \(what)"
        case .aggregate(let error): error.description
        }
    }
}

/// Merges partial results of one plan: as ordered runs of falling sizes, of which the last two
/// become one whenever they are about as long, so that every group is merged few times.
package struct PartialMerger: Sendable {
    private struct Run {
        var result: PartialResult
        let distinctCount: Int
        let byteCount: Int

        init(_ result: PartialResult) {
            self.result = result
            distinctCount = result.distinctCount
            byteCount = result.byteCount
        }
    }

    private var runs: [Run] = []
    private var statistics = ScanStatistics()
    /// Over all runs: no fewer than there will be.
    private var groupCount = 0
    /// Values held by all distinct sets together, over all runs.
    private var distinctCount = 0
    /// Bytes of memory that the groups take.
    package private(set) var byteCount = 0

    package init() {}

    /// Adds one partial result. After an error the merger is of no more use.
    package mutating func add(_ partial: PartialResult) throws(PartialError) {
        statistics.add(partial.statistics)
        guard partial.count > 0 else { return }
        if let first = runs.first?.result { try partial.checkShape(of: first) }
        add(run: partial.withoutStatistics)
        while let last = runs.dropLast().last,
            2 * runs[runs.count - 1].result.count > last.result.count
        {
            try mergeLast()
        }
        guard isTooLarge else { return }
        while runs.count > 1 { try mergeLast() }
        guard groupCount <= Limits.queryGroupsMax else { throw .tooManyGroups }
        guard distinctCount <= Limits.queryDistinctValuesMax else {
            throw .aggregate(.tooManyDistinctValues)
        }
    }

    private var isTooLarge: Bool {
        groupCount > Limits.queryGroupsMax || distinctCount > Limits.queryDistinctValuesMax
    }

    private mutating func add(run result: PartialResult) {
        let run = Run(result)
        groupCount += result.count
        distinctCount += run.distinctCount
        byteCount += run.byteCount
        runs.append(run)
    }

    private mutating func mergeLast() throws(PartialError) {
        let right = runs.removeLast()
        let left = runs.removeLast()
        groupCount -= left.result.count + right.result.count
        distinctCount -= left.distinctCount + right.distinctCount
        byteCount -= left.byteCount + right.byteCount
        do throws(AggregateError) {
            add(run: try left.result.merged(right.result))
        } catch { throw .aggregate(error) }
    }

    /// Whether nothing has been added but figures.
    package var isEmpty: Bool { runs.isEmpty }

    /// Adds figures alone.
    package mutating func add(_ more: ScanStatistics) { statistics.add(more) }

    /// Everything added so far.
    package consuming func finish() throws(PartialError) -> PartialResult {
        while runs.count > 1 { try mergeLast() }
        var result = runs.first?.result ?? PartialResult()
        result.statistics = statistics
        return result
    }
}

extension PartialResult {
    fileprivate func checkShape(of other: PartialResult) throws(PartialError) {
        guard keys.columns.count == other.keys.columns.count else {
            throw .mismatch(what: "the number of group values")
        }
        guard states.count == other.states.count else {
            throw .mismatch(what: "the number of aggregates")
        }
    }

    /// Both have the same shape.
    fileprivate func merged(_ other: PartialResult) throws(AggregateError) -> PartialResult {
        let (keys, places) = try keys.union(other.keys)
        var merged: [StateColumn] = []
        for (left, right) in zip(states, other.states) {
            merged.append(try left.merged(right, places))
        }
        return PartialResult(keys: keys, states: merged)
    }
}
