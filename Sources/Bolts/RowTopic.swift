// A topic of rows, partitioned by fields of theirs: how a grouping reaches over the partitions of a
// topology, and over workers. One topology writes it (`RepartitionBolt`), another one reads it, and
// finds all rows with equal values in those fields in one partition. The log keeps what is between
// them, and nothing else connects the workers.
//
// A record is a row: its key a JSON array of the fields that rows are divided by, its value a JSON
// object of all fields. A batch is done when the log has its rows; one that is replayed writes them
// again, so what is behind happens at least once.

internal import Base
internal import JSON
package import LogClient
package import Logging
internal import Model
internal import Synchronization
package import Topology

/// Publishes rows.
package final class RowTopic: Sendable {
    /// A batch whose deliveries have not all been reported.
    private struct Waiting {
        var left: Int
        var error: LogError?
        var waiter: CheckedContinuation<Void, any Error>?
    }

    private final class Deliveries: Sendable {
        private let state = Mutex((last: UInt64(0), batches: [UInt64: Waiting]()))

        func begin(_ rows: Int) -> UInt64 {
            state.withLock { state in
                state.last += 1
                state.batches[state.last] = Waiting(left: rows)
                return state.last
            }
        }

        func report(_ batch: UInt64, _ error: LogError?) {
            let done: Waiting? = state.withLock { state in
                guard var known = state.batches[batch] else { return nil }
                known.left -= 1
                known.error = known.error ?? error
                let isDone = known.left == 0 && known.waiter != nil
                state.batches[batch] = isDone ? nil : known
                return isDone ? known : nil
            }
            done?.waiter?.resume(with: Self.result(done?.error))
        }

        func wait(for batch: UInt64) async throws {
            try await withCheckedThrowingContinuation { continuation in
                let done: Waiting? = state.withLock { state in
                    if state.batches[batch]?.left == 0 {
                        return state.batches.removeValue(forKey: batch)
                    }
                    state.batches[batch]?.waiter = continuation
                    return nil
                }
                if let done { continuation.resume(with: Self.result(done.error)) }
            }
        }

        private static func result(_ error: LogError?) -> Result<Void, any Error> {
            error.map { .failure($0) } ?? .success(())
        }
    }

    private let producer: LogProducer
    private let topic: ProducerTopic
    private let partitions: Int32
    private let deliveries = Deliveries()

    /// Opens a topic, which is made with so many partitions if it does not exist.
    package init(
        _ name: String, partitions: Int32, connection: LogConnection, logger: Logger
    ) async throws {
        let admin = try LogAdmin(connection: connection, logger: logger)
        let timeout = Duration.seconds(10)
        let known = try await admin.metadata(of: name, timeout: timeout)?.partitions.count
        if known == nil {
            try await admin.createTopic(name, partitions: partitions, timeout: timeout)
        }
        self.partitions = known.map { Int32(clamping: $0) } ?? partitions
        let deliveries = deliveries
        producer = try LogProducer(
            configuration: LogProducerConfiguration(connection: connection), logger: logger
        ) { batch in
            for delivery in batch { deliveries.report(delivery.token, delivery.error) }
        }
        topic = try producer.topic(name)
    }

    /// Publishes the rows of a batch, in order, and waits until the log has them.
    package func publish(_ batch: RowBatch, by fields: [String]) async throws {
        guard batch.rowCount > 0 else { return }
        let number = deliveries.begin(batch.rowCount)
        for row in 0..<batch.rowCount {
            let hash = batch.hash(of: fields, row: row)
            let outcome = topic.publish(
                partition: Int32(hash % UInt64(partitions)),
                key: JSONValue.array(fields.map { JSONValue(batch[row: row][$0]) }).encoded,
                value: Self.object(batch, row).encoded, token: number)
            switch outcome {
            case .queued: break
            case .queueFull:
                let error = LogError(code: -184, name: "_QUEUE_FULL", message: "publish rows")
                deliveries.report(number, error)
            case .refused(let error): deliveries.report(number, error)
            }
        }
        try await deliveries.wait(for: number)
    }

    /// Ends the producer, when nobody publishes any more.
    package func close() async { await producer.close() }

    private static func object(_ batch: RowBatch, _ row: Int) -> JSONValue {
        .object(
            JSONObject(
                zip(batch.fields, batch.columns).map { ($0, JSONValue($1[row])) }))
    }

    /// The rows of records that `publish` wrote. What is no object is passed over; a field that a
    /// row does not have is null.
    package static func rows(of stretch: RecordStretch, fields: [String]) -> RowBatch {
        var batch = RowBatch(fields: fields)
        for record in stretch.records {
            guard let value = try? JSONValue(parsing: record.value), value.object != nil else {
                continue
            }
            batch.append(fields.map { value[$0].map { Model.Value($0) } ?? .null })
        }
        return batch
    }
}

/// Publishes the rows that it reads to a topic, partitioned by fields of theirs.
package struct RepartitionBolt: Bolt {
    private let topic: RowTopic
    private let fields: [String]

    package init(to topic: RowTopic, by fields: [String]) {
        self.topic = topic
        self.fields = fields
    }

    package mutating func execute(
        _ tuple: Tuple<RowBatch>, into output: inout OutputCollector<RowBatch>
    ) async throws {
        try await topic.publish(tuple.payload, by: fields)
    }
}

extension JSONValue {
    /// Text that is no JSON where it should be becomes null.
    init(_ value: Model.Value) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .json(let text): self = (try? JSONValue(parsing: text)) ?? .null
        }
    }
}

extension Model.Value {
    init(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .array, .object: self = .json(String(decoding: value.encoded, as: UTF8.self))
        }
    }
}
