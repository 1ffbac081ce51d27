// FindCoordinator (10): the node that coordinates a group or a transaction.

/// One key, from version 4 on several.
package struct FindCoordinatorRequest: KafkaRequest {
    package typealias Response = FindCoordinatorResponse
    package static let key = APIKey.findCoordinator
    package static let versions: ClosedRange<Int16> = 0...6
    package static let flexibleFrom: Int16 = 3

    package var key: String = ""
    /// 0 a group, 1 a transaction.
    package var keyType: Int8 = 0
    package var keys: [String] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&key, through: 3)
        try codec.field(&keyType, from: 1)
        try codec.field(&keys, from: 4)
    }
}

/// The node for each key.
package struct FindCoordinatorResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var nodeID: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var coordinators: [Coordinator] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds, from: 1)
        try codec.field(&error, through: 3)
        try codec.field(&errorMessage, from: 1, through: 3)
        try codec.field(&nodeID, through: 3)
        try codec.field(&host, through: 3)
        try codec.field(&port, through: 3)
        try codec.field(&coordinators, from: 4)
    }

    /// The node for one key.
    package struct Coordinator: KafkaStruct {
        package var key: String = ""
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var error: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&key)
            try codec.field(&nodeID)
            try codec.field(&host)
            try codec.field(&port)
            try codec.field(&error)
            try codec.field(&errorMessage)
        }
    }
}
