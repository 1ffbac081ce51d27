// One transactional id, as a machine without clock, disk or network:
//
//     empty ──▶ ongoing ──▶ prepareCommit ──▶ completeCommit ──┐
//                  ▲  └───▶ prepareAbort ───▶ completeAbort ───┤
//                  └───────────────────────────────────────────┘
//
// Kept at all times:
// - A state counts when its record is durable; until then further requests are told to come again.
//   Markers follow the prepare record, and the complete record follows the last marker.
// - Batches are let in only while the transaction is ongoing and nobody has asked to end it.
// - A producer has one epoch; InitProducerId and timeouts raise it, which fences the one before.

internal import Base
internal import KafkaWire

/// What is written down of a transactional id; times are milliseconds since 1970.
struct TransactionFacts: Sendable, Equatable {
    var producer: TransactionProducer
    var timeout: Int32
    var state = TransactionState.empty
    var partitions: Set<TopicPartition> = []
    var updated: Int64
    /// When the transaction began; -1 if there is none.
    var started: Int64 = -1
    /// Who the producer was before it asked to go on with the next epoch: if the answer is lost it
    /// asks again. Not written down.
    var previous: TransactionProducer?
}

/// What the caller of the machine or of the table has to do, in order.
enum TransactionAction: Sendable {
    case answer(TransactionRequestID, TransactionAnswer)
    /// Append, and call `appended` with the number and the outcome.
    case append(String, number: UInt64, OffsetsRecord)
    /// Let the producer's batches into these partitions only.
    case admit(TransactionProducer, Set<TopicPartition>)
    case retire(producerID: Int64)
    /// Write markers, and call `marked` with the number and what is left.
    case mark(String, number: UInt64, EndMarker, Set<TopicPartition>)
    case note(TransactionNote)
}

/// Something that operators want to know about a transaction.
enum TransactionNote: Sendable, Equatable {
    case ended(String, isCommit: Bool)
    case timedOut(String, TransactionProducer)
    case fenced(String, TransactionProducer)
    case expired(String)
    case tooLargeToWrite(String)
}

/// The state of one transactional id.
struct Transaction: Sendable {
    /// A state on its way to the disk.
    private struct Change {
        var number: UInt64
        /// Nil: the id is forgotten.
        var facts: TransactionFacts?
    }

    private struct Waiting {
        var request: TransactionRequestID
        var deadline: Int64
        var answer: TransactionAnswer
    }

    let id: String
    /// Nil until the first record is durable.
    private(set) var facts: TransactionFacts?
    private var change: Change?
    private var waiting: Waiting?
    private var marking: UInt64?
    private var markersLeft: Set<TopicPartition> = []
    private var lastNumber: UInt64 = 0
    private var admitted: (TransactionProducer, Set<TopicPartition>)?
    private var actions: [TransactionAction] = []

    init(id: String, facts: TransactionFacts? = nil) {
        self.id = id
        self.facts = facts
        updateGate()
    }

    /// Everything to do since the last call, in order.
    mutating func takeActions() -> [TransactionAction] {
        defer { actions = [] }
        return actions
    }

    /// There is nothing to remember.
    var isForgettable: Bool { facts == nil && change == nil }
    /// A record is on its way, or markers are.
    var isBusy: Bool { change != nil || facts?.state.isPrepared == true }

    // MARK: Requests

    /// A producer takes over the id. `asks` is who it says it is, `fresh` an id never used.
    mutating func initialize(
        _ request: TransactionRequestID, asks: TransactionProducer?, timeout: Int32, fresh: Int64,
        rules: TransactionConfiguration, now: Int64
    ) {
        guard change == nil else { return answer(request, .concurrentTransactions) }
        guard let old = facts else {
            let facts = TransactionFacts(
                producer: TransactionProducer(id: fresh, epoch: 0), timeout: timeout, updated: now)
            return change(to: facts, request, TransactionAnswer(producer: facts.producer), rules)
        }
        if old.state.isPrepared { return answer(request, .concurrentTransactions) }
        let isRetry = asks != nil && asks == old.previous
        guard asks == nil || asks == old.producer || isRetry else {
            return answer(request, .producerFenced)
        }
        if old.state == .ongoing {
            // The one before is fenced, and this one asks again when all is cleaned up.
            act(.note(.fenced(id, old.producer)))
            abort(fencing: old, previous: asks, now: now)
            return answer(request, .concurrentTransactions)
        }
        if isRetry { return answer(request, TransactionAnswer(producer: old.producer)) }
        var next = old
        (next.state, next.partitions, next.started) = (.empty, [], -1)
        (next.timeout, next.updated, next.previous) = (timeout, now, asks)
        // The last epoch is kept back for fencing.
        next.producer =
            old.producer.epoch >= Int16.max - 1
            ? TransactionProducer(id: fresh, epoch: 0)
            : TransactionProducer(id: old.producer.id, epoch: old.producer.epoch + 1)
        change(to: next, request, TransactionAnswer(producer: next.producer), rules)
    }

    /// Partitions join the transaction, which begins with the first.
    mutating func add(
        _ partitions: Set<TopicPartition>, by producer: TransactionProducer,
        _ request: TransactionRequestID, rules: TransactionConfiguration, now: Int64
    ) {
        guard let old = facts else { return answer(request, .invalidProducerIDMapping) }
        if let error = refusal(of: producer, old) { return answer(request, error) }
        guard change == nil, !old.state.isPrepared else {
            return answer(request, .concurrentTransactions)
        }
        var next = old
        if old.state != .ongoing {
            (next.state, next.partitions, next.started) = (.ongoing, [], now)
        } else if partitions.isSubset(of: old.partitions) {
            return answer(request, .none)
        }
        next.partitions.formUnion(partitions)
        (next.updated, next.previous) = (now, nil)
        change(to: next, request, TransactionAnswer(), rules)
    }

    /// The producer commits or aborts.
    mutating func end(
        isCommit: Bool, by producer: TransactionProducer, _ request: TransactionRequestID,
        rules: TransactionConfiguration, now: Int64
    ) {
        guard let old = facts else { return answer(request, .invalidProducerIDMapping) }
        if let error = refusal(of: producer, old) { return answer(request, error) }
        guard change == nil else { return answer(request, .concurrentTransactions) }
        switch old.state {
        case .empty: answer(request, .invalidTransactionState)
        case .prepareCommit:
            answer(request, isCommit ? .concurrentTransactions : .invalidTransactionState)
        case .prepareAbort:
            answer(request, isCommit ? .invalidTransactionState : .concurrentTransactions)
        case .completeCommit: answer(request, isCommit ? .none : .invalidTransactionState)
        case .completeAbort: answer(request, isCommit ? .invalidTransactionState : .none)
        case .ongoing:
            var next = old
            next.state = isCommit ? .prepareCommit : .prepareAbort
            next.updated = now
            change(to: next, request, TransactionAnswer(), rules)
        }
    }

    private func refusal(
        of producer: TransactionProducer, _ facts: TransactionFacts
    ) -> KafkaErrorCode? {
        guard producer.id == facts.producer.id else { return .invalidProducerIDMapping }
        return producer.epoch == facts.producer.epoch ? nil : .producerFenced
    }

    /// Ends the transaction in the name of a producer that does not exist: the next epoch.
    private mutating func abort(
        fencing old: TransactionFacts, previous: TransactionProducer?, now: Int64
    ) {
        var next = old
        next.state = .prepareAbort
        (next.updated, next.previous) = (now, previous)
        if old.producer.epoch < Int16.max { next.producer.epoch += 1 }
        write(next)
    }

    // MARK: Outcomes

    /// An append has ended.
    mutating func appended(_ number: UInt64, isDurable: Bool) {
        guard let change, change.number == number else { return }
        self.change = nil
        guard isDurable else {
            updateGate()
            return finish(.coordinatorNotAvailable)
        }
        if let old = facts, old.producer.id != change.facts?.producer.id {
            act(.retire(producerID: old.producer.id))
            admitted = nil
        }
        facts = change.facts
        updateGate()
        guard let facts else { return act(.note(.expired(id))) }
        if facts.state.isPrepared {
            mark(facts.partitions)
        } else {
            finish(nil)
        }
    }

    /// An attempt to write markers has ended.
    mutating func marked(_ number: UInt64, left: Set<TopicPartition>, now: Int64) {
        guard let old = facts, marking == number else { return }
        marking = nil
        markersLeft = left
        // The outcome is decided, whatever is left to do.
        guard left.isEmpty else { return finish(nil) }
        let isCommit = old.state == .prepareCommit
        var next = old
        next.state = isCommit ? .completeCommit : .completeAbort
        (next.partitions, next.updated, next.started) = ([], now, -1)
        // If this record is lost, markers are written again at the next start: that does no harm,
        // since a transaction that begins has its own record behind this one.
        facts = next
        lastNumber += 1
        appendRecord(next, number: lastNumber)
        act(.note(.ended(id, isCommit: isCommit)))
        finish(nil)
    }

    /// After a start: what was decided is carried out.
    mutating func resume() {
        if let facts, facts.state.isPrepared, change == nil { mark(facts.partitions) }
    }

    /// Does what is due.
    mutating func check(_ rules: TransactionConfiguration, now: Int64) {
        if let waiting, waiting.deadline <= now {
            finish(facts?.state.isPrepared == true ? nil : .coordinatorNotAvailable)
        }
        guard change == nil, let facts else { return }
        switch facts.state {
        case .ongoing:
            guard facts.started.saturatingDistance(to: now) >= Int64(facts.timeout) else { return }
            act(.note(.timedOut(id, facts.producer)))
            abort(fencing: facts, previous: nil, now: now)
        case .prepareCommit, .prepareAbort:
            if marking == nil { mark(markersLeft) }
        case .empty, .completeCommit, .completeAbort:
            guard facts.updated.saturatingDistance(to: now) >= rules.idExpiration else { return }
            write(nil)
        }
    }

    /// The coordinator ends: what waits is told to come again.
    mutating func shutdown() { finish(.coordinatorNotAvailable) }

    // MARK: Doing

    private mutating func act(_ action: TransactionAction) { actions.append(action) }

    private mutating func answer(_ request: TransactionRequestID, _ error: KafkaErrorCode) {
        act(.answer(request, TransactionAnswer(error: error)))
    }

    private mutating func answer(_ request: TransactionRequestID, _ answer: TransactionAnswer) {
        act(.answer(request, answer))
    }

    private mutating func finish(_ error: KafkaErrorCode?) {
        guard let waiting else { return }
        self.waiting = nil
        answer(waiting.request, error.map { TransactionAnswer(error: $0) } ?? waiting.answer)
    }

    private mutating func change(
        to facts: TransactionFacts, _ request: TransactionRequestID, _ answer: TransactionAnswer,
        _ rules: TransactionConfiguration
    ) {
        // The record's time is the time of the request.
        waiting = Waiting(
            request: request, deadline: facts.updated + rules.answerTimeout, answer: answer)
        write(facts)
    }

    private mutating func write(_ next: TransactionFacts?) {
        lastNumber += 1
        change = Change(number: lastNumber, facts: next)
        updateGate()
        appendRecord(next, number: lastNumber)
    }

    private mutating func appendRecord(_ facts: TransactionFacts?, number: UInt64) {
        do {
            let record = try TransactionRecord.record(id, facts)
            act(.append(id, number: number, record))
        } catch {
            // Names longer than the format allows; those that come in are shorter.
            act(.note(.tooLargeToWrite(id)))
            appended(number, isDurable: false)
        }
    }

    private mutating func mark(_ partitions: Set<TopicPartition>) {
        guard let facts else { return }
        lastNumber += 1
        marking = lastNumber
        markersLeft = partitions
        let marker = EndMarker(
            producerID: facts.producer.id, producerEpoch: facts.producer.epoch,
            isCommit: facts.state == .prepareCommit)
        act(.mark(id, number: lastNumber, marker, partitions))
    }

    private mutating func updateGate() {
        guard let facts else { return }
        let isOngoing =
            facts.state == .ongoing && (change == nil || change?.facts?.state == .ongoing)
        let now = (facts.producer, isOngoing ? facts.partitions : [])
        if let admitted, admitted == now { return }
        admitted = now
        act(.admit(now.0, now.1))
    }
}

extension Int64 {
    /// From this time to `other`, or the closest number that there is: times on disk may be
    /// anything.
    fileprivate func saturatingDistance(to other: Int64) -> Int64 {
        other.saturatingDifference(self)
    }
}
