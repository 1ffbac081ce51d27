// EndTxn (26): commit or abort a transaction.

/// The end of the transaction that is open.
package struct EndTxnRequest: KafkaRequest {
    package typealias Response = EndTxnResponse
    package static let key = APIKey.endTxn
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 3

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    /// False: abort.
    package var isCommit: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
        try codec.field(&isCommit)
    }
}

/// The outcome.
package struct EndTxnResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
    }
}
