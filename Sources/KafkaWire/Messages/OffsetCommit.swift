// OffsetCommit (8): keep the offsets that a group has reached.

/// Offsets of a group, by a member of it or, with generation -1 and no member, by anybody.
package struct OffsetCommitRequest: KafkaRequest {
    package typealias Response = OffsetCommitResponse
    package static let key = APIKey.offsetCommit
    package static let versions: ClosedRange<Int16> = 2...9
    package static let flexibleFrom: Int16 = 8

    package var groupID: String = ""
    package var generationID: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var retentionMilliseconds: Int64 = -1
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&generationID)
        try codec.field(&memberID)
        try codec.field(&groupInstanceID, from: 7)
        try codec.field(&retentionMilliseconds, from: 2, through: 4)
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
            try codec.field(&committedLeaderEpoch, from: 6)
            try codec.field(&metadata)
        }
    }
}

/// An outcome for each partition.
package struct OffsetCommitResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 3)
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
