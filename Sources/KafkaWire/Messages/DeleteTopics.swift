// DeleteTopics (20), from version 6 on also by id.

/// Which topics.
package struct DeleteTopicsRequest: KafkaRequest {
    package typealias Response = DeleteTopicsResponse
    package static let key = APIKey.deleteTopics
    package static let versions: ClosedRange<Int16> = 1...6
    package static let flexibleFrom: Int16 = 4

    package var topics: [Topic] = []
    package var names: [String] = []
    package var timeoutMilliseconds: Int32 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics, from: 6)
        try codec.field(&names, through: 5)
        try codec.field(&timeoutMilliseconds)
    }

    /// A topic by name, or by id with a null name.
    package struct Topic: KafkaStruct {
        package var name: String?
        package var topicID: KafkaUUID = .zero

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&topicID)
        }
    }
}

/// An outcome for each.
package struct DeleteTopicsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
    }

    /// One outcome.
    package struct Topic: KafkaStruct {
        package var name: String?
        package var topicID: KafkaUUID = .zero
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name, nullableFrom: 6)
            try codec.field(&topicID, from: 6)
            try codec.field(&error)
            try codec.field(&errorMessage, from: 5)
        }
    }
}
