// The shape of the log: topics, their partitions, and which broker leads each.

internal import CRdKafka

/// A topic as its brokers describe it.
package struct TopicMetadata: Sendable, Equatable {
    package let name: String
    /// In the order of their numbers.
    package let partitions: [PartitionMetadata]

    package init(name: String, partitions: [PartitionMetadata]) {
        self.name = name
        self.partitions = partitions
    }
}

/// A partition as its brokers describe it.
package struct PartitionMetadata: Sendable, Equatable {
    package let partition: Int32
    /// `host:port` of the leader; nil while there is none.
    package let leader: String?
    package let leaderID: Int32
    package let replicas: [Int32]
    package let inSyncReplicas: [Int32]

    package init(
        partition: Int32, leader: String?, leaderID: Int32, replicas: [Int32],
        inSyncReplicas: [Int32]
    ) {
        self.partition = partition
        self.leader = leader
        self.leaderID = leaderID
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
    }
}

extension KafkaClient {
    /// All topics of the log. Blocks.
    func topics(timeout: Duration) -> Result<[TopicMetadata], LogError> {
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = unsafe rd_kafka_metadata(raw, 1, nil, &answer, timeout.timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = unsafe answer else {
            return .failure(LogError(code, trying: "ask the log for its topics"))
        }
        // The answer is ours until the destroy below; everything is copied out of it.
        defer { unsafe rd_kafka_metadata_destroy(answer) }
        var addresses: [Int32: String] = [:]
        for index in unsafe 0..<Int(answer.pointee.broker_cnt) {
            let broker = unsafe answer.pointee.brokers[index]
            unsafe addresses[broker.id] = "\(String(cString: broker.host)):\(broker.port)"
        }
        let topics = unsafe (0..<Int(answer.pointee.topic_cnt)).map { index in
            unsafe TopicMetadata(answer.pointee.topics[index], addresses: addresses)
        }
        return .success(topics)
    }
}

extension TopicMetadata {
    init(_ topic: rd_kafka_metadata_topic, addresses: [Int32: String]) {
        unsafe name = String(cString: topic.topic)
        partitions = unsafe (0..<Int(topic.partition_cnt)).map { index in
            unsafe PartitionMetadata(topic.partitions[index], addresses: addresses)
        }.sorted { $0.partition < $1.partition }
    }
}

extension PartitionMetadata {
    fileprivate init(_ partition: rd_kafka_metadata_partition, addresses: [Int32: String]) {
        unsafe self.partition = partition.id
        unsafe leaderID = partition.leader
        leader = addresses[leaderID]
        unsafe replicas = Array(
            UnsafeBufferPointer(start: partition.replicas, count: Int(partition.replica_cnt)))
        unsafe inSyncReplicas = Array(
            UnsafeBufferPointer(start: partition.isrs, count: Int(partition.isr_cnt)))
    }
}
