// DeleteGroups (42): forget groups without members, and their offsets.

/// Which groups.
package struct DeleteGroupsRequest: KafkaRequest {
    package typealias Response = DeleteGroupsResponse
    package static let key = APIKey.deleteGroups
    package static let versions: ClosedRange<Int16> = 0...2
    package static let flexibleFrom: Int16 = 2

    package var groups: [String] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groups)
    }
}

/// An outcome for each.
package struct DeleteGroupsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&groups)
    }

    /// One outcome.
    package struct Group: KafkaStruct {
        package var groupID: String = ""
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&groupID)
            try codec.field(&error)
        }
    }
}
