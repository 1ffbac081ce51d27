// The other kind of record in `__consumer_offsets`: a group's generation and its members, as Kafka
// writes them and as lag tools read them. A null value says that the group is gone. The bytes of
// committed offsets are in OffsetsTopicRecord.swift.

/// The key of a group's own state; always version 2.
package struct GroupMetadataKey: KafkaStruct {
    package var groupID: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
    }

    /// The version that is written, and the only one.
    package static let version: Int16 = 2
}

/// A generation of a group; without members if the group is empty.
package struct GroupMetadataValue: KafkaStruct {
    package var protocolType: String = ""
    package var generation: Int32 = 0
    package var protocolName: String?
    package var leader: String?
    /// Milliseconds since 1970 at which the group came into this state; -1 if unknown.
    package var stateTimestamp: Int64 = -1
    package var members: [Member] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&protocolType)
        try codec.field(&generation)
        try codec.field(&protocolName)
        try codec.field(&leader)
        try codec.field(&stateTimestamp, from: 2)
        try codec.field(&members)
    }

    /// The version that is written.
    package static let version: Int16 = 3
    /// The versions that are read.
    package static let versions: ClosedRange<Int16> = 0...3

    /// A member of the generation.
    package struct Member: KafkaStruct {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var clientID: String = ""
        package var clientHost: String = ""
        package var rebalanceTimeoutMilliseconds: Int32 = 0
        package var sessionTimeoutMilliseconds: Int32 = 0
        package var subscription: [UInt8] = []
        package var assignment: [UInt8] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&memberID)
            try codec.field(&groupInstanceID, from: 3)
            try codec.field(&clientID)
            try codec.field(&clientHost)
            try codec.field(&rebalanceTimeoutMilliseconds, from: 1)
            try codec.field(&sessionTimeoutMilliseconds)
            try codec.field(&subscription)
            try codec.field(&assignment)
        }
    }
}
