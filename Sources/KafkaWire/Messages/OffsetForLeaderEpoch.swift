// OffsetForLeaderEpoch (23): where an epoch of a partition ended.

/// Epochs of partitions.
package struct OffsetForLeaderEpochRequest: KafkaRequest {
    package typealias Response = OffsetForLeaderEpochResponse
    package static let key = APIKey.offsetForLeaderEpoch
    package static let versions: ClosedRange<Int16> = 2...4
    package static let flexibleFrom: Int16 = 4

    package var replicaID: Int32 = -2
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&replicaID, from: 3)
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

    /// One epoch.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&currentLeaderEpoch)
            try codec.field(&leaderEpoch)
        }
    }
}

/// The largest epoch up to the one asked for, and its end offset.
package struct OffsetForLeaderEpochResponse: KafkaStruct {
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

    /// One end.
    package struct Partition: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var index: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var endOffset: Int64 = -1

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&index)
            try codec.field(&leaderEpoch)
            try codec.field(&endOffset)
        }
    }
}
