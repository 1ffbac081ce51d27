// `__transaction_state`: the states of transactional ids, kept as committed offsets are.

internal import KafkaWire

/// The internal topic as the coordinator of transactions sees it.
final class TransactionTopic: TransactionLog {
    static let name = "__transaction_state"

    private let records: OffsetsTopic

    init(log: PartitionLog, writer: LogWriter, clock: @escaping @Sendable () -> Int64) {
        records = OffsetsTopic(log: log, writer: writer, clock: clock)
    }

    func append(
        _ record: OffsetsRecord, completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        records.append([record], completion: completion)
    }

    /// Hands every record to `body`, in order. Blocks.
    func replay(_ body: (OffsetsRecord) -> Void) throws(LogStorageError) {
        try records.replay { entry in
            if case .records(let records) = entry { for record in records { body(record) } }
        }
    }
}
