// DescribeGroups (15): the state and the members of groups.

/// Which groups.
package struct DescribeGroupsRequest: KafkaRequest {
    package typealias Response = DescribeGroupsResponse
    package static let key = APIKey.describeGroups
    package static let versions: ClosedRange<Int16> = 0...5
    package static let flexibleFrom: Int16 = 5

    package var groups: [String] = []
    package var includeAuthorizedOperations: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groups)
        try codec.field(&includeAuthorizedOperations, from: 3)
    }
}

/// The groups; an unknown one is "Dead".
package struct DescribeGroupsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&groups)
    }

    /// One group.
    package struct Group: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var groupID: String = ""
        package var state: String = ""
        package var protocolType: String = ""
        package var protocolName: String = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&groupID)
            try codec.field(&state)
            try codec.field(&protocolType)
            try codec.field(&protocolName)
            try codec.field(&members)
            try codec.field(&authorizedOperations, from: 3)
        }
    }

    /// One member.
    package struct Member: KafkaStruct {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var clientID: String = ""
        package var clientHost: String = ""
        package var metadata: [UInt8] = []
        package var assignment: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&groupInstanceID, from: 4)
            try codec.field(&clientID)
            try codec.field(&clientHost)
            try codec.field(&metadata)
            try codec.field(&assignment)
        }
    }
}
