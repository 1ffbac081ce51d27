// IncrementalAlterConfigs (44): change some settings of topics and leave the others.

/// Whose settings, and how they are to be.
package struct IncrementalAlterConfigsRequest: KafkaRequest {
    package typealias Response = IncrementalAlterConfigsResponse
    package static let key = APIKey.incrementalAlterConfigs
    package static let versions: ClosedRange<Int16> = 0...1
    package static let flexibleFrom: Int16 = 1

    package var resources: [Resource] = []
    package var validateOnly: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&resources)
        try codec.field(&validateOnly)
    }

    /// Type 2 is a topic, 4 a node.
    package struct Resource: KafkaStruct {
        package var type: Int8 = 0
        package var name: String = ""
        package var configs: [Config] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&type)
            try codec.field(&name)
            try codec.field(&configs)
        }
    }

    /// One setting. Operation 0 sets, 1 resets, 2 adds to a list, 3 takes out of it.
    package struct Config: KafkaStruct {
        package var name: String = ""
        package var operation: Int8 = 0
        package var value: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&operation)
            try codec.field(&value)
        }
    }
}

/// An outcome for each resource.
package struct IncrementalAlterConfigsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&results)
    }

    /// What came of one.
    package struct Result: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var type: Int8 = 0
        package var name: String = ""

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&errorMessage)
            try codec.field(&type)
            try codec.field(&name)
        }
    }
}
