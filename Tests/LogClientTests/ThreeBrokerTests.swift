// The client against a cluster of three that is not Millrace's own: leaders move, a broker goes
// down, requests are refused.

import LogClient
import MockLog
import Testing

@Suite struct ThreeBrokerTests {
    /// A cluster with a topic of three partitions, one led by each broker.
    private struct Cluster {
        let log = MockLog(brokers: 3, topics: ["t": 3])
        let deliveries = Recorder<Delivery>()
        let producer: LogProducer
        let topic: ProducerTopic

        var connection: LogConnection { LogConnection(brokers: log.brokers) }

        init() throws {
            for partition in 0..<3 as Range<Int32> {
                log.setLeader(of: "t", partition: partition, broker: partition + 1)
            }
            log.setCoordinator(ofGroup: "g", broker: 1)
            let deliveries = deliveries
            var configuration = LogProducerConfiguration(
                connection: LogConnection(brokers: log.brokers))
            configuration.deliveryTimeout = .seconds(30)
            producer = try LogProducer(configuration: configuration, logger: quiet) {
                deliveries.append(contentsOf: $0)
            }
            topic = try producer.topic("t")
        }

        /// Publishes numbered records, in turn to each partition.
        func publish(_ numbers: Range<UInt64>) {
            for number in numbers {
                let outcome = topic.publish(
                    partition: Int32(number % 3), key: [1], value: Array("\(number)".utf8),
                    token: number)
                guard case .queued = outcome else {
                    Issue.record("record \(number) was not taken")
                    return
                }
            }
        }

        func consumer(_ events: Recorder<LogConsumerEvent>) throws -> LogConsumer {
            var configuration = LogConsumerConfiguration(
                connection: connection, group: "g", topics: ["t"])
            configuration.sessionTimeout = .seconds(6)
            return try LogConsumer(configuration: configuration, logger: quiet) {
                events.append($0)
            }
        }
    }

    /// The records that came, by partition, in order.
    private func numbers(_ events: Recorder<LogConsumerEvent>, _ partition: Int32) -> [UInt64] {
        events.records.filter { $0.partition == partition }
            .compactMap { UInt64(String(decoding: $0.value, as: UTF8.self)) }
    }

    private func assignAll(_ consumer: LogConsumer) {
        consumer.assign(
            (0..<3).map {
                PartitionOffset(topic: "t", partition: $0, offset: PartitionOffset.beginning)
            })
    }

    /// However often leaders move, every record is delivered and read once, in order.
    @Test func leadersMove() async throws {
        let cluster = try Cluster()
        let events = Recorder<LogConsumerEvent>()
        let consumer = try cluster.consumer(events)
        try await eventually { events.assigned.count == 3 }
        assignAll(consumer)
        for round in 0..<4 as Range<UInt64> {
            cluster.publish(round * 90..<(round + 1) * 90)
            try await eventually { cluster.deliveries.all.count >= Int(round) * 90 + 1 }
            for partition in 0..<3 as Range<Int32> {
                cluster.log.setLeader(
                    of: "t", partition: partition,
                    broker: (partition + Int32(round)) % 3 + 1)
            }
        }
        #expect(await cluster.producer.flush(timeout: .seconds(30)))
        #expect(cluster.deliveries.all.allSatisfy { $0.error == nil })
        try await eventually(within: .seconds(40)) { events.records.count >= 360 }
        for partition in 0..<3 as Range<Int32> {
            #expect(numbers(events, partition) == (0..<120).map { UInt64($0 * 3 + Int(partition)) })
        }
        await consumer.close()
        await cluster.producer.close()
    }

    /// While a broker is down the others go on, and what was its own comes when another leads.
    @Test func aBrokerGoesDown() async throws {
        let cluster = try Cluster()
        cluster.publish(0..<90)
        #expect(await cluster.producer.flush(timeout: .seconds(20)))
        cluster.log.setBroker(2, isUp: false)
        cluster.publish(90..<180)
        // Partition 1 was led by it.
        try await eventually { cluster.deliveries.all.count == 150 }
        #expect(cluster.deliveries.all.dropFirst(90).allSatisfy { $0.partition != 1 })
        cluster.log.setLeader(of: "t", partition: 1, broker: 3)
        #expect(await cluster.producer.flush(timeout: .seconds(30)))
        #expect(cluster.deliveries.all.allSatisfy { $0.error == nil })
        let events = Recorder<LogConsumerEvent>()
        let consumer = try cluster.consumer(events)
        try await eventually { events.assigned.count == 3 }
        assignAll(consumer)
        try await eventually(within: .seconds(30)) { events.records.count >= 180 }
        for partition in 0..<3 as Range<Int32> {
            #expect(numbers(events, partition) == (0..<60).map { UInt64($0 * 3 + Int(partition)) })
        }
        await consumer.close()
        await cluster.producer.close()
    }

    /// Errors that pass are waited out, others reach the publisher of exactly that record.
    @Test func requestsAreRefused() async throws {
        let cluster = try Cluster()
        // Leader not available, not the leader, request timed out, too few replicas.
        cluster.log.failProduceRequests(with: [5, 6, 7, 19])
        cluster.publish(0..<3)
        #expect(await cluster.producer.flush(timeout: .seconds(30)))
        #expect(cluster.deliveries.all.count == 3)
        #expect(cluster.deliveries.all.allSatisfy { $0.error == nil })
        // Topic authorization failed.
        cluster.log.failProduceRequests(with: [29])
        let error = await #expect(throws: LogError.self) {
            try await cluster.topic.publish(partition: 0, key: [1], value: [2])
        }
        #expect(error?.isRetriable == false)
        await cluster.producer.close()
    }

    /// A group goes on when its coordinator changes, refuses for a while, or loses a broker.
    @Test func theCoordinatorMoves() async throws {
        let cluster = try Cluster()
        cluster.publish(0..<30)
        #expect(await cluster.producer.flush(timeout: .seconds(20)))
        let events = Recorder<LogConsumerEvent>()
        let consumer = try cluster.consumer(events)
        try await eventually { events.assigned.count == 3 }
        assignAll(consumer)
        // Fetches are refused for a while: not the leader, unknown.
        cluster.log.failRequests(ofKey: 1, with: [6, 6, -1])
        try await eventually(within: .seconds(30)) { events.records.count >= 30 }
        cluster.log.setCoordinator(ofGroup: "g", broker: 3)
        let place = PartitionOffset(topic: "t", partition: 0, offset: 10)
        // The new coordinator does not know the member, who joins again.
        var isCommitted = false
        for _ in 0..<100 where !isCommitted {
            isCommitted = (try? await consumer.commitAndWait([place])) != nil
            if !isCommitted { try await Task.sleep(for: .milliseconds(100)) }
        }
        #expect(isCommitted)
        let admin = try LogAdmin(connection: cluster.connection, logger: quiet)
        let committed = try await admin.committedOffsets(
            group: "g", of: [TopicPartition(topic: "t", partition: 0)], timeout: .seconds(10))
        #expect(committed.map(\.offset) == [10])
        await consumer.close()
        await cluster.producer.close()
    }
}
