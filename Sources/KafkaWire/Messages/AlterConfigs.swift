// AlterConfigs (33): give topics all their settings anew; those not named are reset.

/// Whose settings, and how they are to be.
package struct AlterConfigsRequest: KafkaRequest {
    package typealias Response = AlterConfigsResponse
    package static let key = APIKey.alterConfigs
    package static let versions: ClosedRange<Int16> = 0...2
    package static let flexibleFrom: Int16 = 2

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

    /// One setting.
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

/// An outcome for each resource.
package struct AlterConfigsResponse: KafkaStruct {
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
