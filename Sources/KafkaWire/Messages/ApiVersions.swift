// ApiVersions (18): which requests and versions the broker serves. Clients send it first on every
// connection; one that asks in a version the broker does not know gets the answer of version 0
// with an error and the list, and asks again.

/// Asks for the list; says from version 3 on which software asks.
package struct ApiVersionsRequest: KafkaRequest {
    package typealias Response = ApiVersionsResponse
    package static let key = APIKey.apiVersions
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 3

    package var clientSoftwareName: String = ""
    package var clientSoftwareVersion: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&clientSoftwareName, from: 3)
        try codec.field(&clientSoftwareVersion, from: 3)
    }
}

/// The list. No features are announced, which clients take as the classic group protocol and no
/// second-generation transactions.
package struct ApiVersionsResponse: KafkaStruct {
    package var error: KafkaErrorCode = .none
    package var apis: [API] = []
    package var throttleMilliseconds: Int32 = 0
    /// Tag 1: the epoch of the finalized features, -1 if there are none.
    package var finalizedFeaturesEpoch: Int64 = -1

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&error)
        try codec.field(&apis)
        try codec.field(&throttleMilliseconds, from: 1)
    }

    package static let tags: [UInt32] = [1]

    package func sends(tag: UInt32, version: Int16) -> Bool { finalizedFeaturesEpoch >= 0 }

    package mutating func visitTag(
        _ tag: UInt32, _ codec: inout some KafkaCodec
    ) throws(KafkaWireError) {
        try codec.field(&finalizedFeaturesEpoch)
    }

    /// One request's range of versions.
    package struct API: KafkaStruct {
        package var key: Int16 = 0
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&key)
            try codec.field(&minVersion)
            try codec.field(&maxVersion)
        }
    }
}
