// AddOffsetsToTxn (25): a transaction is going to commit offsets of a group.

/// Asked before the first TxnOffsetCommit.
package struct AddOffsetsToTxnRequest: KafkaRequest {
    package typealias Response = AddOffsetsToTxnResponse
    package static let key = APIKey.addOffsetsToTxn
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 3

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var groupID: String = ""

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
        try codec.field(&groupID)
    }
}

/// The outcome.
package struct AddOffsetsToTxnResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
    }
}
