// What the coordinator of transactions works with and needs from the rest of the log server.

internal import KafkaWire

/// A producer as the batches of its transaction name it.
package struct TransactionProducer: Hashable, Sendable {
    package var id: Int64
    package var epoch: Int16

    package init(id: Int64, epoch: Int16) {
        self.id = id
        self.epoch = epoch
    }
}

/// The states of a transactional id. The raw values are what Kafka writes into its log.
enum TransactionState: Int8, Sendable, CaseIterable {
    case empty = 0
    case ongoing = 1
    case prepareCommit = 2
    case prepareAbort = 3
    case completeCommit = 4
    case completeAbort = 5

    /// As it goes over the wire.
    var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        }
    }

    /// The outcome is decided and not everybody knows it yet.
    var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
    /// There may be records whose outcome is not known to their partitions.
    var isOpen: Bool { self == .ongoing || isPrepared }
}

/// Names a request that waits for its answer.
struct TransactionRequestID: Hashable, Sendable {
    let number: UInt64
}

/// How a request ends.
struct TransactionAnswer: Sendable, Equatable {
    var error = KafkaErrorCode.none
    /// For InitProducerId: who the producer is from now on.
    var producer: TransactionProducer?
}

/// The settings of the coordinator, in milliseconds. The defaults are Kafka's.
package struct TransactionConfiguration: Sendable {
    /// The longest that a transaction may ask to stay open (transaction.max.timeout.ms).
    package var timeoutMax: Int64 = 900_000
    /// How long an id is remembered that is not used (transactional.id.expiration.ms).
    package var idExpiration: Int64 = 604_800_000
    /// How long a client waits for the disk before it is told to try again.
    package var answerTimeout: Int64 = 5000
    /// Time between looks for timeouts, and between attempts to write markers.
    package var checkInterval: Int64 = 1000

    package init() {}
}

/// Where the states of transactional ids are kept.
protocol TransactionLog: Sendable {
    /// Appends a record after everything appended before. `completion` is called once, from any
    /// thread: with `.none` when the record will survive a power cut, else with what went wrong.
    func append(
        _ record: OffsetsRecord, completion: @escaping @Sendable (KafkaErrorCode) -> Void)
}

/// Who tells partitions that a transaction has ended.
protocol TransactionMarkers: Sendable {
    /// Writes the marker to the partitions. `completion` is called once, from any thread, with the
    /// partitions that have to be tried again.
    func write(
        _ marker: EndMarker, to partitions: Set<TopicPartition>,
        completion: @escaping @Sendable (Set<TopicPartition>) -> Void)
}
