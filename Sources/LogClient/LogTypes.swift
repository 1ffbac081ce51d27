// What the log is made of, as its clients see it.

package import Model

/// A partition of a topic.
package struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
    package let topic: String
    package let partition: Int32

    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package var description: String { "\(topic)[\(partition)]" }
}

/// A place in a partition.
package struct PartitionOffset: Hashable, Sendable, CustomStringConvertible {
    package let topicPartition: TopicPartition
    package let offset: Int64

    package init(_ topicPartition: TopicPartition, offset: Int64) {
        self.topicPartition = topicPartition
        self.offset = offset
    }

    package init(topic: String, partition: Int32, offset: Int64) {
        self.init(TopicPartition(topic: topic, partition: partition), offset: offset)
    }

    package var topic: String { topicPartition.topic }
    package var partition: Int32 { topicPartition.partition }
    package var description: String { "\(topicPartition)@\(offset)" }

    /// Stands for the earliest record that the log still has, where a start offset is wanted.
    package static let beginning: Int64 = -2
    /// Stands for the end at that moment, where a start offset is wanted.
    package static let end: Int64 = -1
}

/// A name and a value that travel with a record beside its key and value.
package struct LogHeader: Sendable, Equatable {
    package let name: String
    package let value: [UInt8]

    package init(_ name: String, _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
}

/// One record, read from the log.
package struct LogRecord: Sendable {
    package let topic: String
    package let partition: Int32
    package let offset: Int64
    /// Milliseconds since 1970, as the record carries them; -1 when it carries none.
    package let timestampMilliseconds: Int64
    package let key: [UInt8]
    /// Empty for a tombstone.
    package let value: [UInt8]
    /// The value is null: in a compacted topic, the key is deleted.
    package let isTombstone: Bool
    /// Empty unless the reader was asked for them.
    package let headers: [LogHeader]

    package init(
        topic: String, partition: Int32, offset: Int64, timestampMilliseconds: Int64,
        key: [UInt8], value: [UInt8], isTombstone: Bool = false, headers: [LogHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestampMilliseconds = timestampMilliseconds
        self.key = key
        self.value = value
        self.isTombstone = isTombstone
        self.headers = headers
    }
}

/// Where the log is and how to talk to it.
package struct LogConnection: Sendable {
    /// `host:port` of one broker or more; the others are found through it.
    package var brokers: [String]
    /// Further librdkafka properties, by their own names; they win over Millrace's choices.
    package var properties: [String: String]
    /// TLS and login; nil: plaintext.
    package var security: LogSecurity?

    package init(
        brokers: [String], properties: [String: String] = [:], security: LogSecurity? = nil
    ) {
        self.brokers = brokers
        self.properties = properties
        self.security = security
    }
}
