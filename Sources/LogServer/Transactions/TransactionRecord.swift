// A transactional id's state as a record of `__transaction_state`, and back.

internal import Base
internal import KafkaWire

enum TransactionRecord {
    /// The record; without facts the one that says that the id is forgotten.
    static func record(
        _ id: String, _ facts: TransactionFacts?
    ) throws(KafkaWireError) -> OffsetsRecord {
        var key = TransactionLogKey()
        key.transactionalID = id
        let keyBytes = try encodeVersioned(key, version: TransactionLogKey.version)
        guard let facts else { return (keyBytes, nil) }
        var value = TransactionLogValue()
        value.producerID = facts.producer.id
        value.producerEpoch = facts.producer.epoch
        value.timeoutMilliseconds = facts.timeout
        value.state = facts.state.rawValue
        value.topics = facts.state == .empty ? nil : topics(facts.partitions)
        value.updateTimestamp = facts.updated
        value.startTimestamp = facts.started
        return (keyBytes, try encodeVersioned(value, version: TransactionLogValue.version))
    }

    private static func topics(
        _ partitions: Set<TopicPartition>
    ) -> [TransactionLogValue.Topic] {
        byTopic(partitions).map { name, indexes in
            var topic = TransactionLogValue.Topic()
            (topic.name, topic.partitions) = (name, indexes)
            return topic
        }
    }

    /// The partitions of each topic, in order.
    static func byTopic(_ partitions: Set<TopicPartition>) -> [(name: String, indexes: [Int32])] {
        Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.map(\.partition).sorted()) }
    }

    /// What a record says; nil if it is not one of ours, or damaged.
    static func read(_ record: OffsetsRecord) -> (id: String, facts: TransactionFacts?)? {
        do {
            let versions = TransactionLogKey.version...TransactionLogKey.version
            guard
                let key = try decodeVersioned(
                    TransactionLogKey.self, versions: versions, record.key)
            else { return nil }
            guard let bytes = record.value else { return (key.transactionalID, nil) }
            let values = TransactionLogValue.version...TransactionLogValue.version
            guard
                let value = try decodeVersioned(TransactionLogValue.self, versions: values, bytes),
                let state = TransactionState(rawValue: value.state)
            else { return nil }
            return (key.transactionalID, facts(value, state))
        } catch {
            return nil
        }
    }

    private static func facts(
        _ value: TransactionLogValue, _ state: TransactionState
    ) -> TransactionFacts {
        var facts = TransactionFacts(
            producer: TransactionProducer(id: value.producerID, epoch: value.producerEpoch),
            timeout: value.timeoutMilliseconds, updated: value.updateTimestamp)
        facts.state = state
        facts.started = value.startTimestamp
        for topic in value.topics ?? [] {
            for index in topic.partitions {
                facts.partitions.insert(TopicPartition(topic: topic.name, partition: index))
            }
        }
        return facts
    }
}
