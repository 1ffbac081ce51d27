// All transactional ids: finds the one that a request is for, checks what does not depend on its
// state, and collects what is to be done. Pure; TransactionRunner runs it.

internal import Base
internal import KafkaWire

/// The transactional ids of this node.
struct TransactionTable: Sendable {
    let configuration: TransactionConfiguration
    private(set) var transactions: [String: Transaction] = [:]
    private var actions: [TransactionAction] = []

    init(configuration: TransactionConfiguration) { self.configuration = configuration }

    /// Everything to do since the last call, in order.
    mutating func takeActions() -> [TransactionAction] {
        defer { actions = [] }
        return actions
    }

    /// Works on a transactional id, which appears if need be, and collects what it wants done.
    private mutating func with(_ id: String, _ body: (inout Transaction) -> Void) {
        var transaction = transactions.removeValue(forKey: id) ?? Transaction(id: id)
        body(&transaction)
        actions += transaction.takeActions()
        if !transaction.isForgettable { transactions[id] = transaction }
    }

    private mutating func refuse(_ request: TransactionRequestID, _ error: KafkaErrorCode) {
        actions.append(.answer(request, TransactionAnswer(error: error)))
    }

    private func isValid(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= Limits.transactionalIDBytesMax
    }

    // MARK: Requests

    /// InitProducerId with a transactional id; `fresh` is a producer id that was never used.
    mutating func initialize(
        _ request: InitProducerIDRequest, fresh: Int64, id requestID: TransactionRequestID,
        now: Int64
    ) {
        let id = request.transactionalID ?? ""
        guard isValid(id) else { return refuse(requestID, .invalidRequest) }
        let timeout = Int64(request.transactionTimeoutMilliseconds)
        guard timeout > 0, timeout <= configuration.timeoutMax else {
            return refuse(requestID, .invalidTransactionTimeout)
        }
        guard transactions[id] != nil || transactions.count < Limits.transactionalIDsMax else {
            return refuse(requestID, .policyViolation)
        }
        let asks =
            request.producerID < 0
            ? nil : TransactionProducer(id: request.producerID, epoch: request.producerEpoch)
        let rules = configuration
        with(id) {
            $0.initialize(
                requestID, asks: asks, timeout: request.transactionTimeoutMilliseconds,
                fresh: fresh, rules: rules, now: now)
        }
    }

    /// AddPartitionsToTxn and AddOffsetsToTxn.
    mutating func add(
        _ partitions: Set<TopicPartition>, to id: String, by producer: TransactionProducer,
        id requestID: TransactionRequestID, now: Int64
    ) {
        guard let error = refusal(of: id) else {
            let rules = configuration
            return with(id) {
                $0.add(partitions, by: producer, requestID, rules: rules, now: now)
            }
        }
        refuse(requestID, error)
    }

    /// EndTxn.
    mutating func end(
        _ request: EndTxnRequest, id requestID: TransactionRequestID, now: Int64
    ) {
        guard let error = refusal(of: request.transactionalID) else {
            let producer = TransactionProducer(
                id: request.producerID, epoch: request.producerEpoch)
            let rules = configuration
            return with(request.transactionalID) {
                $0.end(
                    isCommit: request.isCommit, by: producer, requestID, rules: rules, now: now)
            }
        }
        refuse(requestID, error)
    }

    private func refusal(of id: String) -> KafkaErrorCode? {
        guard isValid(id) else { return .invalidRequest }
        return transactions[id] == nil ? .invalidProducerIDMapping : nil
    }

    // MARK: Outcomes and time

    /// An append has ended.
    mutating func appended(_ id: String, _ number: UInt64, isDurable: Bool) {
        guard transactions[id] != nil else { return }
        with(id) { $0.appended(number, isDurable: isDurable) }
    }

    /// An attempt to write markers has ended.
    mutating func marked(_ id: String, _ number: UInt64, left: Set<TopicPartition>, now: Int64) {
        guard transactions[id] != nil else { return }
        with(id) { $0.marked(number, left: left, now: now) }
    }

    /// Looks for everything that is due.
    mutating func check(now: Int64) {
        let rules = configuration
        for id in transactions.keys.sorted() { with(id) { $0.check(rules, now: now) } }
    }

    /// Answers everything that waits.
    mutating func shutdown() {
        for id in transactions.keys.sorted() { with(id) { $0.shutdown() } }
    }

    // MARK: Start

    /// Applies one record of the state topic. False if it is not one of ours, or damaged.
    mutating func load(_ record: OffsetsRecord) -> Bool {
        guard let (id, facts) = TransactionRecord.read(record) else { return false }
        // Only the last record of an id counts, also for the gate: `resume` opens it.
        transactions[id] = facts.map { Transaction(id: id, facts: $0) }
        return true
    }

    /// Carries out what was decided before the start. Transactions that partitions have open and
    /// that nobody will end any more are returned: their states were lost in a power cut that
    /// `fsync` did not guard against.
    mutating func resume(
        open: [(partition: TopicPartition, producer: TransactionProducer)]
    ) -> [(partition: TopicPartition, marker: EndMarker)] {
        for id in transactions.keys.sorted() { with(id) { $0.resume() } }
        let live = Dictionary(
            transactions.values.compactMap(\.facts).filter(\.state.isOpen)
                .map { ($0.producer.id, $0.partitions) },
            uniquingKeysWith: { $0.union($1) })
        return open.filter { live[$0.producer.id]?.contains($0.partition) != true }.map {
            let marker = EndMarker(
                producerID: $0.producer.id, producerEpoch: $0.producer.epoch, isCommit: false)
            return ($0.partition, marker)
        }
    }

    // MARK: Operators

    func describe(_ request: DescribeTransactionsRequest) -> DescribeTransactionsResponse {
        var response = DescribeTransactionsResponse()
        response.transactions = unique(request.transactionalIDs, by: { $0 }).map { id in
            var entry = DescribeTransactionsResponse.Transaction()
            entry.transactionalID = id
            guard let facts = transactions[id]?.facts else {
                entry.error = isValid(id) ? .transactionalIDNotFound : .invalidRequest
                return entry
            }
            entry.state = facts.state.name
            entry.timeoutMilliseconds = facts.timeout
            entry.startTimestamp = facts.started
            entry.producerID = facts.producer.id
            entry.producerEpoch = facts.producer.epoch
            entry.topics = TransactionRecord.byTopic(facts.partitions).map { name, indexes in
                var topic = DescribeTransactionsResponse.Topic()
                (topic.name, topic.partitions) = (name, indexes)
                return topic
            }
            return entry
        }
        return response
    }

    func list(_ request: ListTransactionsRequest, now: Int64) -> ListTransactionsResponse {
        var response = ListTransactionsResponse()
        let names = Set(TransactionState.allCases.map(\.name))
        response.unknownStates = request.states.filter { !names.contains($0) }
        for (id, transaction) in transactions.sorted(by: { $0.key < $1.key }) {
            guard let facts = transaction.facts,
                request.states.isEmpty || request.states.contains(facts.state.name),
                request.producerIDs.isEmpty || request.producerIDs.contains(facts.producer.id)
            else { continue }
            if request.durationMilliseconds >= 0 {
                guard facts.state.isOpen,
                    now.saturatingDifference(facts.started) > request.durationMilliseconds
                else { continue }
            }
            var entry = ListTransactionsResponse.Transaction()
            entry.transactionalID = id
            entry.producerID = facts.producer.id
            entry.state = facts.state.name
            response.transactions.append(entry)
        }
        return response
    }
}
