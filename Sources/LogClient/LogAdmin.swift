// Asks the log about itself and makes topics.

internal import CRdKafka
package import Logging

/// The earliest and the latest offset of a partition.
package struct PartitionRange: Sendable, Equatable {
    /// Of the first record that the log still has.
    package let earliest: Int64
    /// After the last record.
    package let latest: Int64

    package init(earliest: Int64, latest: Int64) {
        self.earliest = earliest
        self.latest = latest
    }
}

/// An administrator's connection to the log. Every call waits at most its timeout.
package final class LogAdmin: Sendable {
    private let client: KafkaClient

    package init(connection: LogConnection, logger: Logger) throws {
        client = try KafkaClient(
            type: RD_KAFKA_PRODUCER, connection: connection, properties: [:], events: 0,
            logger: logger)
    }

    /// All topics of the log.
    package func topics(timeout: Duration) async throws -> [TopicMetadata] {
        let client = client
        return try await runBlocking { client.topics(timeout: timeout) }
    }

    /// A topic; nil if the log does not have it.
    package func metadata(of topic: String, timeout: Duration) async throws -> TopicMetadata? {
        try await topics(timeout: timeout).first { $0.name == topic && !$0.partitions.isEmpty }
    }

    /// Makes a topic unless it exists. The settings are the broker's (`cleanup.policy` and so on).
    /// Returns whether it was made just now.
    @discardableResult
    package func createTopic(
        _ name: String, partitions: Int32, replication: Int32 = 1,
        settings: [String: String] = [:], timeout: Duration
    ) async throws -> Bool {
        let client = client
        return try await runBlocking {
            client.createTopic(
                name, partitions: partitions, replication: replication, settings: settings,
                timeoutMilliseconds: timeout.timeoutMilliseconds)
        }
    }

    /// Where a partition begins and ends, asked from its leader.
    package func range(
        of partition: TopicPartition, timeout: Duration
    ) async throws -> PartitionRange {
        let client = client
        return try await runBlocking {
            var low: Int64 = 0
            var high: Int64 = 0
            let code = unsafe rd_kafka_query_watermark_offsets(
                client.raw, partition.topic, partition.partition, &low, &high,
                timeout.timeoutMilliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                return .failure(LogError(code, trying: "ask for the offsets of \(partition)"))
            }
            return .success(PartitionRange(earliest: low, latest: high))
        }
    }

    /// For each partition the offset of the first record that is not older than a time, in
    /// milliseconds since 1970; where there is none, the partition is left out.
    package func offsets(
        of partitions: [TopicPartition], at milliseconds: Int64, timeout: Duration
    ) async throws -> [PartitionOffset] {
        let client = client
        return try await runBlocking { () -> Result<[PartitionOffset], LogError> in
            let action = "ask for the offsets at a time"
            // The times go in where the offsets come out.
            let list = PartitionList(
                partitions.map { PartitionOffset($0, offset: milliseconds) })
            let code = unsafe rd_kafka_offsets_for_times(
                client.raw, list.raw, timeout.timeoutMilliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                return .failure(LogError(code, trying: action))
            }
            if let error = list.firstError(trying: action) { return .failure(error) }
            return .success(unsafe PartitionList.offsets(of: list.raw).filter { $0.offset >= 0 })
        }
    }

    /// What a group has committed, without joining it; partitions without a commit are left out.
    package func committedOffsets(
        group: String, of partitions: [TopicPartition], timeout: Duration
    ) async throws -> [PartitionOffset] {
        let client = client
        return try await runBlocking {
            client.committedOffsets(
                group: group, of: partitions, timeoutMilliseconds: timeout.timeoutMilliseconds)
        }
    }
}

extension KafkaClient {
    // Both calls follow librdkafka's pattern: the request object is ours, the result comes as one
    // event on a queue of ours, and everything read from it belongs to the event.

    fileprivate func createTopic(
        _ name: String, partitions: Int32, replication: Int32, settings: [String: String],
        timeoutMilliseconds: Int32
    ) -> Result<Bool, LogError> {
        let action = "create topic \(name)"
        var text = [CChar](repeating: 0, count: 512)
        guard
            let topic = unsafe rd_kafka_NewTopic_new(
                name, partitions, replication, &text, text.count)
        else {
            return .failure(
                LogError(
                    code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, name: "_INVALID_ARG",
                    message: "\(action): \(Self.message(text))"))
        }
        defer { unsafe rd_kafka_NewTopic_destroy(topic) }
        for (key, value) in settings { unsafe rd_kafka_NewTopic_set_config(topic, key, value) }
        let event = unsafe adminResult(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeoutMilliseconds) {
            options, queue in
            var topics: [OpaquePointer?] = unsafe [topic]
            unsafe rd_kafka_CreateTopics(raw, &topics, 1, options, queue)
        }
        guard let event = unsafe event else {
            return .failure(LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, trying: action))
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        if unsafe rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
            return .failure(unsafe Self.error(of: event, trying: action))
        }
        var count = 0
        let results = unsafe rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event), &count)
        guard count == 1, let result = unsafe results?[0] else {
            return .failure(LogError(RD_KAFKA_RESP_ERR__FAIL, trying: action))
        }
        switch unsafe rd_kafka_topic_result_error(result) {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return .success(true)
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return .success(false)
        case let code: return .failure(LogError(code, trying: action))
        }
    }

    fileprivate func committedOffsets(
        group: String, of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) -> Result<[PartitionOffset], LogError> {
        let action = "ask for the offsets of group \(group)"
        let list = PartitionList(partitions)
        // The request copies the list.
        let request = unsafe rd_kafka_ListConsumerGroupOffsets_new(group, list.raw)
        defer { unsafe rd_kafka_ListConsumerGroupOffsets_destroy(request) }
        let event = unsafe adminResult(
            RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeoutMilliseconds
        ) { options, queue in
            var requests: [OpaquePointer?] = unsafe [request]
            unsafe rd_kafka_ListConsumerGroupOffsets(raw, &requests, 1, options, queue)
        }
        guard let event = unsafe event else {
            return .failure(LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, trying: action))
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        if unsafe rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
            return .failure(unsafe Self.error(of: event, trying: action))
        }
        var count = 0
        let groups = unsafe rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count)
        guard count == 1, let group = unsafe groups?[0] else {
            return .failure(LogError(RD_KAFKA_RESP_ERR__FAIL, trying: action))
        }
        if let error = unsafe rd_kafka_group_result_error(group) {
            // Belongs to the event, unlike most error objects.
            return .failure(unsafe LogError(rd_kafka_error_code(error), trying: action))
        }
        let offsets = unsafe PartitionList.offsets(of: rd_kafka_group_result_partitions(group))
        return .success(offsets.filter { $0.offset >= 0 })
    }

    /// Makes options and a queue, sends a request with them, and waits for the one event.
    private func adminResult(
        _ operation: rd_kafka_admin_op_t, _ timeoutMilliseconds: Int32,
        send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
    ) -> OpaquePointer? {
        let options = unsafe rd_kafka_AdminOptions_new(raw, operation)
        defer { unsafe rd_kafka_AdminOptions_destroy(options) }
        var text = [CChar](repeating: 0, count: 512)
        unsafe rd_kafka_AdminOptions_set_request_timeout(
            options, timeoutMilliseconds, &text, text.count)
        let queue = unsafe rd_kafka_queue_new(raw)
        defer { unsafe rd_kafka_queue_destroy(queue) }
        unsafe send(options, queue)
        // librdkafka itself answers with a timeout; the second more is for a thread that is late.
        return unsafe rd_kafka_queue_poll(queue, timeoutMilliseconds + 1000)
    }
}
