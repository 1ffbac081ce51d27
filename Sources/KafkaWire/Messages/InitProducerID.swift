// InitProducerId (22): an id for an idempotent producer.

/// From version 3 on with the id and epoch that the producer has, to get the next epoch.
package struct InitProducerIDRequest: KafkaRequest {
    package typealias Response = InitProducerIDResponse
    package static let key = APIKey.initProducerID
    package static let versions: ClosedRange<Int16> = 0...4
    package static let flexibleFrom: Int16 = 2

    package var transactionalID: String?
    package var transactionTimeoutMilliseconds: Int32 = 0
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&transactionalID)
        try codec.field(&transactionTimeoutMilliseconds)
        try codec.field(&producerID, from: 3)
        try codec.field(&producerEpoch, from: 3)
    }
}

/// The id and its epoch.
package struct InitProducerIDResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&producerID)
        try codec.field(&producerEpoch)
    }
}
