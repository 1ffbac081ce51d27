// Transactions through the protocol, and through every point at which the server can die.

import Base
import KafkaWire
import Synchronization
import TestSupport
import Testing

@testable import LogServer

extension KafkaTestClient {
    func initTransactions(
        _ id: String, timeout: Int32 = 60_000, version: Int16 = 4
    ) throws -> InitProducerIDResponse {
        var request = InitProducerIDRequest()
        request.transactionalID = id
        request.transactionTimeoutMilliseconds = timeout
        return try ask(request, version: version)
    }

    func addPartitions(
        _ partitions: [Int32], of topic: String, to id: String, by producer: TransactionProducer,
        version: Int16 = 3
    ) throws -> [KafkaErrorCode] {
        var entry = AddPartitionsToTxnRequest.Topic()
        (entry.name, entry.partitions) = (topic, partitions)
        var request = AddPartitionsToTxnRequest()
        request.transactionalID = id
        (request.producerID, request.producerEpoch) = (producer.id, producer.epoch)
        request.topics = [entry]
        return try ask(request, version: version).topics.first?.partitions.map(\.error) ?? []
    }

    func addOffsets(
        of group: String, to id: String, by producer: TransactionProducer
    ) throws -> KafkaErrorCode {
        var request = AddOffsetsToTxnRequest()
        (request.transactionalID, request.groupID) = (id, group)
        (request.producerID, request.producerEpoch) = (producer.id, producer.epoch)
        return try ask(request).error
    }

    func commitOffset(
        _ offset: Int64, of topic: String, group: String, in id: String,
        by producer: TransactionProducer, generation: Int32 = -1, member: String = ""
    ) throws -> KafkaErrorCode? {
        var partition = TxnOffsetCommitRequest.Partition()
        partition.committedOffset = offset
        var entry = TxnOffsetCommitRequest.Topic()
        (entry.name, entry.partitions) = (topic, [partition])
        var request = TxnOffsetCommitRequest()
        (request.transactionalID, request.groupID) = (id, group)
        (request.producerID, request.producerEpoch) = (producer.id, producer.epoch)
        (request.generationID, request.memberID) = (generation, member)
        request.topics = [entry]
        return try ask(request).topics.first?.partitions.first?.error
    }

    func committedOffset(
        of topic: String, group: String, requireStable: Bool = false
    ) throws -> OffsetFetchResponse.Partition? {
        var entry = OffsetFetchRequest.Topic()
        (entry.name, entry.partitions) = (topic, [0])
        var request = OffsetFetchRequest()
        (request.groupID, request.topics, request.requireStable) = (group, [entry], requireStable)
        return try ask(request, version: 7).topics.first?.partitions.first
    }

    func endTransaction(
        _ id: String, by producer: TransactionProducer, isCommit: Bool, version: Int16 = 3
    ) throws -> KafkaErrorCode {
        var request = EndTxnRequest()
        (request.transactionalID, request.isCommit) = (id, isCommit)
        (request.producerID, request.producerEpoch) = (producer.id, producer.epoch)
        return try ask(request, version: version).error
    }

    /// One batch of a transaction.
    func write(
        _ value: String, to topic: String, _ partition: Int32 = 0,
        by producer: TransactionProducer, sequence: Int32
    ) throws -> KafkaErrorCode {
        let bytes = try transactional(
            [value], producer: (producer.id, producer.epoch), sequence: sequence)
        return try produce(topic, partition, bytes).error
    }

    /// A fetch with isolation level read_committed.
    func fetchCommitted(
        _ topic: String, _ partition: Int32 = 0, from offset: Int64 = 0
    ) throws -> FetchResponse.Partition {
        var request = Self.fetchRequest(topic, partition, from: offset)
        request.isolationLevel = 1
        return try #require(try ask(request, version: 12).topics.first?.partitions.first)
    }

    /// Asks until the one before has been cleaned up.
    func becomeProducer(_ id: String) async throws -> TransactionProducer {
        var producer: TransactionProducer?
        await eventually("the id is free") {
            guard let answer = try? self.initTransactions(id), answer.error == .none else {
                return false
            }
            producer = TransactionProducer(id: answer.producerID, epoch: answer.producerEpoch)
            return true
        }
        return try #require(producer)
    }
}

@Suite struct TransactionServerTests {
    @Test func aTransactionIsSeenWhenItIsCommitted() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 2)
            let producer = try await client.becomeProducer("id")
            // Nothing is taken before it is announced.
            #expect(
                try client.write("early", to: "t", by: producer, sequence: 0)
                    == .invalidTransactionState)
            #expect(
                try client.addPartitions([0, 1], of: "t", to: "id", by: producer) == [.none, .none])
            for partition in Int32(0)..<2 {
                #expect(
                    try client.write("v", to: "t", partition, by: producer, sequence: 0) == .none)
            }
            let before = try client.fetchCommitted("t")
            #expect(before.lastStableOffset == 0 && before.highWatermark == 1)
            #expect(try before.values() == [])
            #expect(try client.endTransaction("id", by: producer, isCommit: true) == .none)
            for partition in Int32(0)..<2 {
                let after = try client.fetchCommitted("t", partition)
                #expect(try after.values().first == "v")
                #expect(after.lastStableOffset == 2)
                #expect(after.abortedTransactions == [])
            }
            // Behind the end nothing comes any more.
            #expect(
                try client.write("late", to: "t", by: producer, sequence: 1)
                    == .invalidTransactionState)
        }
    }

    @Test func abortedTransactionsAreListed() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let producer = try await client.becomeProducer("id")
            #expect(try client.addPartitions([0], of: "t", to: "id", by: producer) == [.none])
            #expect(try client.write("v", to: "t", by: producer, sequence: 0) == .none)
            #expect(try client.endTransaction("id", by: producer, isCommit: false) == .none)
            let part = try client.fetchCommitted("t")
            #expect(part.abortedTransactions?.map(\.producerID) == [producer.id])
            #expect(part.abortedTransactions?.map(\.firstOffset) == [0])
            let plain = try client.fetch("t", from: 0)
            #expect(plain.abortedTransactions == nil)
            #expect(plain.lastStableOffset == 2)
        }
    }

    @Test func theEndOfTheLogDependsOnTheIsolationLevel() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let producer = try await client.becomeProducer("id")
            #expect(try client.addPartitions([0], of: "t", to: "id", by: producer) == [.none])
            #expect(try client.write("v", to: "t", by: producer, sequence: 0) == .none)
            var part = ListOffsetsRequest.Partition()
            part.timestamp = -1
            var entry = ListOffsetsRequest.Topic()
            (entry.name, entry.partitions) = ("t", [part])
            var request = ListOffsetsRequest()
            request.topics = [entry]
            #expect(try client.ask(request).topics.first?.partitions.first?.offset == 1)
            request.isolationLevel = 1
            #expect(try client.ask(request).topics.first?.partitions.first?.offset == 0)
        }
    }

    @Test func errorsDependOnTheVersion() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let first = try await client.becomeProducer("id")
            _ = try await client.becomeProducer("id")
            #expect(
                try client.addPartitions([0], of: "t", to: "id", by: first) == [.producerFenced])
            #expect(
                try client.addPartitions([0], of: "t", to: "id", by: first, version: 1)
                    == [.invalidProducerEpoch])
            #expect(
                try client.endTransaction("id", by: first, isCommit: true, version: 1)
                    == .invalidProducerEpoch)
            #expect(
                try client.write("z", to: "t", by: first, sequence: 0) == .invalidProducerEpoch)
            let nobody = TransactionProducer(id: 9_999, epoch: 0)
            #expect(
                try client.write("z", to: "t", by: nobody, sequence: 0)
                    == .invalidProducerIDMapping)
        }
    }

    @Test func aMissingPartitionStopsAll() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let producer = try await client.becomeProducer("id")
            #expect(
                try client.addPartitions([0, 7], of: "t", to: "id", by: producer)
                    == [.operationNotAttempted, .unknownTopicOrPartition])
            #expect(
                try client.addPartitions(
                    [0], of: "__consumer_offsets", to: "id", by: producer) == [.invalidTopic])
            #expect(
                try client.write("v", to: "t", by: producer, sequence: 0)
                    == .invalidTransactionState)
        }
    }

    @Test func offsetsCountFromTheCommitOn() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let producer = try await client.becomeProducer("id")
            func commit(_ offset: Int64) throws -> KafkaErrorCode? {
                try client.commitOffset(offset, of: "t", group: "g", in: "id", by: producer)
            }
            #expect(try commit(5) == .invalidTransactionState)
            #expect(try client.addOffsets(of: "g", to: "id", by: producer) == .none)
            #expect(try commit(5) == KafkaErrorCode.none)
            #expect(try client.committedOffset(of: "t", group: "g")?.committedOffset == -1)
            let unstable = try client.committedOffset(of: "t", group: "g", requireStable: true)
            #expect(unstable?.error == .unstableOffsetCommit)
            #expect(try client.endTransaction("id", by: producer, isCommit: true) == .none)
            let stable = try client.committedOffset(of: "t", group: "g", requireStable: true)
            #expect(stable?.error == KafkaErrorCode.none && stable?.committedOffset == 5)
            // And are gone after an abort.
            #expect(try client.addOffsets(of: "g", to: "id", by: producer) == .none)
            #expect(try commit(9) == KafkaErrorCode.none)
            #expect(try client.endTransaction("id", by: producer, isCommit: false) == .none)
            let again = try client.committedOffset(of: "t", group: "g", requireStable: true)
            #expect(again?.committedOffset == 5)
            // A member that the group does not know commits nothing.
            #expect(try client.addOffsets(of: "g", to: "id", by: producer) == .none)
            #expect(
                try client.commitOffset(
                    9, of: "t", group: "g", in: "id", by: producer, generation: 3, member: "m")
                    == .unknownMemberID)
        }
    }

    /// An open transaction goes on after a restart; pending offsets too.
    @Test func aTransactionSurvivesARestart() async throws {
        let (disk, directory) = (MemoryDisk(), try TemporaryDirectory())
        var first: TransactionProducer?
        try await withServer(directory: directory, disk: disk) { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let producer = try await client.becomeProducer("id")
            #expect(try client.addPartitions([0], of: "t", to: "id", by: producer) == [.none])
            #expect(try client.addOffsets(of: "g", to: "id", by: producer) == .none)
            #expect(try client.write("a", to: "t", by: producer, sequence: 0) == .none)
            _ = try client.commitOffset(7, of: "t", group: "g", in: "id", by: producer)
            first = producer
        }
        let producer = try #require(first)
        try await withServer(directory: directory, disk: disk) { server in
            let client = try server.client()
            #expect(try client.fetchCommitted("t").lastStableOffset == 0)
            let unstable = try client.committedOffset(of: "t", group: "g", requireStable: true)
            #expect(unstable?.error == .unstableOffsetCommit)
            #expect(try client.write("b", to: "t", by: producer, sequence: 1) == .none)
            #expect(try client.endTransaction("id", by: producer, isCommit: true) == .none)
            // The second is perhaps in a segment of its own, since the test's records are old.
            #expect(try client.fetchCommitted("t").values().first == "a")
            #expect(try client.fetchCommitted("t", from: 1).values().first == "b")
            #expect(try client.committedOffset(of: "t", group: "g")?.committedOffset == 7)
        }
    }

    /// The disk as it is before every sync of a transaction's whole life, after a kill and after a
    /// power cut: a server that starts on it shows the transaction everywhere or nowhere.
    @Test(arguments: [true, false], [true, false])
    func everyPointAtWhichTheServerMayDie(isCommit: Bool, losesPower: Bool) async throws {
        let (disk, directory) = (MemoryDisk(), try TemporaryDirectory())
        let copies = Mutex<[MemoryDisk]>([])
        try await withServer(directory: directory, disk: disk) { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 2)
            disk.change { state in
                state.beforeSync = { _ in
                    let copy = losesPower ? disk.afterPowerCut() : disk.copy()
                    copies.withLock { $0.append(copy) }
                }
            }
            let producer = try await client.becomeProducer("id")
            _ = try client.addPartitions([0, 1], of: "t", to: "id", by: producer)
            #expect(try client.addOffsets(of: "g", to: "id", by: producer) == .none)
            for partition in Int32(0)..<2 {
                _ = try client.write("v", to: "t", partition, by: producer, sequence: 0)
            }
            _ = try client.commitOffset(7, of: "t", group: "g", in: "id", by: producer)
            #expect(try client.endTransaction("id", by: producer, isCommit: isCommit) == .none)
            disk.change { $0.beforeSync = { _ in } }
            copies.withLock { $0.append(losesPower ? disk.afterPowerCut() : disk.copy()) }
        }
        let all = copies.withLock { $0 }
        #expect(all.count >= 8, "\(all.count) points")
        for (index, copy) in all.enumerated() {
            try await withServer(directory: directory, disk: copy) { server in
                try await check(
                    server, at: index, isCommitted: isCommit, isLast: index == all.count - 1)
            }
        }
    }

    private func check(
        _ server: RunningServer, at index: Int, isCommitted: Bool, isLast: Bool
    ) async throws {
        let client = try server.client()
        // Whoever comes next ends what is open.
        _ = try await client.becomeProducer("id")
        var seen: [Bool] = []
        for partition in Int32(0)..<2 {
            let part = try client.fetchCommitted("t", partition)
            #expect(part.lastStableOffset == part.highWatermark, "open at point \(index)")
            let skips = part.abortedTransactions?.isEmpty == false
            seen.append(try part.values().contains("v") && !skips)
        }
        let offset = try client.committedOffset(of: "t", group: "g", requireStable: true)
        #expect(offset?.error == KafkaErrorCode.none, "pending at point \(index)")
        seen.append(offset?.committedOffset == 7)
        #expect(Set(seen).count == 1, "in parts at point \(index): \(seen)")
        if isLast || !isCommitted { #expect(seen.first == isCommitted, "point \(index)") }
    }

    /// The topic of committed offsets is written anew while a transaction is open.
    @Test func pendingOffsetsMoveAlong() async throws {
        let disk = MemoryDisk()
        let gate = TransactionGate()
        let producer = TransactionProducer(id: 1, epoch: 0)
        gate.admit(producer, to: [OffsetsTopic.partition])
        let log = try openLog(disk, segmentBytes: 4 << 20)
        let writer = try LogWriter(
            name: "test-writer", policy: .always, clock: { 1 }, metrics: LogServerMetrics())
        let topic = OffsetsTopic(log: log, writer: writer, clock: { 1 }, gate: gate)
        let done = Atomic(0)
        topic.append([([9], [9])], in: producer) { code in
            #expect(code == .none)
            done.add(1, ordering: .relaxed)
        }
        for _ in 0..<400 {
            let records: [OffsetsRecord] = (0..<50).map {
                ([UInt8($0) + 100], [UInt8](repeating: 1, count: 1000))
            }
            topic.append(records) { _ in done.add(1, ordering: .relaxed) }
        }
        await eventually("all are durable") { done.load(ordering: .relaxed) == 401 }
        await writer.shutdown()
        #expect(log.logStart > 0, "nothing was removed")
        let again = try openLog(disk.copy(), segmentBytes: 4 << 20)
        let second = try LogWriter(
            name: "test-writer", policy: .always, clock: { 1 }, metrics: LogServerMetrics())
        var pending: [[OffsetsRecord]] = []
        try OffsetsTopic(log: again, writer: second, clock: { 1 }).replay { entry in
            if case .pending(let records, producer) = entry { pending.append(records) }
        }
        await second.shutdown()
        #expect(pending.map { $0.map(\.key) } == [[[9]]])
        #expect(again.producers.withLock { $0.transactions.open.keys.first } == 1)
    }
}
