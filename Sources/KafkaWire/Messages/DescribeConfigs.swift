// DescribeConfigs (32): the settings of topics and of the node.

/// Whose settings, and which; null means all.
package struct DescribeConfigsRequest: KafkaRequest {
    package typealias Response = DescribeConfigsResponse
    package static let key = APIKey.describeConfigs
    package static let versions: ClosedRange<Int16> = 1...4
    package static let flexibleFrom: Int16 = 4

    package var resources: [Resource] = []
    package var includeSynonyms: Bool = false
    package var includeDocumentation: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&resources)
        try codec.field(&includeSynonyms)
        try codec.field(&includeDocumentation, from: 3)
    }

    /// Type 2 is a topic, 4 a node, 32 a group.
    package struct Resource: KafkaStruct {
        package var type: Int8 = 0
        package var name: String = ""
        package var keys: [String]?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&type)
            try codec.field(&name)
            try codec.field(&keys)
        }
    }
}

/// The settings.
package struct DescribeConfigsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&results)
    }

    /// The settings of one resource.
    package struct Result: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var type: Int8 = 0
        package var name: String = ""
        package var configs: [Config] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&errorMessage)
            try codec.field(&type)
            try codec.field(&name)
            try codec.field(&configs)
        }
    }

    /// One setting. Source 1 is the topic, 2 the node at run time, 4 its file, 5 the default.
    package struct Config: KafkaStruct {
        package var name: String = ""
        package var value: String?
        package var isReadOnly: Bool = false
        package var source: Int8 = 5
        package var isSensitive: Bool = false
        package var synonyms: [Synonym] = []
        package var type: Int8 = 0
        package var documentation: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&value)
            try codec.field(&isReadOnly)
            try codec.field(&source)
            try codec.field(&isSensitive)
            try codec.field(&synonyms)
            try codec.field(&type, from: 3)
            try codec.field(&documentation, from: 3)
        }
    }

    /// Another place that gives the setting a value.
    package struct Synonym: KafkaStruct {
        package var name: String = ""
        package var value: String?
        package var source: Int8 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&value)
            try codec.field(&source)
        }
    }
}
