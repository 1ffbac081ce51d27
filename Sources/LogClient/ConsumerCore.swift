// The thread that serves a consumer's event queue, shared by LogConsumer and LogTail.
//
// librdkafka hands over one fetched message an event. They are gathered without waiting into
// batches and handed on; any other event first flushes what was gathered, so the order stays.

internal import CRdKafka
internal import Synchronization

/// What a consumer learns, in order.
package enum LogConsumerEvent: Sendable {
    /// The group gave this member these partitions: answer with `assign` (or `unassign`).
    case assigned([TopicPartition])
    /// The group takes all partitions back: answer with `unassign`. When they are lost already,
    /// another member may be working on them.
    case revoked([TopicPartition], areLost: Bool)
    /// Records, those of one partition in the order of their offsets. Across a rebalance and after
    /// `resume`, records may come again; compare offsets.
    case records([LogRecord])
    /// Every record of the partition below this offset has been handed over.
    case partitionEnd(PartitionOffset)
    /// The partition reads from where the seek with this number said: every record before this
    /// event is from before the seek, every one after it from after. Or why it could not.
    case sought(TopicPartition, ticket: UInt64, LogError?)
    /// The log does not hold the offset that the partition wanted next. The partition reads nothing
    /// more, and cannot seek, until it is assigned again.
    case outOfRange(TopicPartition)
    /// Offsets could not be committed.
    case commitFailed(LogError)
    /// The client failed; it goes on unless the error is fatal.
    case failed(LogError)
}

/// A consumer's thread and what it works on.
final class ConsumerCore: Sendable {
    /// Records handed over at once, at most. A choice.
    private static let batchRecordsMax = 10_000
    /// Bytes handed over at once, at most, but for the last record. A choice.
    private static let batchBytesMax = 4 << 20
    /// How long the thread waits for librdkafka to begin a seek, which needs no broker. A choice.
    private static let seekMillisecondsMax: Int32 = 1000

    private struct SeekRequest {
        let offset: PartitionOffset
        let ticket: UInt64
    }

    let client: KafkaClient
    private let handler: @Sendable (LogConsumerEvent) -> Void
    private let isStopping = Atomic(false)
    private let seeks = Mutex<[SeekRequest]>([])

    init(client: KafkaClient, handler: @escaping @Sendable (LogConsumerEvent) -> Void) {
        self.client = client
        self.handler = handler
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        client.wake()
    }

    func seek(to offset: PartitionOffset, ticket: UInt64) {
        seeks.withLock { $0.append(SeekRequest(offset: offset, ticket: ticket)) }
        client.wake()
    }

    /// Serves events until stopped, then leaves the group.
    func run() {
        var batch = RecordBatch()
        while !isStopping.load(ordering: .acquiring) {
            performSeeks(&batch)
            let wait: Int32 = batch.isEmpty ? 1000 : 0
            guard let event = unsafe client.poll(timeoutMilliseconds: wait) else {
                flush(&batch)
                continue
            }
            defer { unsafe rd_kafka_event_destroy(event) }
            if unsafe rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH {
                unsafe fetch(event, &batch)
                if batch.count >= Self.batchRecordsMax || batch.byteCount >= Self.batchBytesMax {
                    flush(&batch)
                }
            } else {
                flush(&batch)
                unsafe handle(event)
            }
        }
        // Blocks until the group knows; a rebalance that comes meanwhile is answered inside.
        _ = unsafe rd_kafka_consumer_close(client.raw)
    }

    private func flush(_ batch: inout RecordBatch) {
        let records = batch.take()
        if !records.isEmpty { handler(.records(records)) }
    }

    /// On this thread, which also takes the records: what librdkafka hands over after its seek has
    /// begun is from after it, and what was gathered before is handed on before.
    private func performSeeks(_ batch: inout RecordBatch) {
        let requests = seeks.withLock { requests in
            defer { requests = [] }
            return requests
        }
        guard !requests.isEmpty else { return }
        flush(&batch)
        for request in requests {
            let list = PartitionList([request.offset])
            let failure = unsafe LogError.consuming(
                rd_kafka_seek_partitions(client.raw, list.raw, Self.seekMillisecondsMax),
                trying: "seek to \(request.offset)")
            let error = failure ?? list.firstError(trying: "seek to \(request.offset)")
            handler(.sought(request.offset.topicPartition, ticket: request.ticket, error))
        }
    }

    private func fetch(_ event: OpaquePointer, _ batch: inout RecordBatch) {
        // The messages belong to the event.
        while let message = unsafe rd_kafka_event_message_next(event) {
            let code = unsafe message.pointee.err
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                handler(.failed(LogError(code, trying: "fetch records")))
                continue
            }
            unsafe batch.append(message)
        }
    }

    private func handle(_ event: OpaquePointer) {
        switch unsafe rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_REBALANCE:
            unsafe rebalance(event)
        case RD_KAFKA_EVENT_OFFSET_COMMIT:
            let code = unsafe rd_kafka_event_error(event)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else {
                return
            }
            handler(.commitFailed(LogError(code, trying: "commit offsets")))
        case RD_KAFKA_EVENT_ERROR:
            unsafe fail(event)
        default:
            _ = unsafe client.report(event)
        }
    }

    private func rebalance(_ event: OpaquePointer) {
        // The list belongs to the event.
        let list = unsafe rd_kafka_event_topic_partition_list(event)
        let partitions = unsafe PartitionList.offsets(of: list).map(\.topicPartition)
        switch unsafe rd_kafka_event_error(event) {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            handler(.assigned(partitions))
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            handler(
                .revoked(partitions, areLost: unsafe rd_kafka_assignment_lost(client.raw) != 0))
        case let code:
            handler(.failed(LogError(code, trying: "rebalance the group")))
            handler(.revoked(partitions, areLost: true))
        }
    }

    private func fail(_ event: OpaquePointer) {
        switch unsafe rd_kafka_event_error(event) {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            if let end = unsafe place(of: event) { handler(.partitionEnd(end)) }
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
            _ = unsafe client.report(event)
            if let place = unsafe place(of: event) { handler(.outOfRange(place.topicPartition)) }
        default:
            let fatal = unsafe client.report(event)
            let error = unsafe KafkaClient.error(of: event, trying: "consume")
            handler(.failed(fatal ?? error))
        }
    }

    /// The place that an error names.
    private func place(of event: OpaquePointer) -> PartitionOffset? {
        // A list element of our own, unlike everything else that an event holds.
        guard let place = unsafe rd_kafka_event_topic_partition(event) else { return nil }
        defer { unsafe rd_kafka_topic_partition_destroy(place) }
        return unsafe PartitionOffset(
            topic: String(cString: place.pointee.topic), partition: place.pointee.partition,
            offset: place.pointee.offset)
    }
}

/// Records gathered so far. Topic names and repeated keys are shared instead of copied.
struct RecordBatch {
    private var records: [LogRecord] = []
    private(set) var byteCount = 0
    private var topic = ""
    private var topicHandle: UInt = 0
    private var lastKey: [UInt8] = []

    var isEmpty: Bool { records.isEmpty }
    var count: Int { records.count }

    mutating func take() -> [LogRecord] {
        defer {
            records = []
            byteCount = 0
        }
        return records
    }

    /// Copies a message, which somebody else owns.
    mutating func append(_ pointer: UnsafePointer<rd_kafka_message_t>) {
        let message = unsafe pointer.pointee
        let handle = unsafe UInt(bitPattern: message.rkt)
        if handle != topicHandle {
            unsafe topic = String(cString: rd_kafka_topic_name(message.rkt))
            topicHandle = handle
        }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let key = unsafe UnsafeRawBufferPointer(start: message.key, count: message.key_len)
        if unsafe !lastKey.elementsEqual(key) { unsafe lastKey = Array(key) }
        let value = unsafe UnsafeRawBufferPointer(start: message.payload, count: message.len)
        byteCount += key.count + value.count
        unsafe records.append(
            LogRecord(
                topic: topic, partition: message.partition, offset: message.offset,
                timestampMilliseconds: rd_kafka_message_timestamp(pointer, &kind),
                key: lastKey, value: Array(value), isTombstone: message.payload == nil))
    }
}
