// SyncGroup (14): the leader hands in the assignment, everybody gets his part.

/// A member of a generation; the leader's has the assignments.
package struct SyncGroupRequest: KafkaRequest {
    package typealias Response = SyncGroupResponse
    package static let key = APIKey.syncGroup
    package static let versions: ClosedRange<Int16> = 0...5
    package static let flexibleFrom: Int16 = 4

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var protocolType: String?
    package var protocolName: String?
    package var assignments: [Assignment] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&generationID)
        try codec.field(&memberID)
        try codec.field(&groupInstanceID, from: 3)
        try codec.field(&protocolType, from: 5)
        try codec.field(&protocolName, from: 5)
        try codec.field(&assignments)
    }

    /// The part of one member.
    package struct Assignment: KafkaStruct {
        package var memberID: String = ""
        package var assignment: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&assignment)
        }
    }
}

/// The member's own part.
package struct SyncGroupResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var protocolType: String?
    package var protocolName: String?
    package var assignment: [UInt8] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&error)
        try codec.field(&protocolType, from: 5)
        try codec.field(&protocolName, from: 5)
        try codec.field(&assignment)
    }
}
