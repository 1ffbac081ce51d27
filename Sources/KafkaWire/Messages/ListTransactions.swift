// ListTransactions (66): all transactional ids that the coordinator knows.

/// Empty filters let everything through.
package struct ListTransactionsRequest: KafkaRequest {
    package typealias Response = ListTransactionsResponse
    package static let key = APIKey.listTransactions
    package static let versions: ClosedRange<Int16> = 0...1
    package static let flexibleFrom: Int16 = 0

    package var states: [String] = []
    package var producerIDs: [Int64] = []
    /// Only transactions that have been running for longer, in milliseconds; negative: all.
    package var durationMilliseconds: Int64 = -1

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&states)
        try codec.field(&producerIDs)
        try codec.field(&durationMilliseconds, from: 1)
    }
}

/// What passed the filters, and the states in them that do not exist.
package struct ListTransactionsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var unknownStates: [String] = []
    package var transactions: [Transaction] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&unknownStates)
        try codec.field(&transactions)
    }

    /// One transactional id.
    package struct Transaction: KafkaStruct {
        package var transactionalID: String = ""
        package var producerID: Int64 = -1
        package var state: String = ""

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&transactionalID)
            try codec.field(&producerID)
            try codec.field(&state)
        }
    }
}
