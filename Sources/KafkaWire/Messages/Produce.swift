// Produce (0): append record batches.
// Versions 0 to 2 are described so that they can be refused: clients of that age test for them by
// exact number before they compress, so they are listed although message formats 0 and 1 are gone.

/// Batches for partitions, and how safe they must be before the answer comes.
package struct ProduceRequest: KafkaRequest {
    package typealias Response = ProduceResponse
    package static let key = APIKey.produce
    package static let versions: ClosedRange<Int16> = 0...11
    package static let flexibleFrom: Int16 = 9

    package var transactionalID: String?
    /// -1 all replicas (here: on the disk), 1 the leader, 0 no answer at all.
    package var acks: Int16 = 0
    package var timeoutMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID, from: 3)
        try codec.field(&acks)
        try codec.field(&timeoutMilliseconds)
        try codec.field(&topics)
    }

    /// The batches of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// The batch of one partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var records: KafkaRecords?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&records)
        }
    }
}

/// Where the batches went.
package struct ProduceResponse: KafkaStruct {
    package var topics: [Topic] = []
    package var throttleMilliseconds: Int32 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
        try codec.field(&throttleMilliseconds, from: 1)
    }

    /// The outcomes of one topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// The outcome of one batch.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var error: KafkaErrorCode = .none
        package var baseOffset: Int64 = -1
        package var logAppendTimeMilliseconds: Int64 = -1
        package var logStartOffset: Int64 = -1
        package var recordErrors: [RecordError] = []
        package var errorMessage: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&error)
            try codec.field(&baseOffset)
            try codec.field(&logAppendTimeMilliseconds, from: 2)
            try codec.field(&logStartOffset, from: 5)
            try codec.field(&recordErrors, from: 8)
            try codec.field(&errorMessage, from: 8)
        }
    }

    /// A record that made its batch fail.
    package struct RecordError: KafkaStruct {
        package var batchIndex: Int32 = 0
        package var message: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&batchIndex)
            try codec.field(&message)
        }
    }
}
