// AlterUserScramCredentials (51): sets and removes salted passwords of users.

/// What to change. The password itself stays with the client.
package struct AlterUserScramCredentialsRequest: KafkaRequest {
    package typealias Response = AlterUserScramCredentialsResponse
    package static let key = APIKey.alterUserScramCredentials
    package static let versions: ClosedRange<Int16> = 0...0
    package static let flexibleFrom: Int16 = 0

    package var deletions: [Deletion] = []
    package var upsertions: [Upsertion] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&deletions)
        try codec.field(&upsertions)
    }

    /// One mechanism of one user that is to go.
    package struct Deletion: KafkaStruct {
        package var name: String = ""
        package var mechanism: Int8 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&mechanism)
        }
    }

    /// One mechanism of one user that is to be set.
    package struct Upsertion: KafkaStruct {
        package var name: String = ""
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0
        package var salt: [UInt8] = []
        package var saltedPassword: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&mechanism)
            try codec.field(&iterations)
            try codec.field(&salt)
            try codec.field(&saltedPassword)
        }
    }
}

/// What came of it, by user.
package struct AlterUserScramCredentialsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&results)
    }

    /// One user.
    package struct Result: KafkaStruct {
        package var user: String = ""
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&user)
            try codec.field(&error)
            try codec.field(&errorMessage)
        }
    }
}
