// DescribeCluster (60): the nodes and the cluster's id.

/// What to include.
package struct DescribeClusterRequest: KafkaRequest {
    package typealias Response = DescribeClusterResponse
    package static let key = APIKey.describeCluster
    package static let versions: ClosedRange<Int16> = 0...2
    package static let flexibleFrom: Int16 = 0

    package var includeClusterAuthorizedOperations: Bool = false
    package var endpointType: Int8 = 1
    package var includeFencedBrokers: Bool = false

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&includeClusterAuthorizedOperations)
        try codec.field(&endpointType, from: 1)
        try codec.field(&includeFencedBrokers, from: 2)
    }
}

/// The cluster.
package struct DescribeClusterResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var errorMessage: String?
    package var endpointType: Int8 = 1
    package var clusterID: String = ""
    package var controllerID: Int32 = -1
    package var brokers: [Broker] = []
    package var clusterAuthorizedOperations: Int32 = Int32.min

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error)
        try codec.field(&errorMessage)
        try codec.field(&endpointType, from: 1)
        try codec.field(&clusterID)
        try codec.field(&controllerID)
        try codec.field(&brokers)
        try codec.field(&clusterAuthorizedOperations)
    }

    /// A node and where it listens.
    package struct Broker: KafkaStruct {
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var rack: String?
        package var isFenced: Bool = false

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&nodeID)
            try codec.field(&host)
            try codec.field(&port)
            try codec.field(&rack)
            try codec.field(&isFenced, from: 2)
        }
    }
}
