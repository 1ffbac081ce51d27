import LogClient
import MockLog
import Testing

/// A record is reported as delivered when the log has it, and as failed otherwise; never neither.
@Suite struct LogProducerTests {
    @Test func waitingPublishersGetTheOffsets() async throws {
        let log = MockLog(topics: ["t": 2])
        let producer = try LogProducer(
            configuration: .init(connection: .init(brokers: log.brokers)), logger: quiet)
        let topic = try producer.topic("t")
        for offset in 0..<3 as Range<Int64> {
            let place = try await topic.publish(partition: 1, key: [1], value: [2])
            #expect(place == PartitionOffset(topic: "t", partition: 1, offset: offset))
        }
        #expect(topic.partitionCount == nil)
        #expect(try await topic.refreshPartitionCount(timeout: .seconds(10)) == 2)
        #expect(topic.partitionCount == 2)
        await producer.close()
    }

    @Test func deliveriesComeInBatchesWithTheirTokens() async throws {
        let log = MockLog(topics: ["t": 1])
        let deliveries = Recorder<Delivery>()
        let batches = Recorder<Int>()
        let producer = try LogProducer(
            configuration: .init(connection: .init(brokers: log.brokers)), logger: quiet
        ) {
            deliveries.append(contentsOf: $0)
            batches.append($0.count)
        }
        let topic = try producer.topic("t")
        for token in 0..<5_000 as Range<UInt64> {
            guard
                case .queued = topic.publish(partition: 0, key: [], value: [7], token: token << 40)
            else {
                Issue.record("record \(token) was not taken")
                return
            }
        }
        #expect(await producer.flush(timeout: .seconds(20)))
        try await eventually { deliveries.all.count == 5_000 }
        #expect(deliveries.all.map(\.token) == (0..<5_000).map { $0 << 40 })
        #expect(deliveries.all.map(\.offset) == (0..<5_000).map { $0 })
        #expect(deliveries.all.allSatisfy { $0.error == nil })
        #expect(batches.all.count < 500)
        #expect(producer.bufferedRecords == 0)
        await producer.close()
    }

    @Test func aFullBufferIsSaidAtOnce() async throws {
        var configuration = LogProducerConfiguration(connection: .init(brokers: ["127.0.0.1:1"]))
        configuration.bufferedRecordsMax = 10
        let producer = try LogProducer(configuration: configuration, logger: quiet)
        let topic = try producer.topic("t")
        var queued = 0
        var full = 0
        for token in 0..<20 as Range<UInt64> {
            switch topic.publish(partition: 0, key: [], value: [1], token: token) {
            case .queued: queued += 1
            case .queueFull: full += 1
            case .refused(let error): Issue.record("refused: \(error)")
            }
        }
        #expect(queued == 10)
        #expect(full == 10)
        await producer.close()
    }

    @Test func aDeadLogFailsDeliveriesInTime() async throws {
        var configuration = LogProducerConfiguration(connection: .init(brokers: ["127.0.0.1:1"]))
        configuration.deliveryTimeout = .milliseconds(300)
        let producer = try LogProducer(configuration: configuration, logger: quiet)
        let topic = try producer.topic("t")
        let error = await #expect(throws: LogError.self) {
            try await topic.publish(partition: 0, key: [], value: [1])
        }
        #expect(error?.name == "_MSG_TIMED_OUT")
        #expect(error?.isRetriable == true)
        await producer.close()
    }

    @Test func aLogThatComesBackGetsWhatWaited() async throws {
        let log = MockLog(topics: ["t": 1])
        log.setBroker(1, isUp: false)
        let producer = try LogProducer(
            configuration: .init(connection: .init(brokers: log.brokers)), logger: quiet)
        let topic = try producer.topic("t")
        async let place = topic.publish(partition: 0, key: [], value: [1])
        try await eventually { producer.bufferedRecords == 1 }
        log.setBroker(1, isUp: true)
        #expect(try await place.offset == 0)
        await producer.close()
    }

    @Test func closingFailsWhoStillWaits() async throws {
        let producer = try LogProducer(
            configuration: .init(connection: .init(brokers: ["127.0.0.1:1"])), logger: quiet)
        let topic = try producer.topic("t")
        let publishing = Task { try await topic.publish(partition: 0, key: [], value: [1]) }
        try await eventually { producer.bufferedRecords == 1 }
        await producer.close()
        await #expect(throws: LogError.self) { try await publishing.value }
    }

    @Test func anOverlongRecordIsRefused() async throws {
        let producer = try LogProducer(
            configuration: .init(connection: .init(brokers: ["127.0.0.1:1"])), logger: quiet)
        let topic = try producer.topic("t")
        let value = [UInt8](repeating: 0, count: 2 << 20)
        guard
            case .refused(let error) = topic.publish(partition: 0, key: [], value: value, token: 0)
        else {
            Issue.record("not refused")
            return
        }
        #expect(error.name == "MSG_SIZE_TOO_LARGE")
        #expect(!error.isRetriable)
        await producer.close()
    }

    @Test func aWrongPropertyIsNamed() {
        let connection = LogConnection(brokers: ["127.0.0.1:1"], properties: ["linger.mss": "1"])
        let error = #expect(throws: LogError.self) {
            try LogProducer(configuration: .init(connection: connection), logger: quiet)
        }
        #expect(error?.message.contains("linger.mss") == true)
    }
}
