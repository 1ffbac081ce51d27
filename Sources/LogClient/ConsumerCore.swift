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
    /// The assignment with this ticket is in force, and those before it are not: every record after
    /// this event is from its places on. Or why it could not be.
    case placed(ticket: UInt64, LogError?)
    /// The log does not hold the offset that the partition wanted next. The partition reads nothing
    /// more until it is assigned again.
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

    /// What the owner wants of the consumer.
    enum Order: Sendable {
        case assign([PartitionOffset], ticket: UInt64)
        case unassign
        case pause([TopicPartition])
        case resume([TopicPartition])

        /// Whether it replaces the assignment.
        var isAssignment: Bool {
            switch self {
            case .assign, .unassign: true
            case .pause, .resume: false
            }
        }
    }

    let client: KafkaClient
    private let handler: @Sendable (LogConsumerEvent) -> Void
    private let isStopping = Atomic(false)
    private let readsHeaders: Bool
    /// Not performed yet. The thread takes them between two events, so there are few.
    private let orders = Mutex<[Order]>([])

    init(
        client: KafkaClient, readsHeaders: Bool = false,
        handler: @escaping @Sendable (LogConsumerEvent) -> Void
    ) {
        self.client = client
        self.readsHeaders = readsHeaders
        self.handler = handler
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        client.wake()
    }

    func give(_ order: Order) {
        orders.withLock { $0.append(order) }
        client.wake()
    }

    /// Serves events until stopped, then leaves the group.
    func run() {
        var batch = RecordBatch()
        while !isStopping.load(ordering: .acquiring) {
            performOrders(&batch)
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

    /// On this thread, which also takes the records, and in the order in which they were given:
    /// what librdkafka hands over after an assignment is from its places, what was gathered before
    /// is handed on before, and a pause cannot overtake the resume that followed it.
    private func performOrders(_ batch: inout RecordBatch) {
        let orders = orders.withLock { orders in
            defer { orders = [] }
            return orders
        }
        guard !orders.isEmpty else { return }
        flush(&batch)
        let lastAssignment = orders.lastIndex(where: \.isAssignment)
        for (index, order) in orders.enumerated() {
            // One assignment replaces another: only the last one matters, and says so for all.
            if order.isAssignment, index != lastAssignment { continue }
            perform(order)
        }
    }

    private func perform(_ order: Order) {
        switch order {
        case .assign(let places, let ticket): assign(places, ticket: ticket)
        case .unassign:
            report(unsafe rd_kafka_assign(client.raw, nil), trying: "give partitions back")
        case .pause(let partitions):
            let list = PartitionList(partitions)
            let code = unsafe rd_kafka_pause_partitions(client.raw, list.raw)
            report(code, list, trying: "pause partitions")
        case .resume(let partitions):
            let list = PartitionList(partitions)
            let code = unsafe rd_kafka_resume_partitions(client.raw, list.raw)
            report(code, list, trying: "resume partitions")
        }
    }

    private func assign(_ places: [PartitionOffset], ticket: UInt64) {
        let list = PartitionList(places)
        // librdkafka keeps a partition's pause over the end of its assignment; here it belongs to
        // the assignment. It fails for partitions that it has never known, which are not paused.
        _ = unsafe rd_kafka_resume_partitions(client.raw, list.raw)
        let code = unsafe rd_kafka_assign(client.raw, list.raw)
        let error =
            code == RD_KAFKA_RESP_ERR_NO_ERROR
            ? nil : LogError(code, trying: "assign \(places.count) partitions")
        handler(.placed(ticket: ticket, error))
    }

    private func report(_ code: rd_kafka_resp_err_t, trying action: String) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { handler(.failed(LogError(code, trying: action))) }
    }

    private func report(
        _ code: rd_kafka_resp_err_t, _ list: borrowing PartitionList, trying action: String
    ) {
        report(code, trying: action)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR, let error = list.firstError(trying: action) {
            handler(.failed(error))
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
            unsafe batch.append(message, headers: readsHeaders ? Self.headers(of: message) : [])
        }
    }

    /// A message's headers, copied: they belong to the message.
    private static func headers(of message: UnsafePointer<rd_kafka_message_t>) -> [LogHeader] {
        var list: OpaquePointer?
        let code = unsafe rd_kafka_message_headers(message, &list)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return [] }
        var headers: [LogHeader] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while unsafe rd_kafka_header_get_all(list, headers.count, &name, &value, &size)
            == RD_KAFKA_RESP_ERR_NO_ERROR, let text = unsafe name
        {
            let bytes = unsafe UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size)
            unsafe headers.append(LogHeader(String(cString: text), Array(bytes)))
        }
        return headers
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
    mutating func append(
        _ pointer: UnsafePointer<rd_kafka_message_t>, headers: [LogHeader] = []
    ) {
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
                key: lastKey, value: Array(value), isTombstone: message.payload == nil,
                headers: headers))
    }
}
