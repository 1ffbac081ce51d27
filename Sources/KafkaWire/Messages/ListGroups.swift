// ListGroups (16): the groups of this node.

/// Which states and types; empty means all.
package struct ListGroupsRequest: KafkaRequest {
    package typealias Response = ListGroupsResponse
    package static let key = APIKey.listGroups
    package static let versions: ClosedRange<Int16> = 0...5
    package static let flexibleFrom: Int16 = 3

    package var states: [String] = []
    package var types: [String] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&states, from: 4)
        try codec.field(&types, from: 5)
    }
}

/// The groups.
package struct ListGroupsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var groups: [Group] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&error)
        try codec.field(&groups)
    }

    /// One group.
    package struct Group: KafkaStruct {
        package var groupID: String = ""
        package var protocolType: String = ""
        package var state: String = ""
        package var type: String = ""

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&groupID)
            try codec.field(&protocolType)
            try codec.field(&state, from: 4)
            try codec.field(&type, from: 5)
        }
    }
}
