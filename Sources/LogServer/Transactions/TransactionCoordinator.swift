// The coordinator of all transactions: requests of the protocol in, answers out, now or later.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// Coordinates all transactions. Methods may be called from any thread and return at once.
final class TransactionCoordinator: Sendable {
    typealias Reply<Response> = @Sendable (Response) -> Void

    private let runner: TransactionRunner

    /// Timers and replies run on `loop`.
    init(
        configuration: TransactionConfiguration, log: any TransactionLog,
        markers: any TransactionMarkers, gate: TransactionGate, loop: EventLoop,
        clock: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        runner = TransactionRunner(
            table: TransactionTable(configuration: configuration), log: log, markers: markers,
            gate: gate, loop: loop, clock: clock, logger: logger)
    }

    // MARK: Before the first request

    /// Applies a record of `__transaction_state`; they come in order.
    func load(_ record: OffsetsRecord) { runner.load(record) }

    /// Carries out what was decided before the start, and ends those of the transactions that
    /// partitions have open about which nothing is known any more.
    func start(open: [(partition: TopicPartition, producer: TransactionProducer)]) {
        runner.start(open: open)
    }

    // MARK: Requests

    /// Answers when the producer's epoch is durable. `fresh` is a producer id never used before.
    func initialize(
        _ request: InitProducerIDRequest, fresh: Int64,
        reply: @escaping Reply<TransactionAnswer>
    ) {
        runner.ask(reply) { $0.initialize(request, fresh: fresh, id: $1, now: $2) }
    }

    /// Answers when the partitions are durably part of the transaction.
    func add(
        _ partitions: Set<TopicPartition>, to transactionalID: String,
        by producer: TransactionProducer, reply: @escaping Reply<TransactionAnswer>
    ) {
        runner.ask(reply) {
            $0.add(partitions, to: transactionalID, by: producer, id: $1, now: $2)
        }
    }

    /// Answers when the outcome is durable and, if nothing is wrong with them, all partitions know.
    func end(_ request: EndTxnRequest, reply: @escaping Reply<TransactionAnswer>) {
        runner.ask(reply) { $0.end(request, id: $1, now: $2) }
    }

    /// Answers at once.
    func describe(
        _ request: DescribeTransactionsRequest,
        reply: @escaping Reply<DescribeTransactionsResponse>
    ) {
        var unavailable = DescribeTransactionsResponse()
        unavailable.transactions = request.transactionalIDs.map {
            var entry = DescribeTransactionsResponse.Transaction()
            (entry.transactionalID, entry.error) = ($0, .coordinatorNotAvailable)
            return entry
        }
        runner.look(reply, unavailable) { table, _ in table.describe(request) }
    }

    /// Answers at once.
    func list(
        _ request: ListTransactionsRequest, reply: @escaping Reply<ListTransactionsResponse>
    ) {
        var unavailable = ListTransactionsResponse()
        unavailable.error = .coordinatorNotAvailable
        runner.look(reply, unavailable) { $0.list(request, now: $1) }
    }

    /// Answers what waits with "the coordinator cannot answer", as it does from then on.
    func shutdown() { runner.shutdown() }
}
