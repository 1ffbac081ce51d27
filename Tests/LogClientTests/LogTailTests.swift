import LogClient
import MockLog
import Testing

/// A tail hands over all there is, says so once, and then whatever comes.
@Suite struct LogTailTests {
    private func connect(_ log: MockLog) throws -> (LogConnection, LogProducer) {
        let connection = LogConnection(brokers: log.brokers)
        return (
            connection,
            try LogProducer(configuration: .init(connection: connection), logger: quiet)
        )
    }

    private func texts(_ events: [LogTailEvent]) -> [String] {
        events.flatMap { event -> [String] in
            switch event {
            case .records(let records):
                records.map { $0.isTombstone ? "gone" : String(decoding: $0.value, as: UTF8.self) }
            case .caughtUp: ["caught up"]
            case .failed: []
            }
        }
    }

    @Test func readsEverythingAndGoesOn() async throws {
        let log = MockLog(topics: ["c": 1])
        let (connection, producer) = try connect(log)
        let topic = try producer.topic("c")
        for text in ["a", "b"] {
            _ = try await topic.publish(partition: 0, key: [1], value: Array(text.utf8))
        }
        let events = Recorder<LogTailEvent>()
        let tail = try LogTail(
            connection: connection, topicPartition: .init(topic: "c", partition: 0), logger: quiet
        ) { events.append($0) }
        try await eventually { texts(events.all) == ["a", "b", "caught up"] }
        _ = try await topic.publish(partition: 0, key: [1], value: nil)
        _ = try await topic.publish(partition: 0, key: [1], value: [])
        try await eventually { texts(events.all) == ["a", "b", "caught up", "gone", ""] }
        await tail.close()
        await producer.close()
    }

    @Test func anEmptyTopicIsCaughtUpAtOnce() async throws {
        let log = MockLog(topics: ["c": 1])
        let events = Recorder<LogTailEvent>()
        let tail = try LogTail(
            connection: .init(brokers: log.brokers),
            topicPartition: .init(topic: "c", partition: 0), logger: quiet
        ) { events.append($0) }
        try await eventually { texts(events.all) == ["caught up"] }
        await tail.close()
    }

    @Test func aLogThatIsDownAtFirstIsWaitedFor() async throws {
        let log = MockLog(topics: ["c": 1])
        log.setBroker(1, isUp: false)
        let events = Recorder<LogTailEvent>()
        let tail = try LogTail(
            connection: .init(brokers: log.brokers),
            topicPartition: .init(topic: "c", partition: 0), logger: quiet
        ) { events.append($0) }
        try await eventually {
            events.all.contains { if case .failed = $0 { true } else { false } }
        }
        log.setBroker(1, isUp: true)
        try await eventually { texts(events.all) == ["caught up"] }
        await tail.close()
    }
}

/// The administrator sees the log as it is.
@Suite struct LogAdminTests {
    @Test func describesTopics() async throws {
        let log = MockLog(brokers: 3, topics: ["t": 3])
        let connection = LogConnection(brokers: log.brokers)
        let admin = try LogAdmin(connection: connection, logger: quiet)
        let topic = try #require(try await admin.metadata(of: "t", timeout: .seconds(10)))
        #expect(topic.partitions.map(\.partition) == [0, 1, 2])
        for partition in topic.partitions {
            #expect(log.brokers.contains(try #require(partition.leader)))
            #expect(partition.replicas.contains(partition.leaderID))
        }
        #expect(try await admin.metadata(of: "missing", timeout: .seconds(10)) == nil)
    }

    @Test func seesWherePartitionsBeginAndEnd() async throws {
        let log = MockLog(topics: ["t": 1])
        let connection = LogConnection(brokers: log.brokers)
        let admin = try LogAdmin(connection: connection, logger: quiet)
        let partition = TopicPartition(topic: "t", partition: 0)
        #expect(
            try await admin.range(of: partition, timeout: .seconds(10))
                == PartitionRange(earliest: 0, latest: 0))
        let producer = try LogProducer(configuration: .init(connection: connection), logger: quiet)
        _ = try await producer.topic("t").publish(partition: 0, key: [], value: [1])
        #expect(
            try await admin.range(of: partition, timeout: .seconds(10))
                == PartitionRange(earliest: 0, latest: 1))
        await producer.close()
    }

    @Test func aDeadLogIsAnErrorInTime() async throws {
        let admin = try LogAdmin(connection: .init(brokers: ["127.0.0.1:1"]), logger: quiet)
        let error = await #expect(throws: LogError.self) {
            _ = try await admin.topics(timeout: .milliseconds(300))
        }
        #expect(error?.isRetriable == true)
    }

    @Test func topicsThatExistAreLeftAlone() async throws {
        let log = MockLog(topics: [MillraceTopics.events: 6, MillraceTopics.catalog: 1])
        let admin = try LogAdmin(connection: .init(brokers: log.brokers), logger: quiet)
        let count = try await MillraceTopics.ensure(
            with: admin, eventPartitions: 12, timeout: .seconds(10))
        #expect(count == 6)
    }
}
