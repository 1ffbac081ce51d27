// Offsets that transactions commit: kept apart until the transaction ends, then taken over into
// their groups or dropped. Where an append is on its way it counts as pending already.

internal import KafkaWire

/// Offsets of open transactions.
struct PendingOffsets: Sendable {
    typealias Offsets = [TopicPartition: CommittedOffset]

    private struct Append {
        var producerID: Int64
        var groupID: String
        var offsets: Offsets
    }

    private var underWay: [AppendID: Append] = [:]
    /// By producer, then by group.
    private var held: [Int64: [String: Offsets]] = [:]

    /// Whether an open transaction is about to move the offset.
    func holds(_ partition: TopicPartition, of groupID: String) -> Bool {
        held.values.contains { $0[groupID]?[partition] != nil }
            || underWay.values.contains {
                $0.groupID == groupID && $0.offsets[partition] != nil
            }
    }

    /// Offsets have been handed to the offsets topic.
    mutating func begin(
        _ id: AppendID, _ changes: [TopicPartition: GroupOffsets.Change], of groupID: String,
        by producerID: Int64
    ) {
        let offsets = changes.compactMapValues { change -> CommittedOffset? in
            if case .commit(let offset) = change { offset } else { nil }
        }
        underWay[id] = Append(producerID: producerID, groupID: groupID, offsets: offsets)
    }

    /// The append has ended; ids of others are ignored.
    mutating func end(_ id: AppendID, isDurable: Bool) {
        guard let append = underWay.removeValue(forKey: id), isDurable else { return }
        hold(append.offsets, of: append.groupID, by: append.producerID)
    }

    /// The offsets are in the offsets topic.
    mutating func hold(_ offsets: Offsets, of groupID: String, by producerID: Int64) {
        held[producerID, default: [:]][groupID, default: [:]].merge(offsets) { $1 }
    }

    /// Takes out what the producer's transaction has left, by group.
    mutating func take(of producerID: Int64) -> [String: Offsets] {
        held.removeValue(forKey: producerID) ?? [:]
    }
}

extension GroupTable {
    /// A transaction has ended: what it committed counts from here on.
    mutating func endTransaction(_ marker: EndMarker, at time: GroupTime) {
        let pending = pendingOffsets.take(of: marker.producerID)
        guard marker.isCommit else { return }
        for (groupID, offsets) in pending.sorted(by: { $0.key < $1.key }) {
            // A topic may be gone by now, and with it its offsets.
            let alive = offsets.filter {
                topics.hasPartition(topic: $0.key.topic, partition: $0.key.partition)
            }
            guard !alive.isEmpty else { continue }
            withGroup(groupID, at: time) { group in
                for (partition, offset) in alive {
                    group.offsets.apply(.commit(offset), to: partition)
                }
            }
        }
    }
}

extension OffsetCommitRequest {
    /// The same commit outside of a transaction.
    init(_ request: TxnOffsetCommitRequest) {
        self.init()
        groupID = request.groupID
        generationID = request.generationID
        memberID = request.memberID
        groupInstanceID = request.groupInstanceID
        topics = request.topics.map { asked in
            var topic = Topic()
            topic.name = asked.name
            topic.partitions = asked.partitions.map { partition in
                var entry = Partition()
                entry.index = partition.index
                entry.committedOffset = partition.committedOffset
                entry.committedLeaderEpoch = partition.committedLeaderEpoch
                entry.metadata = partition.metadata
                return entry
            }
            return topic
        }
    }
}

extension TxnOffsetCommitResponse {
    /// The same outcomes.
    init(_ response: OffsetCommitResponse) {
        self.init()
        topics = response.topics.map { answered in
            var topic = Topic()
            topic.name = answered.name
            topic.partitions = answered.partitions.map { partition in
                var entry = Partition()
                (entry.index, entry.error) = (partition.index, partition.error)
                return entry
            }
            return topic
        }
    }
}
