// DescribeTransactions (65): the state of transactional ids.

/// The transactional ids.
package struct DescribeTransactionsRequest: KafkaRequest {
    package typealias Response = DescribeTransactionsResponse
    package static let key = APIKey.describeTransactions
    package static let versions: ClosedRange<Int16> = 0...0
    package static let flexibleFrom: Int16 = 0

    package var transactionalIDs: [String] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalIDs)
    }
}

/// The state of each.
package struct DescribeTransactionsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var transactions: [Transaction] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&transactions)
    }

    /// The state of one; times are milliseconds since 1970.
    package struct Transaction: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var transactionalID: String = ""
        package var state: String = ""
        package var timeoutMilliseconds: Int32 = 0
        package var startTimestamp: Int64 = -1
        package var producerID: Int64 = -1
        package var producerEpoch: Int16 = -1
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&transactionalID)
            try codec.field(&state)
            try codec.field(&timeoutMilliseconds)
            try codec.field(&startTimestamp)
            try codec.field(&producerID)
            try codec.field(&producerEpoch)
            try codec.field(&topics)
        }
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
