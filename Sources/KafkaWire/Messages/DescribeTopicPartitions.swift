// DescribeTopicPartitions (75): topics in pages of bounded size.

/// Which topics, and where the page begins; without names all.
package struct DescribeTopicPartitionsRequest: KafkaRequest {
    package typealias Response = DescribeTopicPartitionsResponse
    package static let key = APIKey.describeTopicPartitions
    package static let versions: ClosedRange<Int16> = 0...0
    package static let flexibleFrom: Int16 = 0

    package var topics: [Topic] = []
    package var partitionLimit: Int32 = 2000
    package var cursor: Cursor?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
        try codec.field(&partitionLimit)
        try codec.field(&cursor)
    }

    /// One topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
        }
    }

    /// The first partition of a page.
    package struct Cursor: KafkaStruct {
        package var topic: String = ""
        package var partition: Int32 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&topic)
            try codec.field(&partition)
        }
    }
}

/// One page, and where the next one begins if there is one.
package struct DescribeTopicPartitionsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []
    package var nextCursor: DescribeTopicPartitionsRequest.Cursor?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
        try codec.field(&nextCursor)
    }

    /// One topic.
    package struct Topic: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var name: String?
        package var topicID: KafkaUUID = .zero
        package var isInternal: Bool = false
        package var partitions: [Partition] = []
        package var authorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&name)
            try codec.field(&topicID)
            try codec.field(&isInternal)
            try codec.field(&partitions)
            try codec.field(&authorizedOperations)
        }
    }

    /// One partition. The lists of eligible leaders must not be null: a client fails on it.
    package struct Partition: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var index: Int32 = 0
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var replicaNodes: [Int32] = []
        package var inSyncReplicaNodes: [Int32] = []
        package var eligibleLeaders: [Int32] = []
        package var lastKnownLeaders: [Int32] = []
        package var offlineReplicas: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&index)
            try codec.field(&leaderID)
            try codec.field(&leaderEpoch)
            try codec.field(&replicaNodes)
            try codec.field(&inSyncReplicaNodes)
            try codec.field(&eligibleLeaders)
            try codec.field(&lastKnownLeaders)
            try codec.field(&offlineReplicas)
        }
    }
}
