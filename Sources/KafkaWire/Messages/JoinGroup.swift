// JoinGroup (11): enter a group, or enter its next generation.

/// A member and the assignment protocols that it supports, best first.
package struct JoinGroupRequest: KafkaRequest {
    package typealias Response = JoinGroupResponse
    package static let key = APIKey.joinGroup
    package static let versions: ClosedRange<Int16> = 0...9
    package static let flexibleFrom: Int16 = 6

    package var groupID: String = ""
    package var sessionTimeoutMilliseconds: Int32 = 0
    package var rebalanceTimeoutMilliseconds: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var protocolType: String = ""
    package var protocols: [AssignmentProtocol] = []
    package var reason: String?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&sessionTimeoutMilliseconds)
        try codec.field(&rebalanceTimeoutMilliseconds, from: 1)
        try codec.field(&memberID)
        try codec.field(&groupInstanceID, from: 5)
        try codec.field(&protocolType)
        try codec.field(&protocols)
        try codec.field(&reason, from: 8)
    }

    /// A protocol and the member's subscription in its terms.
    package struct AssignmentProtocol: KafkaStruct {
        package var name: String = ""
        package var metadata: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&metadata)
        }
    }
}

/// The generation; only the leader learns who the members are.
package struct JoinGroupResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var generationID: Int32 = -1
    package var protocolType: String?
    package var protocolName: String? = ""
    package var leader: String = ""
    package var skipAssignment: Bool = false
    package var memberID: String = ""
    package var members: [Member] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 2)
        try codec.field(&error)
        try codec.field(&generationID)
        try codec.field(&protocolType, from: 7)
        try codec.field(&protocolName, nullableFrom: 7)
        try codec.field(&leader)
        try codec.field(&skipAssignment, from: 9)
        try codec.field(&memberID)
        try codec.field(&members)
    }

    /// A member and its subscription.
    package struct Member: KafkaStruct {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var metadata: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&groupInstanceID, from: 5)
            try codec.field(&metadata)
        }
    }
}
