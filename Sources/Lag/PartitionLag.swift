// How far a consumer group is behind in one partition: the arithmetic, and the word for it.

/// A partition of a topic of the log.
package struct LagPartition: Hashable, Sendable, Comparable {
    package let topic: String
    package let partition: Int32

    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// Where a partition begins and ends.
package struct OffsetRange: Sendable, Equatable {
    /// Of the first record that the log still has.
    package var earliest: Int64
    /// After the last record.
    package var latest: Int64

    package init(earliest: Int64, latest: Int64) {
        self.earliest = earliest
        self.latest = latest
    }
}

/// How a group stands in a partition. The raw value is the word shown to people.
package enum LagStatus: String, Sendable, CaseIterable {
    case ok
    case behind
    /// The group has not committed here; where it would begin, the log does not know.
    case noCommit = "no commit"
    /// The committed offset lies behind the end: the topic was made anew, or its tail was lost.
    case beyondEnd = "beyond end"
    /// The log has already deleted records that the group had not read.
    case losing
    /// The log did not say where the partition begins and ends, or what the group committed.
    case unreachable
}

/// One group in one partition.
package struct PartitionLag: Sendable, Equatable {
    /// `host:port` of the partition's leader; nil while it has none.
    package var broker: String?
    package var partition: LagPartition
    package var group: String
    /// Nil if the broker did not say.
    package var range: OffsetRange?
    /// The committed offset: the next record that the group wants. Nil without a commit.
    package var current: Int64?
    /// The next record that the store's shard wants; nil if it was not asked or did not say.
    package var applied: Int64?
    /// What could not be read, and why.
    package var error: String?
    /// Seconds since the first record that the group has not read was appended; nil if the log did
    /// not say.
    package var age: Double?

    package init(
        broker: String?, partition: LagPartition, group: String, range: OffsetRange? = nil,
        current: Int64? = nil, applied: Int64? = nil, error: String? = nil
    ) {
        self.broker = broker
        self.partition = partition
        self.group = group
        self.range = range
        self.current = current
        self.applied = applied
        self.error = error
    }

    /// Offsets that the log holds.
    package var depth: Int64? { range.map { $0.latest.distanceAbove($0.earliest) } }

    /// Offsets that the group has still to read. Negative beyond the end. What retention has taken
    /// before the group read it no longer counts: that is `lost`.
    package var delta: Int64? {
        guard let range, let current else { return nil }
        return range.latest.distanceAbove(max(current, range.earliest))
    }

    /// Offsets deleted before the group read them.
    package var lost: Int64 {
        guard let range, let current, current < range.earliest else { return 0 }
        return range.earliest.distanceAbove(current)
    }

    /// How far the group is behind in seconds: the age of the oldest record that it has not read,
    /// 0 if there is none. Nil if that is not known.
    package var seconds: Double? { status == .ok ? 0 : age }

    package var status: LagStatus {
        guard error == nil, let range else { return .unreachable }
        guard let current else { return .noCommit }
        if current > range.latest { return .beyondEnd }
        if current < range.earliest { return .losing }
        return current == range.latest ? .ok : .behind
    }
}

extension Int64 {
    /// `self - other`, held inside 64 bits: offsets come from the network.
    fileprivate func distanceAbove(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < other ? .min : .max) : difference
    }
}
