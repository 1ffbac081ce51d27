// DescribeUserScramCredentials (50): by which mechanisms users can say who they are.

/// Which users; null or none: all.
package struct DescribeUserScramCredentialsRequest: KafkaRequest {
    package typealias Response = DescribeUserScramCredentialsResponse
    package static let key = APIKey.describeUserScramCredentials
    package static let versions: ClosedRange<Int16> = 0...0
    package static let flexibleFrom: Int16 = 0

    package var users: [User]?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&users)
    }

    /// One user.
    package struct User: KafkaStruct {
        package var name: String = ""

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
        }
    }
}

/// Mechanisms and iterations; nothing that a password could be found with.
package struct DescribeUserScramCredentialsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&results)
    }

    /// One user.
    package struct Result: KafkaStruct {
        package var user: String = ""
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?
        package var credentials: [Credential] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&user)
            try codec.field(&error)
            try codec.field(&errorMessage)
            try codec.field(&credentials)
        }
    }

    /// One mechanism: 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512.
    package struct Credential: KafkaStruct {
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&mechanism)
            try codec.field(&iterations)
        }
    }
}
