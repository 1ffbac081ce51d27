// Puts the coordinator of transactions together at the start of the server: its topic, what that
// topic holds, and what partitions still have open.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// The coordinator, and why it does not serve, if so.
struct TransactionParts {
    let coordinator: TransactionCoordinator
    private(set) var damage: String?

    /// Reads the states and carries out what was decided. Blocks; offsets have been replayed.
    init(
        topics: TopicTable, groups: GroupCoordinator, offsets: OffsetsTopic?,
        gate: TransactionGate, configuration: TransactionConfiguration, loop: EventLoop,
        clock: @escaping @Sendable () -> Int64, logger: Logger
    ) throws {
        try topics.makeInternal(TransactionTopic.name)
        let partition = topics.partition(TransactionTopic.name, 0)
        var topic: TransactionTopic?
        if let partition, let log = partition.log {
            topic = TransactionTopic(log: log, writer: partition.writer, clock: clock)
        } else {
            damage = partition?.damage?.message ?? "no partition of transaction states"
        }
        coordinator = TransactionCoordinator(
            configuration: configuration, log: topic ?? NoTransactions(),
            markers: MarkerWriter(topics: topics, groups: groups, offsets: offsets, clock: clock),
            gate: gate, loop: loop, clock: clock, logger: logger)
        if damage == nil {
            let coordinator = coordinator
            do { try topic?.replay { coordinator.load($0) } } catch { damage = error.message }
        }
        if let damage {
            // Ending transactions without knowing their outcome could lose what was committed.
            logger.critical("transactions are not served", metadata: [LogKeys.reason: "\(damage)"])
            coordinator.shutdown()
        } else {
            coordinator.start(open: Self.open(topics))
        }
    }

    /// What partitions have open.
    private static func open(
        _ topics: TopicTable
    ) -> [(partition: TopicPartition, producer: TransactionProducer)] {
        topics.all.flatMap { topic in
            topic.partitions.flatMap { partition in
                let open = partition.log?.producers.withLock { $0.transactions.open } ?? [:]
                let name = TopicPartition(topic: topic.name, partition: partition.index)
                return open.map { id, transaction in
                    (name, TransactionProducer(id: id, epoch: transaction.producerEpoch))
                }
            }
        }
    }
}

/// Stands in when the topic of transaction states is damaged.
private struct NoTransactions: TransactionLog {
    func append(
        _ record: OffsetsRecord, completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) { completion(.storageError) }
}
