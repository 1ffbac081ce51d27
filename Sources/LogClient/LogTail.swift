// Reads one partition from a place and then on and on, without a group: how every process follows
// the catalog, and how the operator's command shows a topic.

internal import CRdKafka
package import Logging
internal import Synchronization

/// What a tail learns, in order.
package enum LogTailEvent: Sendable {
    case records([LogRecord])
    /// Everything that was in the topic when the tail began has been handed over. Comes once.
    case caughtUp
    case failed(LogError)
}

/// Follows one partition. The handler runs on the tail's thread and must not block.
package final class LogTail: Sendable {
    private let core: ConsumerCore
    private let thread: DedicatedThread

    /// Starts at `offset`, or at the earliest record that the topic still has.
    package init(
        connection: LogConnection, topicPartition: TopicPartition, from offset: Int64 = 0,
        readsHeaders: Bool = false, logger: Logger,
        handler: @escaping @Sendable (LogTailEvent) -> Void
    ) throws {
        let client = try KafkaClient(
            type: RD_KAFKA_CONSUMER, connection: connection, properties: Self.properties,
            events: RD_KAFKA_EVENT_FETCH, logger: logger)
        let progress = Mutex(false)
        let core = ConsumerCore(client: client, readsHeaders: readsHeaders) { event in
            switch event {
            case .records(let records): handler(.records(records))
            case .partitionEnd:
                let isFirst = progress.withLock { isCaughtUp in
                    defer { isCaughtUp = true }
                    return !isCaughtUp
                }
                if isFirst { handler(.caughtUp) }
            case .failed(let error): handler(.failed(error))
            case .assigned, .revoked, .commitFailed, .placed, .outOfRange: break
            }
        }
        // Not "the beginning": librdkafka would ask the log for its number first, and begins that
        // half a second late. If the log no longer has 0, `auto.offset.reset` comes to the same.
        let list = PartitionList([PartitionOffset(topicPartition, offset: offset)])
        let code = unsafe rd_kafka_assign(client.raw, list.raw)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw LogError(code, trying: "read \(topicPartition)")
        }
        self.core = core
        thread = DedicatedThread(name: "log-tail") { core.run() }
    }

    deinit { core.stop() }

    private static let properties: [String: String] = [
        // Named because librdkafka wants a name; without a subscription it never joins.
        "group.id": "millrace.tail",
        "enable.auto.commit": "false",
        "enable.partition.eof": "true",
        "auto.offset.reset": "earliest",
        "queued.max.messages.kbytes": "16384",
        // A topic that is made later is found within this time.
        "topic.metadata.refresh.interval.ms": "1000",
        "topic.metadata.propagation.max.ms": "0",
        "fetch.error.backoff.ms": "50",
    ]

    /// Ends the thread.
    package func close() async {
        core.stop()
        await thread.finished()
    }
}
