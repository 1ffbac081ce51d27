// DeleteRecords (21): move the start of partitions up.

/// The offsets below which records may go; -1 means all.
package struct DeleteRecordsRequest: KafkaRequest {
    package typealias Response = DeleteRecordsResponse
    package static let key = APIKey.deleteRecords
    package static let versions: ClosedRange<Int16> = 0...2
    package static let flexibleFrom: Int16 = 2

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
        try codec.field(&timeoutMilliseconds)
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

    /// One partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var offset: Int64 = 0

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&offset)
        }
    }
}

/// The new starts.
package struct DeleteRecordsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&topics)
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

    /// One partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var lowWatermark: Int64 = -1
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&lowWatermark)
            try codec.field(&error)
        }
    }
}
