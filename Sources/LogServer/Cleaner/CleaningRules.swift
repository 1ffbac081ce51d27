// What a topic's settings say about taking its old records away. All times in milliseconds.

/// How a partition is kept small.
struct CleaningRules: Sendable, Equatable {
    /// cleanup.policy has "delete": old segments go, by age and by size.
    var deletes = false
    /// cleanup.policy has "compact": of each key only the newest record is kept.
    var compacts = false
    /// retention.ms; nil: no record is too old.
    var retention: Int64?
    /// retention.bytes; nil: no partition is too large.
    var retentionBytes: Int?
    /// segment.ms: a segment that began longer ago is closed.
    var segmentAge = Int64.max
    /// min.cleanable.dirty.ratio: the part that has to be new before it is worth while.
    var dirtyRatio = 0.5
    /// min.compaction.lag.ms: records younger than this stay as they are.
    var compactionLagMin: Int64 = 0
    /// max.compaction.lag.ms: a pass is due when a record that was never looked at is older.
    var compactionLagMax = Int64.max
    /// delete.retention.ms: how long a record that deletes its key is kept.
    var tombstoneRetention: Int64 = 86_400_000
}

/// The moment `duration` before `now`, as far back as there is time.
func moment(_ duration: Int64, before now: Int64) -> Int64 {
    let (moment, overflow) = now.subtractingReportingOverflow(duration)
    return overflow ? .min : moment
}
