// SaslAuthenticate (36): one message of a SASL mechanism, and the server's answer to it.

/// The client's message.
package struct SaslAuthenticateRequest: KafkaRequest {
    package typealias Response = SaslAuthenticateResponse
    package static let key = APIKey.saslAuthenticate
    package static let versions: ClosedRange<Int16> = 0...2
    package static let flexibleFrom: Int16 = 2

    package var token: [UInt8] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&token)
    }
}

/// The server's message; with a lifetime of 0 the client need not say it again.
package struct SaslAuthenticateResponse: KafkaStruct {
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var token: [UInt8] = []
    package var sessionLifetimeMilliseconds: Int64 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&token)
        try codec.field(&sessionLifetimeMilliseconds, from: 1)
    }
}
