// DescribeAcls (29): who may do what.

/// Which rules.
package struct DescribeAclsRequest: KafkaRequest {
    package typealias Response = DescribeAclsResponse
    package static let key = APIKey.describeAcls
    package static let versions: ClosedRange<Int16> = 1...3
    package static let flexibleFrom: Int16 = 2

    package var resourceType: Int8 = 0
    package var resourceName: String?
    package var patternType: Int8 = 0
    package var principal: String?
    package var host: String?
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

/// The rules by resource.
package struct DescribeAclsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var resources: [Resource] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&resources)
    }

    /// The rules of one resource.
    package struct Resource: KafkaStruct {
        package var type: Int8 = 0
        package var name: String = ""
        package var patternType: Int8 = 0
        package var rules: [Rule] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&type)
            try codec.field(&name)
            try codec.field(&patternType)
            try codec.field(&rules)
        }
    }

    /// One rule.
    package struct Rule: KafkaStruct {
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permission: Int8 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&principal)
            try codec.field(&host)
            try codec.field(&operation)
            try codec.field(&permission)
        }
    }
}
