// TxnOffsetCommit (28): offsets of a group that count if the transaction is committed.

/// Offsets, from version 3 on with the member of the group that has read so far.
package struct TxnOffsetCommitRequest: KafkaRequest {
    package typealias Response = TxnOffsetCommitResponse
    package static let key = APIKey.txnOffsetCommit
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 3

    package var transactionalID: String = ""
    package var groupID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var generationID: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
        try codec.field(&groupID)
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
        try codec.field(&generationID, from: 3)
        try codec.field(&memberID, from: 3)
        try codec.field(&groupInstanceID, from: 3)
        try codec.field(&topics)
    }

    /// The partitions of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// The offset of the next record to read.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&committedOffset)
            try codec.field(&committedLeaderEpoch, from: 2)
            try codec.field(&metadata)
        }
    }
}

/// An outcome for each partition.
package struct TxnOffsetCommitResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
    }

    /// The partitions of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// The outcome of one.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&error)
        }
    }
}
