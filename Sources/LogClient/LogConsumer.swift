// A member of a consumer group.
//
// Nothing is committed and nothing is assigned by itself: the owner answers each rebalance with the
// offsets to start from (the store's, which say what is done), and commits when it is done.
// The handler runs on the consumer's thread, which also serves rebalances: it must not block.
// Whoever
// cannot keep up pauses partitions.

internal import CRdKafka
package import Logging

/// How a group member works.
package struct LogConsumerConfiguration: Sendable {
    package var connection: LogConnection
    package var group: String
    package var topics: [String]
    /// A name that outlives the process: whoever comes back under it within the session timeout
    /// gets the same partitions at once, and leaving gives nothing back before that time.
    package var instanceID: String?
    /// A member that is silent for so long loses its partitions. A choice: kill -9 is noticed soon.
    package var sessionTimeout: Duration = .seconds(10)
    /// Bytes fetched ahead, a partition. Together with the batches in work they bound memory.
    package var fetchedBytesMax = 16 << 20

    package init(connection: LogConnection, group: String, topics: [String]) {
        self.connection = connection
        self.group = group
        self.topics = topics
    }

    var properties: [String: String] {
        var properties = [
            "group.id": group,
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "enable.partition.eof": "true",
            // An offset that the log no longer has, or not yet, is an event of its own: records
            // from elsewhere would look like those that follow.
            "auto.offset.reset": "error",
            "session.timeout.ms": String(sessionTimeout.timeoutMilliseconds),
            "heartbeat.interval.ms": String(max(sessionTimeout.timeoutMilliseconds / 5, 1)),
            "queued.max.messages.kbytes": String(max(fetchedBytesMax >> 10, 1)),
            "queued.min.messages": "100000",
            "fetch.error.backoff.ms": "50",
            "partition.assignment.strategy": "range",
            // A topic that appears later is joined within this time.
            "topic.metadata.refresh.interval.ms": "5000",
        ]
        properties["group.instance.id"] = instanceID
        return properties
    }
}

/// A group member. Its calls may come from any thread; those that change what is read take effect
/// soon, in their order, and what cannot be done comes as `.failed`.
package final class LogConsumer: Sendable {
    private let core: ConsumerCore
    private let thread: DedicatedThread

    /// Joins the group. The events come in order, one at a time.
    package init(
        configuration: LogConsumerConfiguration, logger: Logger,
        handler: @escaping @Sendable (LogConsumerEvent) -> Void
    ) throws {
        let client = try KafkaClient(
            type: RD_KAFKA_CONSUMER, connection: configuration.connection,
            properties: configuration.properties,
            events: RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT,
            logger: logger)
        let topics = PartitionList(
            configuration.topics.map { TopicPartition(topic: $0, partition: -1) })
        let code = unsafe rd_kafka_subscribe(client.raw, topics.raw)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw LogError(code, trying: "join group \(configuration.group)")
        }
        let core = ConsumerCore(client: client, handler: handler)
        self.core = core
        thread = DedicatedThread(name: "log-consumer") { core.run() }
    }

    deinit { core.stop() }

    /// Answers `.assigned`, and may be called again: reads these partitions from these offsets on,
    /// unpaused, and no others. `.placed` with the same ticket says when: records that come after
    /// it are from there. Give numbered offsets to a partition that may be placed again soon: while
    /// librdkafka asks the log about a named one, another place does not last.
    package func assign(_ offsets: [PartitionOffset], ticket: UInt64 = 0) {
        core.give(.assign(offsets, ticket: ticket))
    }

    /// Answers `.revoked`: reads nothing from now on. The group's rebalance waits for this.
    package func unassign() { core.give(.unassign) }

    /// Stops handing over records of these partitions; those already gathered may still come.
    package func pause(_ partitions: [TopicPartition]) { core.give(.pause(partitions)) }

    /// Goes on where `pause` stopped.
    package func resume(_ partitions: [TopicPartition]) { core.give(.resume(partitions)) }

    /// Starts to commit the next offsets to read. A failure comes as `.commitFailed`.
    package func commit(_ offsets: [PartitionOffset]) throws {
        let list = PartitionList(offsets)
        let code = unsafe rd_kafka_commit(core.client.raw, list.raw, 1)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw LogError(code, trying: "commit offsets")
        }
    }

    /// Commits the next offsets to read and waits for the group's coordinator to have them.
    package func commitAndWait(_ offsets: [PartitionOffset]) async throws {
        let client = core.client
        try await runBlocking { () -> Result<Void, LogError> in
            let list = PartitionList(offsets)
            let code = unsafe rd_kafka_commit(client.raw, list.raw, 0)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                return .failure(LogError(code, trying: "commit offsets"))
            }
            return .success(())
        }
    }

    /// Leaves the group and ends the thread. Commit before.
    package func close() async {
        core.stop()
        await thread.finished()
    }
}
