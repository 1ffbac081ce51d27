// Publishes records and tells when the log has them.
//
// Idempotent, acks=all: librdkafka's own retries neither lose, repeat nor reorder a record within a
// partition. Who publishes again after a failed delivery may store it twice; the log cannot know.
//
// Delivery reports arrive on one thread of the producer, which sleeps in librdkafka until there are
// some, and go to the handler a batch at a time.

internal import CRdKafka
package import Logging
internal import Synchronization

/// How a producer works.
package struct LogProducerConfiguration: Sendable {
    package var connection: LogConnection
    /// How long a record may wait for company. A choice: latency against records a request.
    package var linger: Duration = .milliseconds(3)
    /// How long after publishing a record that the log has not taken fails.
    package var deliveryTimeout: Duration = .seconds(10)
    /// Records that may wait for their delivery at one time.
    package var bufferedRecordsMax = 200_000
    /// Bytes that may wait for their delivery at one time.
    package var bufferedBytesMax = 256 << 20

    package init(connection: LogConnection) { self.connection = connection }

    var properties: [String: String] {
        [
            "enable.idempotence": "true",
            "acks": "all",
            "linger.ms": String(linger.timeoutMilliseconds),
            "message.timeout.ms": String(deliveryTimeout.timeoutMilliseconds),
            "queue.buffering.max.messages": String(bufferedRecordsMax),
            "queue.buffering.max.kbytes": String(max(bufferedBytesMax >> 10, 1)),
            // The buffer must not be emptied by a record that waits for its turn to be retried.
            "retry.backoff.ms": "50",
            "batch.num.messages": "10000",
        ]
    }
}

/// What became of one record.
package struct Delivery: Sendable {
    /// What the publisher gave along with the record.
    package let token: UInt64
    package let partition: Int32
    /// The record's offset; -1 when the delivery failed.
    package let offset: Int64
    /// Why the delivery failed; nil when the log has the record.
    package let error: LogError?
}

/// Whether a record could be taken.
package enum PublishOutcome: Sendable {
    /// Its delivery will be reported.
    case queued
    /// Too many records or bytes wait already; nothing was taken.
    case queueFull
    /// It can never be published so; nothing was taken.
    case refused(LogError)
}

/// A producer. Records go out through its `topic(_:)`.
package final class LogProducer: Sendable {
    let core: ProducerCore
    private let thread: DedicatedThread

    /// Starts a producer. It connects by itself, now and whenever the log comes back.
    ///
    /// `deliveries` is called on the producer's thread with the reports of records that were
    /// published with a token; it must not block.
    package init(
        configuration: LogProducerConfiguration, logger: Logger,
        deliveries: @escaping @Sendable ([Delivery]) -> Void = { _ in }
    ) throws {
        let client = try KafkaClient(
            type: RD_KAFKA_PRODUCER, connection: configuration.connection,
            properties: configuration.properties, events: RD_KAFKA_EVENT_DR, logger: logger)
        let core = ProducerCore(client: client, deliveries: deliveries)
        self.core = core
        thread = DedicatedThread(name: "log-producer") { core.run() }
    }

    deinit { core.stop() }

    /// A topic to publish to. Cheap; keep it all the same.
    package func topic(_ name: String) throws -> ProducerTopic {
        try ProducerTopic(name: name, core: core)
    }

    /// Records that wait for their delivery.
    package var bufferedRecords: Int { Int(unsafe rd_kafka_outq_len(core.client.raw)) }

    /// The error after which this producer delivers nothing more, if there was one.
    package var fatalError: LogError? { core.fatal.withLock { $0 } }

    /// Waits until every record has been reported. False when the time was not enough.
    package func flush(timeout: Duration) async -> Bool {
        let core = core
        let result = try? await runBlocking {
            // The reports are served by the producer's thread meanwhile.
            .success(unsafe rd_kafka_flush(core.client.raw, timeout.timeoutMilliseconds))
        }
        return result == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Fails what has not been delivered and ends the thread. `flush` first to lose nothing.
    package func close() async {
        core.stop()
        await thread.finished()
    }
}

/// What the producer's thread works on.
final class ProducerCore: Sendable {
    typealias Waiter = CheckedContinuation<PartitionOffset, any Error>

    /// Tokens from here on belong to callers that wait in `publish(...) async`.
    static let waiterTokenBit: UInt64 = 1 << 63
    /// Longest wait for the reports of purged records. A choice.
    private static let purgeRounds = 50

    let client: KafkaClient
    let fatal = Mutex<LogError?>(nil)
    private let deliveries: @Sendable ([Delivery]) -> Void
    private let waiters = Mutex((next: waiterTokenBit, table: [UInt64: Waiter]()))
    private let isStopping = Atomic(false)

    init(client: KafkaClient, deliveries: @escaping @Sendable ([Delivery]) -> Void) {
        self.client = client
        self.deliveries = deliveries
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        client.wake()
    }

    func run() {
        while !isStopping.load(ordering: .acquiring) { serve(timeoutMilliseconds: 1000) }
        // Everything that still waits is failed now, and its report served, so that nobody waits
        // for ever.
        _ = unsafe rd_kafka_purge(client.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        for _ in 0..<Self.purgeRounds where unsafe rd_kafka_outq_len(client.raw) > 0 {
            serve(timeoutMilliseconds: 100)
        }
        failWaiters()
    }

    private func serve(timeoutMilliseconds: Int32) {
        guard let event = unsafe client.poll(timeoutMilliseconds: timeoutMilliseconds) else {
            return
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        if unsafe rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR {
            unsafe deliver(event)
        } else if let error = unsafe client.report(event) {
            fatal.withLock { $0 = error }
        }
    }

    private func deliver(_ event: OpaquePointer) {
        var batch: [Delivery] = []
        unsafe batch.reserveCapacity(rd_kafka_event_message_count(event))
        // The messages belong to the event.
        while let message = unsafe rd_kafka_event_message_next(event) {
            let token = unsafe UInt64(UInt(bitPattern: message.pointee._private))
            let code = unsafe message.pointee.err
            let error =
                code == RD_KAFKA_RESP_ERR_NO_ERROR
                ? nil : LogError(code, trying: "deliver a record")
            let delivery = unsafe Delivery(
                token: token, partition: message.pointee.partition,
                offset: error == nil ? message.pointee.offset : -1, error: error)
            if token & Self.waiterTokenBit != 0 {
                resume(
                    delivery,
                    topic: unsafe String(cString: rd_kafka_topic_name(message.pointee.rkt)))
            } else {
                batch.append(delivery)
            }
        }
        if !batch.isEmpty { deliveries(batch) }
    }

    // Waiters.

    func register(_ waiter: Waiter) -> UInt64 {
        waiters.withLock { waiters in
            let token = waiters.next
            waiters.next = (token &+ 1) | Self.waiterTokenBit
            waiters.table[token] = waiter
            return token
        }
    }

    func forget(_ token: UInt64) -> Waiter? {
        waiters.withLock { $0.table.removeValue(forKey: token) }
    }

    private func resume(_ delivery: Delivery, topic: String) {
        guard let waiter = forget(delivery.token) else { return }
        if let error = delivery.error {
            waiter.resume(throwing: error)
        } else {
            waiter.resume(
                returning: PartitionOffset(
                    topic: topic, partition: delivery.partition, offset: delivery.offset))
        }
    }

    private func failWaiters() {
        let left = waiters.withLock { waiters in
            defer { waiters.table = [:] }
            return waiters.table.values.map { $0 }
        }
        let error = LogError(RD_KAFKA_RESP_ERR__DESTROY, trying: "deliver a record")
        for waiter in left { waiter.resume(throwing: error) }
    }
}
