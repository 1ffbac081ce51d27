// AddPartitionsToTxn (24): the partitions that a transaction is going to write to.

/// Asked before the first batch for a partition.
package struct AddPartitionsToTxnRequest: KafkaRequest {
    package typealias Response = AddPartitionsToTxnResponse
    package static let key = APIKey.addPartitionsToTxn
    package static let versions: ClosedRange<Int16> = 0...3
    package static let flexibleFrom: Int16 = 3

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
        try codec.field(&topics)
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
}

/// An outcome for each partition.
package struct AddPartitionsToTxnResponse: KafkaStruct {
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

    /// The outcome of one.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var error: KafkaErrorCode = .none

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&error)
        }
    }
}
