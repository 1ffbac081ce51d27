// Metadata (3): which topics and partitions exist and which node to ask.

/// Asks for some topics, or with null (version 0: an empty list) for all.
package struct MetadataRequest: KafkaRequest {
    package typealias Response = MetadataResponse
    package static let key = APIKey.metadata
    package static let versions: ClosedRange<Int16> = 0...12
    package static let flexibleFrom: Int16 = 9

    package var topics: [Topic]?
    package var allowAutoTopicCreation: Bool = true
    package var includeClusterAuthorizedOperations: Bool = false
    package var includeTopicAuthorizedOperations: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics, nullableFrom: 1)
        try codec.field(&allowAutoTopicCreation, from: 4)
        try codec.field(&includeClusterAuthorizedOperations, from: 8, through: 10)
        try codec.field(&includeTopicAuthorizedOperations, from: 8)
    }

    /// A topic by name, or from version 10 on by id with a null name.
    package struct Topic: KafkaStruct {
        package var topicID: KafkaUUID = .zero
        package var name: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&topicID, from: 10)
            try codec.field(&name, nullableFrom: 10)
        }
    }
}

/// The nodes, and the topics asked for.
package struct MetadataResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var brokers: [Broker] = []
    package var clusterID: String?
    package var controllerID: Int32 = -1
    package var topics: [Topic] = []
    /// A bit per allowed operation; the lowest number when nobody asked.
    package var clusterAuthorizedOperations: Int32 = Int32.min

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 3)
        try codec.field(&brokers)
        try codec.field(&clusterID, from: 2)
        try codec.field(&controllerID, from: 1)
        try codec.field(&topics)
        try codec.field(&clusterAuthorizedOperations, from: 8, through: 10)
    }

    /// A node and where it listens.
    package struct Broker: KafkaStruct {
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var rack: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&nodeID)
            try codec.field(&host)
            try codec.field(&port)
            try codec.field(&rack, from: 1)
        }
    }

    /// A topic and its partitions.
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
            try codec.field(&name, nullableFrom: 12)
            try codec.field(&topicID, from: 10)
            try codec.field(&isInternal, from: 1)
            try codec.field(&partitions)
            try codec.field(&authorizedOperations, from: 8)
        }
    }

    /// A partition and who has it.
    package struct Partition: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var index: Int32 = 0
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var replicaNodes: [Int32] = []
        package var inSyncReplicaNodes: [Int32] = []
        package var offlineReplicas: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&index)
            try codec.field(&leaderID)
            try codec.field(&leaderEpoch, from: 7)
            try codec.field(&replicaNodes)
            try codec.field(&inSyncReplicaNodes)
            try codec.field(&offlineReplicas, from: 5)
        }
    }
}
