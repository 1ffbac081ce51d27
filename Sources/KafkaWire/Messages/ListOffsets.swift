// ListOffsets (2): the offset that a point in time, the beginning or the end has.

/// Points in time: milliseconds, or one of the negative values of `Special`.
package struct ListOffsetsRequest: KafkaRequest {
    package typealias Response = ListOffsetsResponse
    package static let key = APIKey.listOffsets
    package static let versions: ClosedRange<Int16> = 1...9
    package static let flexibleFrom: Int16 = 6

    package var replicaID: Int32 = -1
    package var isolationLevel: Int8 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&replicaID)
        try codec.field(&isolationLevel, from: 2)
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

    /// A point in time in one partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var timestamp: Int64 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&currentLeaderEpoch, from: 4)
            try codec.field(&timestamp)
        }
    }
}

/// The offsets.
package struct ListOffsetsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 2)
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

    /// An offset and its record's timestamp; -1 and -1 when there is none.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var error: KafkaErrorCode = .none
        package var timestamp: Int64 = -1
        package var offset: Int64 = -1
        package var leaderEpoch: Int32 = -1

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&error)
            try codec.field(&timestamp)
            try codec.field(&offset)
            try codec.field(&leaderEpoch, from: 4)
        }
    }
}
