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

/// Merges partial results of one plan.
package struct PartialMerger: Sendable {
    private struct Cell: Hashable {
        var bucket: Int32
        var key: [Value]
    }

    private var groups: [PartialGroup] = []
    private var indexes: [Cell: Int] = [:]
    private var statistics = ScanStatistics()
    /// Values held by all distinct sets together.
    private var distinctCount = 0

    package init() {}

    /// Adds one partial result. After an error the merger is of no more use.
    package mutating func add(_ partial: PartialResult) throws(PartialError) {
        statistics.add(partial.statistics)
        for group in partial.groups { try add(group) }
    }

    private mutating func add(_ group: PartialGroup) throws(PartialError) {
        let cell = Cell(bucket: group.bucket, key: group.key)
        guard let index = indexes[cell] else {
            guard groups.count < Limits.queryGroupsMax else { throw .tooManyGroups }
            try checkShape(group)
            indexes[cell] = groups.count
            groups.append(group)
            for state in group.states { distinctCount += state.distinctCount }
            return try checkDistinctCount()
        }
        guard groups[index].states.count == group.states.count else {
            throw .mismatch(what: "the number of aggregates")
        }
        for (position, state) in group.states.enumerated() {
            distinctCount -= groups[index].states[position].distinctCount
            do { try groups[index].states[position].merge(state) } catch { throw .aggregate(error) }
            distinctCount += groups[index].states[position].distinctCount
        }
        try checkDistinctCount()
    }

    private func checkShape(_ group: PartialGroup) throws(PartialError) {
        guard let first = groups.first else { return }
        guard first.key.count == group.key.count else {
            throw .mismatch(what: "the number of group values")
        }
        guard first.states.count == group.states.count else {
            throw .mismatch(what: "the number of aggregates")
        }
    }

    private func checkDistinctCount() throws(PartialError) {
        guard distinctCount <= Limits.queryDistinctValuesMax else {
            throw .aggregate(.tooManyDistinctValues)
        }
    }

    /// Whether nothing has been added but figures.
    package var isEmpty: Bool { groups.isEmpty }

    /// Bytes of memory that the groups take, roughly.
    package var byteCount: Int {
        PartialResult.byteCount(
            groups: groups.count, keys: groups.first?.key.count ?? 0,
            states: groups.first?.states.count ?? 0, distinctValues: distinctCount)
    }

    /// Adds figures alone.
    package mutating func add(_ more: ScanStatistics) { statistics.add(more) }

    /// Everything added so far, ordered by bucket, then by group values.
    package consuming func finish() -> PartialResult {
        PartialResult(groups: groups.sorted(), statistics: statistics)
    }
}

extension PartialGroup: Comparable {
    /// By bucket, then by group values from the first on.
    package static func < (left: PartialGroup, right: PartialGroup) -> Bool {
        left.bucket != right.bucket
            ? left.bucket < right.bucket : left.key.lexicographicallyPrecedes(right.key)
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
