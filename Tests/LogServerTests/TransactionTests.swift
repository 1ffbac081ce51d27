// The coordinator of transactions: its rules one by one, and every order of a few events.

import Base
import KafkaWire
import Testing

@testable import LogServer

@Suite struct TransactionWorldTests {
    private func explore(_ start: [TransactionWorld.Event], depth: Int) -> Int {
        var world = TransactionWorld()
        for event in start {
            let happens = world.perform(event)
            #expect(happens, "\(event) of the prologue")
        }
        var count = 0
        func explore(_ state: TransactionWorld, _ path: [TransactionWorld.Event]) {
            var end = state
            if let problem = end.problem() { Issue.record("\(start) \(path): \(problem)") }
            count += 1
            guard path.count < depth else { return }
            for event in TransactionWorld.Event.allCases {
                var next = state
                if next.perform(event) { explore(next, path + [event]) }
            }
        }
        explore(world, [])
        return count
    }

    @Test func everyOrderFromTheBeginning() { #expect(explore([], depth: 5) > 1000) }

    /// One client has written, and anything may happen now.
    @Test func everyOrderWithAnOpenTransaction() {
        #expect(explore([.initA, .append, .addA, .append, .writeA], depth: 5) > 1000)
    }

    /// The commit is on its way to the disk.
    @Test func everyOrderWithinACommit() {
        let start: [TransactionWorld.Event] = [
            .initA, .append, .addA, .append, .writeA, .commitA,
        ]
        #expect(explore(start, depth: 5) > 1000)
    }

    /// The other client takes over, which aborts.
    @Test func everyOrderWithinATakeover() {
        let start: [TransactionWorld.Event] = [
            .initA, .append, .addA, .append, .writeA, .initB, .append,
        ]
        #expect(explore(start, depth: 5) > 1000)
    }

    /// Long random histories.
    @Test(arguments: [7, 8, 9] as [UInt64]) func longHistories(_ seed: UInt64) {
        var random = PRNG(seed: seed)
        for round in 0..<150 {
            var world = TransactionWorld()
            for _ in 0..<60 {
                guard let event = TransactionWorld.Event.allCases.randomElement(using: &random)
                else { continue }
                _ = world.perform(event)
            }
            if let problem = world.problem() {
                Issue.record("seed \(seed), round \(round): \(problem)")
            }
        }
    }
}

@Suite struct TransactionTests {
    private static let t0 = TopicPartition(topic: "t", partition: 0)
    private static let t1 = TopicPartition(topic: "t", partition: 1)

    /// A table whose appends and markers end at once.
    private struct Prompt {
        var table = TransactionTable(configuration: TransactionConfiguration())
        var now: Int64 = 1_000_000
        var log: [OffsetsRecord] = []
        var markers: [EndMarker] = []
        var takesMarkers = true
        var takesRecords = true
        private var answers: [TransactionRequestID: TransactionAnswer] = [:]
        private var last: UInt64 = 0
        private var fresh: Int64 = 10

        private mutating func answer(
            _ body: (inout TransactionTable, TransactionRequestID, Int64) -> Void
        ) -> TransactionAnswer? {
            last += 1
            let id = TransactionRequestID(number: last)
            body(&table, id, now)
            carryOut()
            return answers[id]
        }

        mutating func carryOut() {
            while true {
                let actions = table.takeActions()
                guard !actions.isEmpty else { return }
                for action in actions {
                    switch action {
                    case .answer(let id, let answer): answers[id] = answer
                    case .append(let id, let number, let record):
                        if takesRecords { log.append(record) }
                        table.appended(id, number, isDurable: takesRecords)
                    case .mark(let id, let number, let marker, let to):
                        markers.append(marker)
                        table.marked(id, number, left: takesMarkers ? [] : to, now: now)
                    case .admit, .retire, .note: break
                    }
                }
            }
        }

        mutating func initialize(
            _ id: String = "id", timeout: Int32 = 1000, asks: TransactionProducer? = nil
        ) -> TransactionAnswer? {
            var request = InitProducerIDRequest()
            request.transactionalID = id
            request.transactionTimeoutMilliseconds = timeout
            if let asks { (request.producerID, request.producerEpoch) = (asks.id, asks.epoch) }
            fresh += 1
            let next = fresh
            return answer { $0.initialize(request, fresh: next, id: $1, now: $2) }
        }

        mutating func add(
            _ partitions: Set<TopicPartition>, by producer: TransactionProducer?
        ) -> KafkaErrorCode? {
            let producer = producer ?? TransactionProducer(id: -1, epoch: -1)
            return answer { $0.add(partitions, to: "id", by: producer, id: $1, now: $2) }?.error
        }

        mutating func end(isCommit: Bool, by producer: TransactionProducer?) -> KafkaErrorCode? {
            var request = EndTxnRequest()
            request.transactionalID = "id"
            (request.producerID, request.producerEpoch) = (
                producer?.id ?? -1, producer?.epoch ?? -1
            )
            request.isCommit = isCommit
            return answer { $0.end(request, id: $1, now: $2) }?.error
        }

        mutating func check() {
            table.check(now: now)
            carryOut()
        }

        var state: TransactionState? { table.transactions["id"]?.facts?.state }
    }

    @Test func aProducerGetsTheNextEpoch() {
        var world = Prompt()
        #expect(world.initialize()?.producer == TransactionProducer(id: 11, epoch: 0))
        #expect(world.initialize()?.producer == TransactionProducer(id: 11, epoch: 1))
        #expect(world.initialize("other")?.producer == TransactionProducer(id: 13, epoch: 0))
    }

    @Test func whatCannotBeIsRefused() {
        var world = Prompt()
        #expect(world.initialize("")?.error == .invalidRequest)
        #expect(world.initialize(timeout: 0)?.error == .invalidTransactionTimeout)
        #expect(world.initialize(timeout: 900_001)?.error == .invalidTransactionTimeout)
        let nobody = TransactionProducer(id: 1, epoch: 0)
        #expect(world.add([Self.t0], by: nobody) == .invalidProducerIDMapping)
        #expect(world.end(isCommit: true, by: nobody) == .invalidProducerIDMapping)
        let producer = world.initialize()?.producer
        #expect(world.add([Self.t0], by: nobody) == .invalidProducerIDMapping)
        #expect(world.end(isCommit: true, by: producer) == .invalidTransactionState)
        let old = TransactionProducer(id: producer?.id ?? 0, epoch: -1)
        #expect(world.add([Self.t0], by: old) == .producerFenced)
    }

    @Test func aTransactionFromBeginningToEnd() {
        var world = Prompt()
        let producer = world.initialize()?.producer
        #expect(world.add([Self.t0], by: producer) == KafkaErrorCode.none)
        #expect(world.add([Self.t1], by: producer) == KafkaErrorCode.none)
        let written = world.log.count
        #expect(world.add([Self.t0, Self.t1], by: producer) == KafkaErrorCode.none)
        #expect(world.log.count == written, "nothing is new")
        #expect(world.end(isCommit: true, by: producer) == KafkaErrorCode.none)
        #expect(world.markers == [EndMarker(producerID: 11, producerEpoch: 0, isCommit: true)])
        #expect(world.state == .completeCommit)
        // The answer was lost.
        #expect(world.end(isCommit: true, by: producer) == KafkaErrorCode.none)
        #expect(world.end(isCommit: false, by: producer) == .invalidTransactionState)
        #expect(world.add([Self.t0], by: producer) == KafkaErrorCode.none)
        #expect(world.end(isCommit: false, by: producer) == KafkaErrorCode.none)
        #expect(world.end(isCommit: true, by: producer) == .invalidTransactionState)
    }

    /// A producer that asks for the next epoch of its own gets the same when it asks again.
    @Test func askingAgainDoesNotFenceOneself() {
        var world = Prompt()
        let first = world.initialize()?.producer
        let second = world.initialize(asks: first)?.producer
        #expect(second == TransactionProducer(id: 11, epoch: 1))
        #expect(world.initialize(asks: first)?.producer == second)
        // Somebody else has come meanwhile.
        #expect(world.initialize()?.producer?.epoch == 2)
        #expect(world.initialize(asks: second)?.error == .producerFenced)
    }

    @Test func anOpenTransactionIsAbortedForTheNextProducer() {
        var world = Prompt()
        let first = world.initialize()?.producer
        #expect(world.add([Self.t0], by: first) == KafkaErrorCode.none)
        #expect(world.initialize()?.error == .concurrentTransactions)
        #expect(world.markers == [EndMarker(producerID: 11, producerEpoch: 1, isCommit: false)])
        #expect(world.initialize()?.producer == TransactionProducer(id: 11, epoch: 2))
        #expect(world.end(isCommit: true, by: first) == .producerFenced)
    }

    @Test func timeoutsAbortAndFence() {
        var world = Prompt()
        let producer = world.initialize(timeout: 1000)?.producer
        #expect(world.add([Self.t0], by: producer) == KafkaErrorCode.none)
        world.now += 999
        world.check()
        #expect(world.state == .ongoing)
        world.now += 1
        world.check()
        #expect(world.state == .completeAbort)
        #expect(world.markers.map(\.isCommit) == [false])
        #expect(world.end(isCommit: true, by: producer) == .producerFenced)
    }

    /// The outcome counts even if partitions do not take it yet; until they do, nothing begins.
    @Test func markersAreTriedAgain() {
        var world = Prompt()
        let producer = world.initialize()?.producer
        #expect(world.add([Self.t0], by: producer) == KafkaErrorCode.none)
        world.takesMarkers = false
        #expect(world.end(isCommit: true, by: producer) == KafkaErrorCode.none)
        #expect(world.state == .prepareCommit)
        #expect(world.add([Self.t0], by: producer) == .concurrentTransactions)
        #expect(world.initialize()?.error == .concurrentTransactions)
        world.check()
        #expect(world.markers.count == 2)
        world.takesMarkers = true
        world.check()
        #expect(world.state == .completeCommit)
        #expect(world.markers.map(\.isCommit) == [true, true, true])
    }

    @Test func aDiskThatFailsChangesNothing() {
        var world = Prompt()
        world.takesRecords = false
        #expect(world.initialize()?.error == .coordinatorNotAvailable)
        #expect(world.table.transactions.isEmpty)
        world.takesRecords = true
        let producer = world.initialize()?.producer
        #expect(world.add([Self.t0], by: producer) == KafkaErrorCode.none)
        world.takesRecords = false
        #expect(world.end(isCommit: true, by: producer) == .coordinatorNotAvailable)
        #expect(world.markers.isEmpty)
        world.takesRecords = true
        #expect(world.end(isCommit: true, by: producer) == KafkaErrorCode.none)
    }

    @Test func theLastEpochIsFollowedByAnotherID() throws {
        var world = Prompt()
        var facts = TransactionFacts(
            producer: TransactionProducer(id: 5, epoch: .max - 1), timeout: 1000, updated: 0)
        facts.state = .completeCommit
        _ = world.table.load(try TransactionRecord.record("id", facts))
        #expect(world.initialize()?.producer == TransactionProducer(id: 11, epoch: 0))
        // An open transaction of the last epoch can still be fenced.
        facts.state = .ongoing
        facts.partitions = [Self.t0]
        facts.started = world.now
        world = Prompt()
        _ = world.table.load(try TransactionRecord.record("id", facts))
        #expect(world.initialize()?.error == .concurrentTransactions)
        #expect(world.markers.map(\.producerEpoch) == [.max])
        #expect(world.initialize()?.producer?.epoch == 0)
    }

    @Test func idsExpire() {
        var world = Prompt()
        _ = world.initialize()
        world.now += 604_800_000
        world.check()
        #expect(world.table.transactions.isEmpty)
        #expect(world.log.last?.value == nil)
        var again = TransactionTable(configuration: TransactionConfiguration())
        let areRead = world.log.map { again.load($0) }
        #expect(!areRead.contains(false))
        #expect(again.transactions.isEmpty)
    }

    @Test func theNumberOfIDsIsBounded() {
        var world = Prompt()
        for index in 0..<Limits.transactionalIDsMax { _ = world.initialize("\(index)") }
        #expect(world.initialize("one more")?.error == .policyViolation)
        #expect(world.initialize("0")?.error == KafkaErrorCode.none)
    }

    @Test func damagedRecordsAreCounted() throws {
        var table = TransactionTable(configuration: TransactionConfiguration())
        let facts = TransactionFacts(
            producer: TransactionProducer(id: 5, epoch: 0), timeout: 1000, updated: 0)
        let record = try TransactionRecord.record("id", facts)
        let value = try #require(record.value)
        let cut =
            value.indices.map { (record.key, Array(value[..<$0])) }
            + record.key.indices.map { (Array(record.key[..<$0]), value) }
        for record in cut {
            let isRead = table.load(record)
            #expect(!isRead)
        }
        #expect(table.transactions.isEmpty)
        let isRead = table.load(record)
        #expect(isRead)
    }

    /// What partitions have open and no state knows of is aborted.
    @Test func hangingTransactionsAreFound() throws {
        var table = TransactionTable(configuration: TransactionConfiguration())
        var facts = TransactionFacts(
            producer: TransactionProducer(id: 5, epoch: 2), timeout: 1000, updated: 0)
        (facts.state, facts.partitions) = (.ongoing, [Self.t0])
        _ = table.load(try TransactionRecord.record("id", facts))
        let unknown = TransactionProducer(id: 6, epoch: 3)
        let found = table.resume(
            open: [(Self.t0, facts.producer), (Self.t1, facts.producer), (Self.t0, unknown)])
        #expect(found.map(\.partition) == [Self.t1, Self.t0])
        #expect(found.map(\.marker.producerID) == [5, 6])
        #expect(found.allSatisfy { !$0.marker.isCommit })
    }

    @Test func operatorsSeeTheState() {
        var world = Prompt()
        let producer = world.initialize()?.producer
        _ = world.initialize("other")
        #expect(world.add([Self.t1, Self.t0], by: producer) == KafkaErrorCode.none)
        var describe = DescribeTransactionsRequest()
        describe.transactionalIDs = ["id", "nobody"]
        let found = world.table.describe(describe).transactions
        #expect(found.map(\.state) == ["Ongoing", ""])
        #expect(found.map(\.error) == [.none, .transactionalIDNotFound])
        #expect(found.first?.topics.first?.partitions == [0, 1])
        #expect(found.first?.startTimestamp == world.now)
        func ids(_ change: (inout ListTransactionsRequest) -> Void) -> [String] {
            var list = ListTransactionsRequest()
            change(&list)
            return world.table.list(list, now: world.now + 10).transactions.map(\.transactionalID)
        }
        #expect(ids { _ in } == ["id", "other"])
        #expect(ids { $0.states = ["Empty"] } == ["other"])
        #expect(ids { $0.producerIDs = [producer?.id ?? 0] } == ["id"])
        #expect(ids { $0.durationMilliseconds = 9 } == ["id"])
        #expect(ids { $0.durationMilliseconds = 10 } == [])
        var list = ListTransactionsRequest()
        list.states = ["Nonsense", "Ongoing"]
        #expect(world.table.list(list, now: 0).unknownStates == ["Nonsense"])
    }
}
