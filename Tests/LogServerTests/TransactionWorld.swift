// A small world for the coordinator of transactions: its log, two partitions behind the gate, and
// two clients that use the same transactional id. Every step is one event; a kill loses what is
// not in a log.

import KafkaWire
import Testing

@testable import LogServer

struct TransactionWorld {
    enum Client: CaseIterable { case a, b }

    enum Event: CaseIterable {
        case initA, initB, addA, addB, writeA, writeB, commitA, commitB, abortA
        /// The oldest append ends well, or not.
        case append, appendFails
        /// The oldest markers reach their partitions, or only one of them.
        case mark, markOne
        /// Longer than a transaction may take.
        case wait
        /// The server dies; `killLate` after everything on its way has been written somewhere.
        case kill, killLate
    }

    /// What a client believes.
    private struct Belief {
        enum Phase: Equatable { case idle, open, ending(isCommit: Bool) }
        var producer: TransactionProducer?
        var phase = Phase.idle
        var waitsFor: TransactionRequestID?
        var transaction = 0
        var tag: String
    }

    private enum Entry {
        case record(tag: String, TransactionProducer)
        case marker(EndMarker)
    }

    private enum Question { case initialize, add, end(isCommit: Bool) }

    static let partitions = [
        TopicPartition(topic: "t", partition: 0), TopicPartition(topic: "t", partition: 1),
    ]
    private static let timeout: Int32 = 1000

    private(set) var table = TransactionTable(configuration: TransactionConfiguration())
    private var now: Int64 = 1_000_000
    private var log: [OffsetsRecord] = []
    private var appends: [(id: String, number: UInt64, record: OffsetsRecord)] = []
    private var marks: [(id: String, number: UInt64, marker: EndMarker, to: Set<TopicPartition>)] =
        []
    private var gate: [Int64: (epoch: Int16, partitions: Set<TopicPartition>)] = [:]
    private var contents: [TopicPartition: [Entry]] = [:]
    private var clients: [Client: Belief] = [
        .a: Belief(tag: "a0"), .b: Belief(tag: "b0"),
    ]
    private var questions: [TransactionRequestID: (client: Client, question: Question)] = [:]
    private var lastRequest: UInt64 = 0
    private var freshID: Int64 = 100
    /// Who was told last to be the producer.
    private var newest: TransactionProducer?
    private var promised: [String: Bool] = [:]
    private(set) var problems: [String] = []

    /// False if the event cannot happen now.
    mutating func perform(_ event: Event) -> Bool {
        switch event {
        case .initA: return initialize(.a)
        case .initB: return initialize(.b)
        case .addA: return add(.a)
        case .addB: return add(.b)
        case .writeA: return write(.a)
        case .writeB: return write(.b)
        case .commitA: return end(.a, isCommit: true)
        case .commitB: return end(.b, isCommit: true)
        case .abortA: return end(.a, isCommit: false)
        case .append: return endAppend(isDurable: true)
        case .appendFails: return endAppend(isDurable: false)
        case .mark: return mark(all: true)
        case .markOne: return mark(all: false)
        case .wait:
            now += Int64(Self.timeout) + 1
            table.check(now: now)
            carryOut()
        case .kill: kill(writesFirst: false)
        case .killLate: kill(writesFirst: true)
        }
        return true
    }

    // MARK: Clients

    private mutating func ask(_ client: Client, _ question: Question) -> TransactionRequestID {
        lastRequest += 1
        let id = TransactionRequestID(number: lastRequest)
        clients[client]?.waitsFor = id
        questions[id] = (client, question)
        return id
    }

    private mutating func initialize(_ client: Client) -> Bool {
        guard clients[client]?.waitsFor == nil else { return false }
        var request = InitProducerIDRequest()
        request.transactionalID = "id"
        request.transactionTimeoutMilliseconds = Self.timeout
        freshID += 1
        table.initialize(
            request, fresh: freshID, id: ask(client, .initialize), now: now)
        carryOut()
        return true
    }

    private mutating func add(_ client: Client) -> Bool {
        guard let belief = clients[client], let producer = belief.producer,
            belief.waitsFor == nil, belief.phase == .idle
        else { return false }
        let request = ask(client, .add)
        table.add(Set(Self.partitions), to: "id", by: producer, id: request, now: now)
        carryOut()
        return true
    }

    private mutating func write(_ client: Client) -> Bool {
        guard let belief = clients[client], let producer = belief.producer,
            belief.phase == .open
        else { return false }
        for partition in Self.partitions {
            guard let entry = gate[producer.id], entry.epoch == producer.epoch,
                entry.partitions.contains(partition)
            else { continue }
            if producer != newest { problems.append("\(client) wrote though it is fenced") }
            contents[partition, default: []].append(.record(tag: belief.tag, producer))
        }
        return true
    }

    private mutating func end(_ client: Client, isCommit: Bool) -> Bool {
        guard let belief = clients[client], let producer = belief.producer, belief.waitsFor == nil
        else { return false }
        guard belief.phase == .open || belief.phase == .ending(isCommit: isCommit) else {
            return false
        }
        clients[client]?.phase = .ending(isCommit: isCommit)
        var request = EndTxnRequest()
        request.transactionalID = "id"
        (request.producerID, request.producerEpoch) = (producer.id, producer.epoch)
        request.isCommit = isCommit
        table.end(request, id: ask(client, .end(isCommit: isCommit)), now: now)
        carryOut()
        return true
    }

    private mutating func take(_ answer: TransactionAnswer, _ id: TransactionRequestID) {
        guard let (client, question) = questions.removeValue(forKey: id),
            var belief = clients[client], belief.waitsFor == id
        else { return problems.append("\(id.number) is answered twice") }
        belief.waitsFor = nil
        switch (question, answer.error) {
        case (.initialize, .none):
            if let newest, let producer = answer.producer, producer.id == newest.id,
                producer.epoch <= newest.epoch
            {
                problems.append("epoch \(producer.epoch) after \(newest.epoch)")
            }
            newest = answer.producer
            (belief.producer, belief.phase) = (answer.producer, .idle)
        case (.add, .none):
            belief.phase = .open
            belief.transaction += 1
            belief.tag = "\(client)\(belief.transaction)"
        case (.end(let isCommit), .none):
            promised[belief.tag] = isCommit
            belief.phase = .idle
        case (_, .producerFenced), (_, .invalidProducerIDMapping):
            (belief.producer, belief.phase) = (nil, .idle)
        case (_, .concurrentTransactions), (_, .coordinatorNotAvailable): break
        default: problems.append("\(client) got error \(answer.error.rawValue)")
        }
        clients[client] = belief
    }

    // MARK: The server

    private mutating func carryOut() {
        for action in table.takeActions() {
            switch action {
            case .answer(let id, let answer): take(answer, id)
            case .append(let id, let number, let record): appends.append((id, number, record))
            case .admit(let producer, let partitions):
                gate[producer.id] = (producer.epoch, partitions)
            case .retire(let producerID): gate[producerID] = nil
            case .mark(let id, let number, let marker, let to):
                marks.append((id, number, marker, to))
            case .note: break
            }
        }
    }

    private mutating func endAppend(isDurable: Bool) -> Bool {
        guard !appends.isEmpty else { return false }
        let append = appends.removeFirst()
        if isDurable { log.append(append.record) }
        table.appended(append.id, append.number, isDurable: isDurable)
        carryOut()
        return true
    }

    private mutating func mark(all: Bool) -> Bool {
        guard !marks.isEmpty else { return false }
        let mark = marks.removeFirst()
        let done = all ? mark.to : Set(mark.to.sorted().prefix(1))
        for partition in done { contents[partition, default: []].append(.marker(mark.marker)) }
        table.marked(mark.id, mark.number, left: mark.to.subtracting(done), now: now)
        carryOut()
        return true
    }

    private mutating func kill(writesFirst: Bool) {
        if writesFirst {
            log += appends.map(\.record)
            for mark in marks {
                contents[Self.partitions[0], default: []].append(.marker(mark.marker))
            }
        }
        (appends, marks, gate, questions) = ([], [], [:], [:])
        for client in Client.allCases { clients[client]?.waitsFor = nil }
        table = TransactionTable(configuration: TransactionConfiguration())
        for record in log where !table.load(record) { problems.append("a record is not read") }
        let hanging = table.resume(open: open)
        if !hanging.isEmpty { problems.append("a transaction is open that nobody knows") }
        carryOut()
    }

    private var open: [(partition: TopicPartition, producer: TransactionProducer)] {
        contents.flatMap { partition, entries in
            var open: [Int64: TransactionProducer] = [:]
            for entry in entries {
                switch entry {
                case .record(_, let producer): open[producer.id] = producer
                case .marker(let marker): open[marker.producerID] = nil
                }
            }
            return open.values.map { (partition, $0) }
        }
    }

    // MARK: What must hold

    /// Lets everything come to its end; then what is wrong, if anything.
    mutating func problem() -> String? {
        for _ in 0..<4 {
            while !appends.isEmpty || !marks.isEmpty {
                if !endAppend(isDurable: true) { _ = mark(all: true) }
            }
            _ = perform(.wait)
        }
        while endAppend(isDurable: true) || mark(all: true) {}
        if !questions.isEmpty { problems.append("a request is not answered") }
        if !open.isEmpty { problems.append("a transaction stays open") }
        var outcomes: [String: [Bool]] = [:]
        for (_, entries) in contents {
            for (index, entry) in entries.enumerated() {
                guard case .record(let tag, let producer) = entry else { continue }
                outcomes[tag, default: []].append(Self.outcome(producer, entries[index...]))
            }
        }
        for (tag, found) in outcomes where Set(found).count > 1 {
            problems.append("\(tag) counts in a part of its partitions")
        }
        for (tag, isCommit) in promised {
            if let found = outcomes[tag]?.first, found != isCommit {
                problems.append("\(tag) was to be \(isCommit ? "committed" : "aborted")")
            }
        }
        return problems.isEmpty ? nil : problems.joined(separator: ", ")
    }

    private static func outcome(
        _ producer: TransactionProducer, _ entries: ArraySlice<Entry>
    ) -> Bool {
        for case .marker(let marker) in entries where marker.producerID == producer.id {
            return marker.isCommit
        }
        return false
    }
}
