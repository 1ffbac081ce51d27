// Fetch (1): record batches from an offset on, waiting for them if there are none yet.
// From version 13 on topics are named by id.

/// Which partitions, from where, and how much to wait for.
package struct FetchRequest: KafkaRequest {
    package typealias Response = FetchResponse
    package static let key = APIKey.fetch
    package static let versions: ClosedRange<Int16> = 4...17
    package static let flexibleFrom: Int16 = 12

    package var replicaID: Int32 = -1
    package var maxWaitMilliseconds: Int32 = 0
    package var minBytes: Int32 = 0
    package var maxBytes: Int32 = Int32.max
    package var isolationLevel: Int8 = 0
    package var sessionID: Int32 = 0
    package var sessionEpoch: Int32 = -1
    package var topics: [Topic] = []
    package var forgottenTopics: [ForgottenTopic] = []
    package var rackID: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&replicaID, through: 14)
        try codec.field(&maxWaitMilliseconds)
        try codec.field(&minBytes)
        try codec.field(&maxBytes)
        try codec.field(&isolationLevel)
        try codec.field(&sessionID, from: 7)
        try codec.field(&sessionEpoch, from: 7)
        try codec.field(&topics)
        try codec.field(&forgottenTopics, from: 7)
        try codec.field(&rackID, from: 11)
    }

    /// A topic by name or by id.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var topicID: KafkaUUID = .zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name, through: 12)
            try codec.field(&topicID, from: 13)
            try codec.field(&partitions)
        }
    }

    /// Where to read in one partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var fetchOffset: Int64 = 0
        package var lastFetchedEpoch: Int32 = -1
        package var logStartOffset: Int64 = -1
        package var maxBytes: Int32 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&currentLeaderEpoch, from: 9)
            try codec.field(&fetchOffset)
            try codec.field(&lastFetchedEpoch, from: 12)
            try codec.field(&logStartOffset, from: 5)
            try codec.field(&maxBytes)
        }
    }

    /// Partitions that a session shall drop.
    package struct ForgottenTopic: KafkaStruct {
        package var name: String = ""
        package var topicID: KafkaUUID = .zero
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name, from: 7, through: 12)
            try codec.field(&topicID, from: 13)
            try codec.field(&partitions)
        }
    }
}

/// Whole batches, the first of which contains the offset asked for.
package struct FetchResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var sessionID: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error, from: 7)
        try codec.field(&sessionID, from: 7)
        try codec.field(&topics)
    }

    /// The partitions of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var topicID: KafkaUUID = .zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name, through: 12)
            try codec.field(&topicID, from: 13)
            try codec.field(&partitions)
        }
    }

    /// What one partition has.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var error: KafkaErrorCode = .none
        package var highWatermark: Int64 = -1
        package var lastStableOffset: Int64 = -1
        package var logStartOffset: Int64 = -1
        package var abortedTransactions: [AbortedTransaction]?
        package var preferredReadReplica: Int32 = -1
        package var records: KafkaRecords?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&error)
            try codec.field(&highWatermark)
            try codec.field(&lastStableOffset)
            try codec.field(&logStartOffset, from: 5)
            try codec.field(&abortedTransactions)
            try codec.field(&preferredReadReplica, from: 11)
            try codec.field(&records)
        }
    }

    /// Records of a producer that a reader of committed data must skip.
    package struct AbortedTransaction: KafkaStruct {
        package var producerID: Int64 = 0
        package var firstOffset: Int64 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&producerID)
            try codec.field(&firstOffset)
        }
    }
}
