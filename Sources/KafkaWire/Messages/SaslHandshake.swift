// SaslHandshake (17): by which mechanism a client will say who it is. After version 0 the messages
// of the mechanism follow without headers, each behind a length of four bytes; after version 1 they
// are wrapped in SaslAuthenticate.

/// Which mechanism.
package struct SaslHandshakeRequest: KafkaRequest {
    package typealias Response = SaslHandshakeResponse
    package static let key = APIKey.saslHandshake
    package static let versions: ClosedRange<Int16> = 0...1
    package static let flexibleFrom: Int16 = .max

    package var mechanism: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&mechanism)
    }
}

/// Whether it is one of those that there are.
package struct SaslHandshakeResponse: KafkaStruct {
    package var error: KafkaErrorCode = .none
    package var mechanisms: [String] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&error)
        try codec.field(&mechanisms)
    }
}
