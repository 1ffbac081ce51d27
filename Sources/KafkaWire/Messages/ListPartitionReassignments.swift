// ListPartitionReassignments (46): partitions on their way to other nodes.

/// Which partitions; null means all.
package struct ListPartitionReassignmentsRequest: KafkaRequest {
    package typealias Response = ListPartitionReassignmentsResponse
    package static let key = APIKey.listPartitionReassignments
    package static let versions: ClosedRange<Int16> = 0...0
    package static let flexibleFrom: Int16 = 0

    package var timeoutMilliseconds: Int32 = 0
    package var topics: [Topic]?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&timeoutMilliseconds)
        try codec.field(&topics)
    }

    /// Partitions of a topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }
}

/// Those that move.
package struct ListPartitionReassignmentsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&topics)
    }

    /// Partitions of a topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// One partition and its nodes.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var replicas: [Int32] = []
        package var adding: [Int32] = []
        package var removing: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&replicas)
            try codec.field(&adding)
            try codec.field(&removing)
        }
    }
}
