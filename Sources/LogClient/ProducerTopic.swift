// One topic of a producer: where records are published.

internal import CRdKafka
internal import Synchronization

/// Publishes to one topic. Keeps the producer's client alive.
@safe package final class ProducerTopic: @unchecked Sendable {
    package let name: String
    private let core: ProducerCore
    /// librdkafka's topic object, thread-safe as its functions are. Goes before the client, which
    /// `core` holds.
    private let raw: OpaquePointer
    private let knownPartitionCount = Atomic<Int32>(0)

    init(name: String, core: ProducerCore) throws(LogError) {
        guard let raw = unsafe rd_kafka_topic_new(core.client.raw, name, nil) else {
            throw LogError(rd_kafka_last_error(), trying: "open topic \(name)")
        }
        unsafe self.raw = raw
        self.name = name
        self.core = core
    }

    deinit { unsafe rd_kafka_topic_destroy(raw) }

    /// Hands a record over. Its delivery is reported with `token`, whose highest bit must be 0.
    /// No `value` makes a tombstone. The bytes are copied.
    package func publish(
        partition: Int32, key: [UInt8], value: [UInt8]?, token: UInt64
    ) -> PublishOutcome {
        precondition(token & ProducerCore.waiterTokenBit == 0, "the token's highest bit is taken")
        return produce(partition, key, value, token)
    }

    /// Publishes a record and waits until the log has it.
    package func publish(
        partition: Int32, key: [UInt8], value: [UInt8]?, headers: [LogHeader] = []
    ) async throws -> PartitionOffset {
        try await withCheckedThrowingContinuation { continuation in
            let token = core.register(continuation)
            let outcome =
                headers.isEmpty
                ? produce(partition, key, value, token)
                : produce(partition, key, value, headers, token)
            let error: LogError? =
                switch outcome {
                case .queued: nil
                case .queueFull:
                    LogError(RD_KAFKA_RESP_ERR__QUEUE_FULL, trying: "publish to \(name)")
                case .refused(let error): error
                }
            if let error { core.forget(token)?.resume(throwing: error) }
        }
    }

    // `rd_kafka_produce` copies key and value before it returns and stores the token as a pointer
    // that nobody follows. An empty array may have no address, which would mean null: so a byte
    // that is not read stands in for it.
    private func produce(
        _ partition: Int32, _ key: [UInt8], _ value: [UInt8]?, _ token: UInt64
    ) -> PublishOutcome {
        let opaque = unsafe UnsafeMutableRawPointer(bitPattern: UInt(token))
        let result = unsafe key.withUnsafeBytes { key in
            guard let value else {
                return unsafe rd_kafka_produce(
                    raw, partition, RD_KAFKA_MSG_F_COPY, nil, 0, key.baseAddress, key.count, opaque)
            }
            return unsafe (value.isEmpty ? [0] : value).withUnsafeBytes { bytes in
                unsafe rd_kafka_produce(
                    raw, partition, RD_KAFKA_MSG_F_COPY,
                    UnsafeMutableRawPointer(mutating: bytes.baseAddress), value.count,
                    key.baseAddress, key.count, opaque)
            }
        }
        if result == 0 { return .queued }
        // Thread-local, so nothing may come between the call and this.
        let code = rd_kafka_last_error()
        if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return .queueFull }
        return .refused(LogError(code, trying: "publish to \(name)"))
    }

    /// The same with headers, which librdkafka takes over if it takes the record.
    private func produce(
        _ partition: Int32, _ key: [UInt8], _ value: [UInt8]?, _ headers: [LogHeader],
        _ token: UInt64
    ) -> PublishOutcome {
        let list = unsafe rd_kafka_headers_new(headers.count)
        for header in headers {
            unsafe header.value.withUnsafeBytes {
                _ = unsafe rd_kafka_header_add(
                    list, header.name, -1, $0.baseAddress, $0.count)
            }
        }
        let result = unsafe key.withUnsafeBytes { key in
            unsafe (value?.isEmpty == true ? [0] : value ?? []).withUnsafeBytes { bytes in
                var parts = unsafe [
                    argument(RD_KAFKA_VTYPE_RKT) { unsafe $0.rkt = raw },
                    argument(RD_KAFKA_VTYPE_PARTITION) { unsafe $0.i32 = partition },
                    argument(RD_KAFKA_VTYPE_MSGFLAGS) { unsafe $0.i = RD_KAFKA_MSG_F_COPY },
                    argument(RD_KAFKA_VTYPE_KEY) {
                        unsafe $0.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                        unsafe $0.mem.size = key.count
                    },
                    argument(RD_KAFKA_VTYPE_VALUE) {
                        unsafe $0.mem.ptr =
                            value == nil
                            ? nil : UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                        unsafe $0.mem.size = value?.count ?? 0
                    },
                    argument(RD_KAFKA_VTYPE_OPAQUE) {
                        unsafe $0.ptr = UnsafeMutableRawPointer(bitPattern: UInt(token))
                    },
                    argument(RD_KAFKA_VTYPE_HEADERS) { unsafe $0.headers = list },
                ]
                return unsafe rd_kafka_produceva(core.client.raw, &parts, parts.count)
            }
        }
        guard let error = unsafe LogError.consuming(result, trying: "publish to \(name)") else {
            return .queued
        }
        unsafe rd_kafka_headers_destroy(list)
        return error.code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue ? .queueFull : .refused(error)
    }

    private func argument(
        _ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_s.__Unnamed_union_u) -> Void
    ) -> rd_kafka_vu_t {
        var part = unsafe rd_kafka_vu_t()
        unsafe part.vtype = type
        unsafe set(&part.u)
        return unsafe part
    }

    /// How many partitions the topic has, as last asked for; nil before the first answer.
    package var partitionCount: Int32? {
        let count = knownPartitionCount.load(ordering: .relaxed)
        return count > 0 ? count : nil
    }

    /// Asks the log how many partitions the topic has.
    @discardableResult
    package func refreshPartitionCount(timeout: Duration) async throws -> Int32 {
        let client = core.client
        let name = name
        let count = try await runBlocking { () -> Result<Int32, LogError> in
            client.topics(timeout: timeout).flatMap { topics in
                guard let topic = topics.first(where: { $0.name == name }),
                    !topic.partitions.isEmpty
                else {
                    return .failure(
                        LogError(
                            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, trying: "look up topic \(name)"))
                }
                return .success(Int32(clamping: topic.partitions.count))
            }
        }
        knownPartitionCount.store(count, ordering: .relaxed)
        return count
    }
}
