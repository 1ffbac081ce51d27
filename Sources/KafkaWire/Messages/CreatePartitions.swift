// CreatePartitions (37): more partitions for topics that exist.

/// The new counts.
package struct CreatePartitionsRequest: KafkaRequest {
    package typealias Response = CreatePartitionsResponse
    package static let key = APIKey.createPartitions
    package static let versions: ClosedRange<Int16> = 0...3
    package static let flexibleFrom: Int16 = 2

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 0
    package var validateOnly: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
        try codec.field(&timeoutMilliseconds)
        try codec.field(&validateOnly)
    }

    /// One topic and how many partitions it shall have in all.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var count: Int32 = 0
        package var assignments: [Assignment]?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&count)
            try codec.field(&assignments)
        }
    }

    /// The nodes of one new partition.
    package struct Assignment: KafkaStruct {
        package var brokerIDs: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&brokerIDs)
        }
    }
}

/// An outcome for each.
package struct CreatePartitionsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
    }

    /// One outcome.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&error)
            try codec.field(&errorMessage)
        }
    }
}
