// Adds up the partial results of blocks, shards and nodes. The order in which they come does not
// show in the outcome, and what a query may hold in memory is bounded by limits with clear errors.

package import Aggregate
internal import Base
internal import Model

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
    private var runs: [[PartialGroup]] = []
    private var statistics = ScanStatistics()
    /// Over all runs: no fewer than there will be.
    private var groupCount = 0
    /// Values held by all distinct sets together, over all runs.
    private var distinctCount = 0

    package init() {}

    /// Adds one partial result. After an error the merger is of no more use.
    package mutating func add(_ partial: PartialResult) throws(PartialError) {
        statistics.add(partial.statistics)
        guard let first = partial.groups.first else { return }
        let shape = runs.first?.first ?? first
        for group in partial.groups { try group.checkShape(of: shape) }
        let run =
            partial.groups.ascendsStrictly
            ? partial.groups : try Self.foldingEqual(partial.groups.sorted())
        add(run)
        while let last = runs.dropLast().last, 2 * runs[runs.count - 1].count > last.count {
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

    private mutating func add(_ run: [PartialGroup]) {
        groupCount += run.count
        distinctCount += run.distinctCount
        runs.append(run)
    }

    private mutating func mergeLast() throws(PartialError) {
        let right = runs.removeLast()
        let left = runs.removeLast()
        groupCount -= left.count + right.count
        distinctCount -= left.distinctCount + right.distinctCount
        add(try Self.merged(left, right))
    }

    private static func merged(
        _ left: [PartialGroup], _ right: [PartialGroup]
    ) throws(PartialError) -> [PartialGroup] {
        var left = left
        var merged: [PartialGroup] = []
        merged.reserveCapacity(max(left.count, right.count))
        var (i, j) = (0, 0)
        while i < left.count && j < right.count {
            let order = left[i].order(to: right[j])
            if order == 0 { try left[i].merge(right[j]) }
            merged.append(order <= 0 ? left[i] : right[j])
            i += order <= 0 ? 1 : 0
            j += order >= 0 ? 1 : 0
        }
        merged += left[i...]
        merged += right[j...]
        return merged
    }

    private static func foldingEqual(
        _ groups: [PartialGroup]
    ) throws(PartialError) -> [PartialGroup] {
        var folded: [PartialGroup] = []
        for group in groups {
            if let last = folded.indices.last, folded[last].order(to: group) == 0 {
                try folded[last].merge(group)
            } else {
                folded.append(group)
            }
        }
        return folded
    }

    /// Whether nothing has been added but figures.
    package var isEmpty: Bool { runs.isEmpty }

    /// Bytes of memory that the groups take, roughly.
    package var byteCount: Int {
        let first = runs.first?.first
        return PartialResult.byteCount(
            groups: groupCount, keys: first?.key.count ?? 0, states: first?.states.count ?? 0,
            distinctValues: distinctCount)
    }

    /// Adds figures alone.
    package mutating func add(_ more: ScanStatistics) { statistics.add(more) }

    /// Everything added so far, ordered by bucket, then by group values.
    package consuming func finish() throws(PartialError) -> PartialResult {
        while runs.count > 1 { try mergeLast() }
        return PartialResult(groups: runs.first ?? [], statistics: statistics)
    }
}

extension [PartialGroup] {
    fileprivate var distinctCount: Int {
        reduce(0) { $0 + $1.states.reduce(0) { $0 + $1.distinctCount } }
    }

    fileprivate var ascendsStrictly: Bool {
        indices.dropFirst().allSatisfy { self[$0 - 1].order(to: self[$0]) < 0 }
    }
}

extension PartialGroup {
    fileprivate func checkShape(of other: PartialGroup) throws(PartialError) {
        guard key.count == other.key.count else {
            throw .mismatch(what: "the number of group values")
        }
        guard states.count == other.states.count else {
            throw .mismatch(what: "the number of aggregates")
        }
    }

    /// Both have as many states.
    fileprivate mutating func merge(_ other: PartialGroup) throws(PartialError) {
        for index in states.indices {
            do { try states[index].merge(other.states[index]) } catch { throw .aggregate(error) }
        }
    }

    /// Negative, zero or positive: by bucket, then by group values from the first on.
    fileprivate func order(to other: PartialGroup) -> Int {
        if bucket != other.bucket { return bucket < other.bucket ? -1 : 1 }
        for index in 0..<min(key.count, other.key.count) {
            let order = key[index].order(to: other.key[index])
            if order != 0 { return order }
        }
        return key.count - other.key.count
    }
}

extension PartialGroup: Comparable {
    /// By bucket, then by group values from the first on.
    package static func < (left: PartialGroup, right: PartialGroup) -> Bool {
        left.order(to: right) < 0
    }
}

extension PartialResult {
    /// Bytes of memory that a result takes, roughly: values with short texts in hash tables.
    package static func byteCount(
        groups: Int, keys: Int, states: Int, distinctValues: Int
    ) -> Int {
        groups * (96 + keys * 48 + states * 96) + distinctValues * 64
    }
}

extension ScanStatistics {
    /// Adds another scan's figures. Sums saturate: they come from the network and only inform.
    package mutating func add(_ other: ScanStatistics) {
        blocksRead = blocksRead.addingSaturated(other.blocksRead)
        blocksSkipped = blocksSkipped.addingSaturated(other.blocksSkipped)
        blocksCached = blocksCached.addingSaturated(other.blocksCached)
        rowsScanned = rowsScanned.addingSaturated(other.rowsScanned)
        rowsMatched = rowsMatched.addingSaturated(other.rowsMatched)
        bytesRead = bytesRead.addingSaturated(other.bytesRead)
        listNanoseconds = listNanoseconds.addingSaturated(other.listNanoseconds)
        readNanoseconds = readNanoseconds.addingSaturated(other.readNanoseconds)
        mergeNanoseconds = mergeNanoseconds.addingSaturated(other.mergeNanoseconds)
        usedRollup = usedRollup || other.usedRollup
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
