// What a scan finds: groups and their states as columns, from a block's answer over caches and the
// wire to the final one. A million groups are a few arrays; single groups are made where somebody
// wants to see them.

package import Aggregate
package import Model

/// What one shard answers: the mergeable states of every bucket and group that had an event.
package struct PartialResult: Sendable, Equatable {
    package private(set) var keys: GroupKeys
    /// One for each of the plan's aggregates, each with a state for every group.
    package private(set) var states: [StateColumn]
    package var statistics: ScanStatistics

    package init(
        keys: GroupKeys = GroupKeys(), states: [StateColumn] = [],
        statistics: ScanStatistics = ScanStatistics()
    ) {
        self.keys = keys
        self.states = states
        self.statistics = statistics
    }

    package var count: Int { keys.count }

    package var withoutStatistics: PartialResult { PartialResult(keys: keys, states: states) }

    /// The same groups, each in a later bucket.
    package func movingBuckets(by distance: Int32) -> PartialResult {
        var moved = self
        moved.keys.moveBuckets(by: distance)
        return moved
    }

    /// The same groups with more states; `columns` have one for each of them.
    package mutating func append(_ columns: [StateColumn]) { states += columns }

    /// Values held by all sets together: what a memory bound is kept on.
    package var distinctCount: Int { states.reduce(0) { $0 + $1.distinctCount } }

    /// Bytes of memory.
    package var byteCount: Int { keys.byteCount + states.reduce(0) { $0 + $1.byteCount } }

    /// Whether some state had to give up exactness for its size.
    package var isApproximate: Bool { states.contains(where: \.isApproximate) }

    /// One group.
    package func group(_ index: Int) -> PartialGroup {
        PartialGroup(
            bucket: keys.buckets[index], key: keys.key(of: index), states: states.map { $0[index] })
    }
}

/// The states of one bucket and one combination of group values.
package struct PartialGroup: Sendable, Equatable {
    /// Index of the bucket, 0 without interval.
    package var bucket: Int32
    /// One canonical value for each `groupBy` path.
    package var key: [Value]
    /// One state for each of the plan's aggregates.
    package var states: [AggregateState]

    package init(bucket: Int32, key: [Value], states: [AggregateState]) {
        self.bucket = bucket
        self.key = key
        self.states = states
    }
}

extension PartialResult {
    /// The groups one by one, in the order of answers: ascending by bucket, then by their values.
    package var groups: [PartialGroup] { keys.answerOrder.map { group(Int($0)) } }

    /// Groups in any order, each once, and all of one shape.
    package init(groups: [PartialGroup], statistics: ScanStatistics = ScanStatistics()) {
        self.init(statistics: statistics)
        guard let first = groups.first else { return }
        let columns = first.key.indices.map { index in KeyColumn(groups.map { $0.key[index] }) }
        let order = groups.indices.sorted { left, right in
            if groups[left].bucket != groups[right].bucket {
                return groups[left].bucket < groups[right].bucket
            }
            for column in columns where column.codes[left] != column.codes[right] {
                return column.codes[left] < column.codes[right]
            }
            return false
        }
        keys = GroupKeys(
            buckets: order.map { groups[$0].bucket },
            columns: columns.map { $0.picking(order.map { UInt32($0) }) })
        states = first.states.indices.map { index in
            StateColumn(order.map { groups[$0].states[index] })
        }
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
