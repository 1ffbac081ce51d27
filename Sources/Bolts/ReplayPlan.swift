// What a replay does with each partition: where an empty shard begins, and what is refused because
// the log or the shard does not fit. Pure, so that every case has a test.

package import LogClient
package import Model

/// Where empty shards begin.
package enum ReplayStart: Sendable, Equatable {
    case earliest
    case offset(Int64)
    case time(Timestamp)

    /// `earliest`, an offset, or a time in ISO 8601.
    package init?(_ text: String) {
        if text == "earliest" {
            self = .earliest
        } else if let offset = Int64(text), offset >= 0 {
            self = .offset(offset)
        } else if let time = Timestamp(iso8601: text.utf8) {
            self = .time(time)
        } else {
            return nil
        }
    }
}

/// Why a partition cannot be replayed as asked.
package enum ReplayError: Error, Sendable, Equatable, CustomStringConvertible {
    case logEndsEarly(Int32, end: Int64, wanted: Int64)
    case logBeginsLate(Int32, earliest: Int64)
    case wouldLeaveHole(Int32, applied: Int64, start: Int64)
    case shardOutsideLog(Int32, applied: Int64, PartitionRange)

    package var description: String {
        switch self {
        case .logEndsEarly(let partition, let end, let wanted):
            "partition \(partition): the log ends at \(end), before offset \(wanted)"
        case .logBeginsLate(let partition, let earliest):
            "partition \(partition): the log begins at offset \(earliest) and no longer has all "
                + "records from there on; --from earliest replays what there is"
        case .wouldLeaveHole(let partition, let applied, let start):
            "partition \(partition): the shard is not empty, it stands at \(applied), and a replay "
                + "from \(start) would leave a hole; stop the store, empty its directory, start it "
                + "and replay again"
        case .shardOutsideLog(let partition, let applied, let range):
            "partition \(partition): the shard stands at \(applied), but the log has "
                + "\(range.earliest) to \(range.latest); a replay of that needs an empty store"
        }
    }
}

/// What one partition has to do.
package struct ReplayPart: Sendable, Equatable {
    package let partition: Int32
    /// Where the shard begins, or stands.
    package let start: Int64
    /// Whether the shard has nothing yet.
    package let isFresh: Bool
    /// Where the log ended when the replay was planned.
    package let end: Int64
    /// Records that the log has deleted, of an empty shard that begins with what there is.
    package let missing: Int64

    /// `atTime` is the log's first offset that is not older than the wanted time, if there is one.
    package init(
        _ partition: Int32, from: ReplayStart, log: PartitionRange, applied: Int64, atTime: Int64?
    ) throws(ReplayError) {
        self.partition = partition
        end = log.latest
        isFresh = applied == 0
        let wanted = try Self.wanted(partition, from, log, atTime, isFresh: isFresh)
        guard !isFresh else {
            start = wanted
            missing = from == .earliest ? wanted : 0
            return
        }
        guard applied >= wanted else {
            throw .wouldLeaveHole(partition, applied: applied, start: wanted)
        }
        guard (log.earliest...log.latest).contains(applied) else {
            throw .shardOutsideLog(partition, applied: applied, log)
        }
        start = applied
        missing = 0
    }

    private static func wanted(
        _ partition: Int32, _ from: ReplayStart, _ log: PartitionRange, _ atTime: Int64?,
        isFresh: Bool
    ) throws(ReplayError) -> Int64 {
        switch from {
        // A shard that has something goes on from there, wherever the log begins by now.
        case .earliest: return isFresh ? log.earliest : 0
        case .offset(let offset):
            guard offset <= log.latest else {
                throw .logEndsEarly(partition, end: log.latest, wanted: offset)
            }
            guard offset >= log.earliest || !isFresh else {
                throw .logBeginsLate(partition, earliest: log.earliest)
            }
            return offset
        case .time:
            guard let atTime else { return log.latest }
            // The time may lie before the log's first record, and so before some that are gone.
            guard atTime > log.earliest || log.earliest == 0 || !isFresh else {
                throw .logBeginsLate(partition, earliest: log.earliest)
            }
            return atTime
        }
    }
}
