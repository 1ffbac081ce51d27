// Tells partitions that a transaction has ended, each through its writer, all at the same time.

internal import Base
internal import KafkaWire

/// Writes markers into the partitions of this node.
final class MarkerWriter: TransactionMarkers {
    private let topics: TopicTable
    private let groups: GroupCoordinator
    /// Nil if committed offsets are damaged.
    private let offsets: OffsetsTopic?
    private let clock: @Sendable () -> Int64

    init(
        topics: TopicTable, groups: GroupCoordinator, offsets: OffsetsTopic?,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.topics = topics
        self.groups = groups
        self.offsets = offsets
        self.clock = clock
    }

    func write(
        _ marker: EndMarker, to partitions: Set<TopicPartition>,
        completion: @escaping @Sendable (Set<TopicPartition>) -> Void
    ) {
        let gather = Gather<TopicPartition?>(count: partitions.count) { left in
            completion(Set(left.compactMap { $0 }))
        }
        for (slot, partition) in partitions.enumerated() {
            write(marker, to: partition) { isDone in
                gather.set(slot, isDone ? nil : partition)
            }
        }
    }

    private func write(
        _ marker: EndMarker, to name: TopicPartition,
        completion: @escaping @Sendable (Bool) -> Void
    ) {
        if name == OffsetsTopic.partition { return endOffsets(marker, completion) }
        // Where there is no partition any more, there is nothing to end.
        guard let partition = topics.partition(name.topic, name.partition) else {
            return completion(true)
        }
        guard let log = partition.log,
            let batch = try? CheckedBatch(marker, timestamp: clock())  // Is always one.
        else { return completion(false) }
        partition.writer.append(
            PendingAppend(log: log, batch: batch, waitsForSync: true) { outcome in
                switch outcome {
                case .appended, .duplicate: completion(true)
                case .refused(let code, _): completion(code == .unknownTopicOrPartition)
                }
            })
    }

    /// Readers of committed offsets see them when the commit is answered.
    private func endOffsets(
        _ marker: EndMarker, _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        guard let offsets else { return completion(false) }
        offsets.end(marker) { [groups] code in
            guard code == .none else { return completion(false) }
            groups.endTransaction(marker) { completion(true) }
        }
    }
}
