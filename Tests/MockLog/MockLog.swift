// A Kafka cluster inside the test's own process: librdkafka's mock brokers, which speak the real
// protocol on loopback but keep everything in memory.

internal import CRdKafka

/// A running mock cluster. Topics that nobody made appear with four partitions when asked for.
package final class MockLog: @unchecked Sendable {
    // Both are thread-safe in librdkafka; the cluster goes before the handle that carries it.
    private let handle: OpaquePointer
    fileprivate let cluster: OpaquePointer
    /// What clients connect to.
    package let brokers: [String]

    package init(brokers count: Int32 = 1, topics: [String: Int32] = [:]) {
        var text = [CChar](repeating: 0, count: 512)
        guard
            let handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &text, text.count),
            let cluster = rd_kafka_mock_cluster_new(handle, count),
            let addresses = rd_kafka_mock_cluster_bootstraps(cluster)
        else { preconditionFailure("no mock cluster") }
        self.handle = handle
        self.cluster = cluster
        brokers = String(cString: addresses).split(separator: ",").map { String($0) }
        for (name, partitions) in topics {
            rd_kafka_mock_topic_create(cluster, name, partitions, min(count, 3))
        }
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(handle)
    }

    /// Makes a topic.
    package func createTopic(_ name: String, partitions: Int32) {
        rd_kafka_mock_topic_create(cluster, name, partitions, 1)
    }

    /// Brokers count from 1. A broker that is down refuses connections.
    package func setBroker(_ id: Int32, isUp: Bool) {
        if isUp {
            rd_kafka_mock_broker_set_up(cluster, id)
        } else {
            rd_kafka_mock_broker_set_down(cluster, id)
        }
    }

    /// Every answer of the broker takes so much longer.
    package func setRoundTrip(broker id: Int32, milliseconds: Int32) {
        rd_kafka_mock_broker_set_rtt(cluster, id, milliseconds)
    }
}

extension MockLog {
    /// Which broker leads a partition; by itself that is left to chance.
    package func setLeader(of topic: String, partition: Int32, broker id: Int32) {
        rd_kafka_mock_partition_set_leader(cluster, topic, partition, id)
    }

    /// Which broker coordinates a group.
    package func setCoordinator(ofGroup group: String, broker id: Int32) {
        rd_kafka_mock_coordinator_set(cluster, "group", group, id)
    }

    /// The next produce requests are answered with these Kafka error codes, in order.
    package func failProduceRequests(with codes: [Int32]) {
        // 0 is the key of Produce in the Kafka protocol.
        failRequests(ofKey: 0, with: codes)
    }

    /// The next requests of that key are answered with these Kafka error codes, in order.
    package func failRequests(ofKey key: Int16, with codes: [Int32]) {
        let errors = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
        rd_kafka_mock_push_request_errors_array(cluster, key, errors.count, errors)
    }
}
