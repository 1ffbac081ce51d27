// DeleteAcls (31).

/// Which rules.
package struct DeleteAclsRequest: KafkaRequest {
    package typealias Response = DeleteAclsResponse
    package static let key = APIKey.deleteAcls
    package static let versions: ClosedRange<Int16> = 1...3
    package static let flexibleFrom: Int16 = 2

    package var filters: [Filter] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&filters)
    }

    /// Rules that are alike; null means any.
    package struct Filter: KafkaStruct {
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
}

/// What each filter deleted.
package struct DeleteAclsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&results)
    }

    /// What came of one filter.
    package struct Result: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var rules: [Rule] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&errorMessage)
            try codec.field(&rules)
        }
    }

    /// A rule that it met.
    package struct Rule: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var patternType: Int8 = 0
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permission: Int8 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&errorMessage)
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
