// Runs the table of transactions: one loop, one request after the other, so that records reach the
// state topic in the order in which they were decided. Actions are carried out in order after the
// lock is open; on the loop nobody else wants it.

internal import Base
internal import CoreMetrics
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Metrics
internal import Synchronization

/// The state of the coordinator and the loop that it lives on.
final class TransactionRunner: Sendable {
    typealias Reply = @Sendable (TransactionAnswer) -> Void

    private struct State {
        var table: TransactionTable
        var replies: [TransactionRequestID: Reply] = [:]
        var lastRequest: UInt64 = 0
        var timer: LoopTimer?
        var isShutDown = false
        var badRecords = 0
    }

    private let stateLog: any TransactionLog
    private let markers: any TransactionMarkers
    private let gate: TransactionGate
    private let loop: EventLoop
    private let clock: @Sendable () -> Int64
    private let logger: Logger
    private let metrics = TransactionMetrics()
    private let state: Mutex<State>

    init(
        table: TransactionTable, log: any TransactionLog, markers: any TransactionMarkers,
        gate: TransactionGate, loop: EventLoop, clock: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        stateLog = log
        self.markers = markers
        self.gate = gate
        self.loop = loop
        self.clock = clock
        self.logger = logger
        state = Mutex(State(table: table))
    }

    // MARK: Start and end

    func load(_ record: OffsetsRecord) {
        state.withLock { if !$0.table.load(record) { $0.badRecords += 1 } }
    }

    func start(open: [(partition: TopicPartition, producer: TransactionProducer)]) {
        let bad = state.withLock { $0.badRecords }
        if bad > 0 {
            logger.warning(
                "records of the transaction topic are not readable",
                metadata: [TransactionLogKeys.badRecordCount: "\(bad)"])
        }
        // At once: partitions ask the gate before anything could come through the loop.
        perform { state in
            let interval = Duration.milliseconds(state.table.configuration.checkInterval)
            state.timer = loop.schedule(after: interval, repeating: interval) { [weak self] in
                guard let self else { return }
                let now = clock()
                run { $0.table.check(now: now) }
            }
            endHanging(state.table.resume(open: open))
        }
    }

    /// Nobody waits for these markers: if one fails, the next start tries again.
    private func endHanging(_ hanging: [(partition: TopicPartition, marker: EndMarker)]) {
        for (partition, marker) in hanging {
            logger.warning(
                "aborting a transaction that nobody knows",
                metadata: [
                    LogKeys.partition: "\(partition.topic)-\(partition.partition)",
                    TransactionLogKeys.producer: "\(marker.producerID)",
                ])
            markers.write(marker, to: [partition]) { _ in }
        }
    }

    func shutdown() {
        run { state in
            state.isShutDown = true
            state.timer?.cancel()
            state.timer = nil
            state.table.shutdown()
        }
    }

    // MARK: Running

    /// Gives a request to the table, which answers it now or later.
    func ask(
        _ reply: @escaping Reply,
        _ body: @escaping @Sendable (inout TransactionTable, TransactionRequestID, Int64) -> Void
    ) {
        let now = clock()
        run { [loop] state in
            guard !state.isShutDown else {
                // After the lock.
                return loop.execute { reply(TransactionAnswer(error: .coordinatorNotAvailable)) }
            }
            state.lastRequest += 1
            let id = TransactionRequestID(number: state.lastRequest)
            state.replies[id] = reply
            body(&state.table, id, now)
        }
    }

    /// Answers at once.
    func look<Response: Sendable>(
        _ reply: @escaping @Sendable (Response) -> Void, _ unavailable: Response,
        _ body: @escaping @Sendable (TransactionTable, Int64) -> Response
    ) {
        let now = clock()
        loop.execute { [self] in
            let response = state.withLock { $0.isShutDown ? unavailable : body($0.table, now) }
            reply(response)
        }
    }

    private func run(_ body: @escaping @Sendable (inout State) -> Void) {
        loop.execute { [self] in perform(body) }
    }

    private func perform(_ body: (inout State) -> Void) {
        let effects = state.withLock { state in
            body(&state)
            metrics.ids.record(state.table.transactions.count)
            return state.table.takeActions().map { effect(of: $0, &state) }
        }
        for effect in effects { effect() }
    }

    private func effect(
        of action: TransactionAction, _ state: inout State
    ) -> @Sendable () -> Void {
        switch action {
        case .answer(let id, let answer):
            let reply = state.replies.removeValue(forKey: id)
            return { reply?(answer) }
        case .append(let id, let number, let record):
            return { [self] in append(record, id, number) }
        case .admit(let producer, let partitions):
            return { [gate] in gate.admit(producer, to: partitions) }
        case .retire(let producerID):
            return { [gate] in gate.retire(producerID) }
        case .mark(let id, let number, let marker, let partitions):
            return { [self] in mark(marker, partitions, id, number) }
        case .note(let note):
            return { [self] in log(note) }
        }
    }

    private func append(_ record: OffsetsRecord, _ id: String, _ number: UInt64) {
        stateLog.append(record) { [self] error in
            if error != .none {
                logger.error(
                    "appending to the transaction topic failed",
                    metadata: [LogKeys.reason: "\(error.text)"])
            }
            run { $0.table.appended(id, number, isDurable: error == .none) }
        }
    }

    private func mark(
        _ marker: EndMarker, _ partitions: Set<TopicPartition>, _ id: String, _ number: UInt64
    ) {
        markers.write(marker, to: partitions) { [self] left in
            if !left.isEmpty {
                logger.error(
                    "partitions do not take the end of a transaction",
                    metadata: [
                        TransactionLogKeys.id: "\(id)",
                        TransactionLogKeys.partitionCount: "\(left.count)",
                    ])
            }
            let now = clock()
            run { $0.table.marked(id, number, left: left, now: now) }
        }
    }

    private func log(_ note: TransactionNote) {
        switch note {
        case .ended(let id, let isCommit):
            (isCommit ? metrics.committed : metrics.aborted).increment()
            logger.debug(
                "transaction has ended",
                metadata: [
                    TransactionLogKeys.id: "\(id)", TransactionLogKeys.isCommit: "\(isCommit)",
                ])
        case .timedOut(let id, let producer):
            metrics.timedOut.increment()
            logger.notice("transaction has timed out", metadata: Self.metadata(id, producer))
        case .fenced(let id, let producer):
            metrics.fenced.increment()
            logger.notice(
                "producer with an open transaction is fenced",
                metadata: Self.metadata(id, producer))
        case .expired(let id):
            logger.info("transactional id is forgotten", metadata: [TransactionLogKeys.id: "\(id)"])
        case .tooLargeToWrite(let id):
            logger.error(
                "transaction cannot be written", metadata: [TransactionLogKeys.id: "\(id)"])
        }
    }

    private static func metadata(_ id: String, _ producer: TransactionProducer) -> Logger.Metadata {
        [
            TransactionLogKeys.id: "\(id)", TransactionLogKeys.producer: "\(producer.id)",
            TransactionLogKeys.epoch: "\(producer.epoch)",
        ]
    }
}
