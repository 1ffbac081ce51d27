// Heartbeat (12): a member is alive.

/// A member of a generation.
package struct HeartbeatRequest: KafkaRequest {
    package typealias Response = HeartbeatResponse
    package static let key = APIKey.heartbeat
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 4

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    package var groupInstanceID: String?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&generationID)
        try codec.field(&memberID)
        try codec.field(&groupInstanceID, from: 3)
    }
}

/// Whether it still is one.
package struct HeartbeatResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&error)
    }
}
