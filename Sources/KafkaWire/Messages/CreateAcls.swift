// CreateAcls (30).

/// New rules.
package struct CreateAclsRequest: KafkaRequest {
    package typealias Response = CreateAclsResponse
    package static let key = APIKey.createAcls
    package static let versions: ClosedRange<Int16> = 1...3
    package static let flexibleFrom: Int16 = 2

    package var rules: [Rule] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&rules)
    }

    /// One rule.
    package struct Rule: KafkaStruct {
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var patternType: Int8 = 0
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permission: Int8 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&resourceType)
            try codec.field(&resourceName)
            try codec.field(&patternType)
            try codec.field(&principal)
            try codec.field(&host)
            try codec.field(&operation)
            try codec.field(&permission)
        }
    }
}

/// An outcome for each.
package struct CreateAclsResponse: KafkaStruct {
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

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&errorMessage)
        }
    }
}
