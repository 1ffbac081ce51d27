// OffsetFetch (9): the committed offsets of a group, from version 8 on of several.

/// Which groups and partitions; null topics mean all that have an offset.
package struct OffsetFetchRequest: KafkaRequest {
    package typealias Response = OffsetFetchResponse
    package static let key = APIKey.offsetFetch
    package static let versions: ClosedRange<Int16> = 1...9
    package static let flexibleFrom: Int16 = 6

    package var groupID: String = ""
    package var topics: [Topic]?
    package var groups: [Group] = []
    package var requireStable: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID, through: 7)
        try codec.field(&topics, through: 7, nullableFrom: 2)
        try codec.field(&groups, from: 8)
        try codec.field(&requireStable, from: 7)
    }

    /// The partitions of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// A group and its partitions.
    package struct Group: KafkaStruct {
        package var groupID: String = ""
        package var memberID: String?
        package var memberEpoch: Int32 = -1
        package var topics: [Topic]?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&groupID)
            try codec.field(&memberID, from: 9)
            try codec.field(&memberEpoch, from: 9)
            try codec.field(&topics)
        }
    }
}

/// The offsets.
package struct OffsetFetchResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []
    package var error: KafkaErrorCode = .none
    package var groups: [Group] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 3)
        try codec.field(&topics, through: 7)
        try codec.field(&error, from: 2, through: 7)
        try codec.field(&groups, from: 8)
    }

    /// The partitions of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// One offset, -1 if none was committed.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var committedOffset: Int64 = -1
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String?
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&committedOffset)
            try codec.field(&committedLeaderEpoch, from: 5)
            try codec.field(&metadata)
            try codec.field(&error)
        }
    }

    /// The offsets of one group.
    package struct Group: KafkaStruct {
        package var groupID: String = ""
        package var topics: [Topic] = []
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&groupID)
            try codec.field(&topics)
            try codec.field(&error)
        }
    }
}
