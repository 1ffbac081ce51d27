// Which batches of transactions partitions take: those of the current producer of a transactional
// id, for partitions of its open transaction. A producer that was fenced or timed out is turned
// away here, also by partitions that it never wrote to.
//
// Partitions ask on their writer's thread right before they append. The gate is closed before the
// marker is handed to the same thread, so nothing can come behind its transaction's marker.

internal import KafkaWire
internal import Synchronization

/// What the coordinator of transactions lets into partitions.
final class TransactionGate: Sendable {
    private struct Entry {
        var epoch: Int16
        var partitions: Set<TopicPartition>
    }

    private let entries = Mutex([Int64: Entry]())

    /// From here on exactly these partitions take batches of the producer.
    func admit(_ producer: TransactionProducer, to partitions: Set<TopicPartition>) {
        entries.withLock {
            $0[producer.id] = Entry(epoch: producer.epoch, partitions: partitions)
        }
    }

    /// The producer id is no longer that of a transactional id.
    func retire(_ producerID: Int64) { entries.withLock { $0[producerID] = nil } }

    /// Whether the partition takes a batch of a transaction of the producer. Any thread.
    func verdict(_ producer: TransactionProducer, _ partition: TopicPartition) -> KafkaErrorCode {
        entries.withLock { entries in
            guard let entry = entries[producer.id] else { return .invalidProducerIDMapping }
            guard entry.epoch == producer.epoch else { return .invalidProducerEpoch }
            return entry.partitions.contains(partition) ? .none : .invalidTransactionState
        }
    }

    /// Whether the id belongs to a transactional id.
    func knows(_ producerID: Int64) -> Bool { entries.withLock { $0[producerID] != nil } }
}
