// What the coordinator of groups needs from the rest of the log server, and its settings.

internal import Base
package import KafkaWire

/// Records of `__consumer_offsets`: a key, and a value or nil for "deleted".
package typealias OffsetsRecord = (key: [UInt8], value: [UInt8]?)

/// Where committed offsets are kept.
package protocol OffsetsLog: Sendable {
    /// Appends `records` after everything appended before; those of a transaction in the name of
    /// its producer, as long as it is open. `completion` is called once, from any thread: with
    /// `.none` when the records will survive a power cut, else with what went wrong.
    func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer?,
        completion: @escaping @Sendable (KafkaErrorCode) -> Void)
}

extension OffsetsLog {
    /// The same outside of a transaction.
    func append(
        _ records: [OffsetsRecord], completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        append(records, in: nil, completion: completion)
    }
}

/// Which partitions there are.
package protocol TopicDirectory: Sendable {
    /// Cheap; any thread.
    func hasPartition(topic: String, partition: Int32) -> Bool
}

/// Who sent a request.
package struct GroupClient: Sendable, Hashable {
    /// As in the request's header; empty if it had none.
    package var clientID: String
    /// Numeric address, as `describe` shows it.
    package var host: String

    package init(clientID: String, host: String) {
        self.clientID = clientID
        self.host = host
    }
}

/// The settings of the coordinator. The defaults are Kafka's but for the shortest session.
package struct GroupConfiguration: Sendable {
    /// Session timeouts that members may ask for (group.min/max.session.timeout.ms). The lower
    /// bound is 1 s where Kafka has 6 s: some clients' defaults and tests are below that.
    package var sessionTimeouts: ClosedRange<Duration> = .seconds(1) ... .seconds(1800)
    /// How long the first generation of an empty group waits for further members
    /// (group.initial.rebalance.delay.ms).
    package var initialRebalanceDelay = Duration.seconds(3)
    /// How long a group keeps its offsets without members (offsets.retention.minutes).
    package var offsetsRetention = Duration.seconds(7 * 24 * 3600)
    package var retentionCheckInterval = Duration.seconds(600)
    /// How long a commit may take to become durable (offsets.commit.timeout.ms).
    package var commitTimeout = Duration.seconds(5)
    /// Members of one group (group.max.size).
    package var membersMax = 1000
    /// What all groups may take together, in memory.
    package var bytesMax = Limits.groupsBytesMax
    /// Bytes of the text that may go with a committed offset (offset.metadata.max.bytes).
    package var offsetMetadataBytesMax = 4096

    package init() {}
}
