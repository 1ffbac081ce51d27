// LeaveGroup (13): members go, or are sent away.

/// One member, from version 3 on several.
package struct LeaveGroupRequest: KafkaRequest {
    package typealias Response = LeaveGroupResponse
    package static let key = APIKey.leaveGroup
    package static let versions: ClosedRange<Int16> = 0...5
    package static let flexibleFrom: Int16 = 4

    package var groupID: String = ""
    package var memberID: String = ""
    package var members: [Member] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&memberID, through: 2)
        try codec.field(&members, from: 3)
    }

    /// A member by id or by instance id.
    package struct Member: KafkaStruct {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var reason: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&groupInstanceID)
            try codec.field(&reason, from: 5)
        }
    }
}

/// The outcome, from version 3 on for each member.
package struct LeaveGroupResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var members: [Member] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&error)
        try codec.field(&members, from: 3)
    }

    /// The outcome of one.
    package struct Member: KafkaStruct {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&groupInstanceID)
            try codec.field(&error)
        }
    }
}
