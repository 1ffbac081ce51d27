// The records of `__transaction_state`, as Kafka writes them: a key and a value, each a version
// int16 and then fields without compact lengths. The last record of a transactional id counts; a
// null value says that the id has expired.

/// The key: a transactional id.
package struct TransactionLogKey: KafkaStruct {
    package var transactionalID: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
    }

    /// The version that is written, and the only one.
    package static let version: Int16 = 0
}

/// The state of a transactional id; times are milliseconds since 1970.
package struct TransactionLogValue: KafkaStruct {
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1
    package var timeoutMilliseconds: Int32 = 0
    /// 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4 complete commit, 5 complete abort.
    package var state: Int8 = 0
    /// Null if the state is empty.
    package var topics: [Topic]?
    package var updateTimestamp: Int64 = -1
    package var startTimestamp: Int64 = -1

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
        try codec.field(&timeoutMilliseconds)
        try codec.field(&state)
        try codec.field(&topics)
        try codec.field(&updateTimestamp)
        try codec.field(&startTimestamp)
    }

    /// The version that is written, and the only one: later ones have other lengths.
    package static let version: Int16 = 0

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
