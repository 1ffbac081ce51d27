// DescribeClientQuotas (48): limits of clients, of which there are none.

/// Whose limits.
package struct DescribeClientQuotasRequest: KafkaRequest {
    package typealias Response = DescribeClientQuotasResponse
    package static let key = APIKey.describeClientQuotas
    package static let versions: ClosedRange<Int16> = 0...1
    package static let flexibleFrom: Int16 = 1

    package var components: [Component] = []
    package var isStrict: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&components)
        try codec.field(&isStrict)
    }

    /// A kind of client. Match 0 is the name given, 1 the default, 2 any.
    package struct Component: KafkaStruct {
        package var entityType: String = ""
        package var matchType: Int8 = 0
        package var match: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&entityType)
            try codec.field(&matchType)
            try codec.field(&match)
        }
    }
}

/// The limits.
package struct DescribeClientQuotasResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var entries: [Entry]?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&entries)
    }

    /// The limits of one client.
    package struct Entry: KafkaStruct {
        package var entity: [Entity] = []
        package var values: [Value] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&entity)
            try codec.field(&values)
        }
    }

    /// A kind of client, and which.
    package struct Entity: KafkaStruct {
        package var type: String = ""
        package var name: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&type)
            try codec.field(&name)
        }
    }

    /// One limit, as the bits of a float64.
    package struct Value: KafkaStruct {
        package var key: String = ""
        package var bits: Int64 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&key)
            try codec.field(&bits)
        }
    }
}
