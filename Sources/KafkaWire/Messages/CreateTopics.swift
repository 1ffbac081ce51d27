// CreateTopics (19).

/// Topics to create, or only to check.
package struct CreateTopicsRequest: KafkaRequest {
    package typealias Response = CreateTopicsResponse
    package static let key = APIKey.createTopics
    package static let versions: ClosedRange<Int16> = 2...7
    package static let flexibleFrom: Int16 = 5

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 0
    package var validateOnly: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
        try codec.field(&timeoutMilliseconds)
        try codec.field(&validateOnly)
    }

    /// One topic; -1 partitions or replicas mean the default.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitionCount: Int32 = -1
        package var replicationFactor: Int16 = -1
        package var assignments: [Assignment] = []
        package var configs: [Config] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitionCount)
            try codec.field(&replicationFactor)
            try codec.field(&assignments)
            try codec.field(&configs)
        }
    }

    /// The nodes of one partition.
    package struct Assignment: KafkaStruct {
        package var index: Int32 = 0
        package var brokerIDs: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&brokerIDs)
        }
    }

    /// A setting.
    package struct Config: KafkaStruct {
        package var name: String = ""
        package var value: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&value)
        }
    }
}

/// An outcome for each.
package struct CreateTopicsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
    }

    /// What came of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var topicID: KafkaUUID = .zero
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var partitionCount: Int32 = -1
        package var replicationFactor: Int16 = -1
        package var configs: [Config]?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&topicID, from: 7)
            try codec.field(&error)
            try codec.field(&errorMessage)
            try codec.field(&partitionCount, from: 5)
            try codec.field(&replicationFactor, from: 5)
            try codec.field(&configs, from: 5)
        }
    }

    /// A setting that the topic has.
    package struct Config: KafkaStruct {
        package var name: String = ""
        package var value: String?
        package var isReadOnly: Bool = false
        package var source: Int8 = 0
        package var isSensitive: Bool = false

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&value)
            try codec.field(&isReadOnly)
            try codec.field(&source)
            try codec.field(&isSensitive)
        }
    }
}
