import LogClient
import MockLog
import Testing

/// A group member reads from where it was told to, exactly what is there, and in order.
@Suite struct LogConsumerTests {
    private struct Fixture {
        let log: MockLog
        let connection: LogConnection
        let producer: LogProducer
        let topic: ProducerTopic

        init(partitions: Int32) throws {
            log = MockLog(topics: ["t": partitions])
            connection = LogConnection(brokers: log.brokers)
            producer = try LogProducer(configuration: .init(connection: connection), logger: quiet)
            topic = try producer.topic("t")
        }

        func publish(_ values: ClosedRange<UInt8>, partition: Int32) async throws {
            for value in values {
                _ = try await topic.publish(partition: partition, key: [9], value: [value])
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

    @Test func readsFromTheOffsetsThatItIsGiven() async throws {
        let fixture = try Fixture(partitions: 2)
        try await fixture.publish(0...4, partition: 0)
        try await fixture.publish(10...14, partition: 1)
        let events = Recorder<LogConsumerEvent>()
        let consumer = try fixture.consumer(events)
        try await eventually { events.assigned.count == 2 }
        #expect(events.records.isEmpty)
        consumer.assign([
            PartitionOffset(topic: "t", partition: 0, offset: 3),
            PartitionOffset(topic: "t", partition: 1, offset: PartitionOffset.beginning),
        ])
        try await eventually { events.records.count == 7 }
        let first = events.records.filter { $0.partition == 0 }
        #expect(first.map(\.value) == [[3], [4]])
        #expect(first.map(\.offset) == [3, 4])
        #expect(first.allSatisfy { $0.key == [9] && $0.topic == "t" && !$0.isTombstone })
        #expect(
            events.records.filter { $0.partition == 1 }.map(\.value) == [
                [10], [11], [12], [13], [14],
            ])
        let now = events.records[0].timestampMilliseconds
        #expect(now > 1_500_000_000_000)
        try await eventually {
            events.all.contains {
                if case .partitionEnd(let end) = $0 {
                    end.partition == 0 && end.offset == 5
                } else {
                    false
                }
            }
        }

        // Going back and on again; the other partition stays where it is.
        consumer.assign(
            [
                PartitionOffset(topic: "t", partition: 0, offset: 1),
                PartitionOffset(topic: "t", partition: 1, offset: 5),
            ], ticket: 7)
        try await eventually { events.records.count == 11 }
        #expect(events.records.filter { $0.partition == 0 }.map(\.offset) == [3, 4, 1, 2, 3, 4])
        let placed = events.all.firstIndex {
            if case .placed(7, nil) = $0 { true } else { false }
        }
        let replay = events.all.firstIndex {
            guard case .records(let records) = $0 else { return false }
            return records.contains { $0.partition == 0 && $0.offset < 3 }
        }
        #expect(try #require(placed) < #require(replay), "the records from there on follow it")

        // What is committed can be seen from outside.
        try await consumer.commitAndWait([PartitionOffset(topic: "t", partition: 0, offset: 5)])
        let admin = try LogAdmin(connection: fixture.connection, logger: quiet)
        let partitions = [0, 1].map { TopicPartition(topic: "t", partition: $0) }
        let committed = try await admin.committedOffsets(
            group: "g", of: partitions, timeout: .seconds(10))
        #expect(committed == [PartitionOffset(topic: "t", partition: 0, offset: 5)])
        try consumer.commit([PartitionOffset(topic: "t", partition: 1, offset: 2)])
        await consumer.close()
        await fixture.producer.close()
    }

    @Test func aPausedPartitionWaits() async throws {
        let fixture = try Fixture(partitions: 2)
        let events = Recorder<LogConsumerEvent>()
        let consumer = try fixture.consumer(events)
        try await eventually { events.assigned.count == 2 }
        consumer.assign(events.assigned.map { PartitionOffset($0, offset: 0) })
        let paused = [TopicPartition(topic: "t", partition: 0)]
        consumer.pause(paused)
        try await fixture.publish(1...3, partition: 0)
        try await fixture.publish(4...6, partition: 1)
        try await eventually { events.records.count == 3 }
        #expect(events.records.allSatisfy { $0.partition == 1 })
        consumer.resume(paused)
        try await eventually { events.records.count == 6 }
        #expect(events.records.filter { $0.partition == 0 }.map(\.value) == [[1], [2], [3]])
        await consumer.close()
        await fixture.producer.close()
    }

    /// A pause belongs to its assignment. Kept over the next one it would hold a partition for ever:
    /// whoever was assigned it anew has never paused it.
    @Test func aNewAssignmentIsNotPaused() async throws {
        let fixture = try Fixture(partitions: 2)
        let events = Recorder<LogConsumerEvent>()
        let consumer = try fixture.consumer(events)
        try await eventually { events.assigned.count == 2 }
        let places = events.assigned.map { PartitionOffset($0, offset: 0) }
        consumer.assign(places)
        consumer.pause(places.map(\.topicPartition))
        consumer.unassign()
        consumer.assign(places)
        try await fixture.publish(1...3, partition: 0)
        try await fixture.publish(4...6, partition: 1)
        try await eventually { events.records.count == 6 }
        await consumer.close()
        await fixture.producer.close()
    }

    /// A consumer that would go on elsewhere by itself could skip records and nobody would know.
    @Test func anOffsetThatTheLogDoesNotHoldIsSaidAndEndsTheReading() async throws {
        let fixture = try Fixture(partitions: 1)
        try await fixture.publish(0...4, partition: 0)
        let events = Recorder<LogConsumerEvent>()
        let consumer = try fixture.consumer(events)
        try await eventually { events.assigned.count == 1 }
        let place = TopicPartition(topic: "t", partition: 0)
        consumer.assign([PartitionOffset(place, offset: 50)])
        try await eventually {
            events.all.contains { if case .outOfRange(place) = $0 { true } else { false } }
        }
        #expect(events.records.isEmpty)
        consumer.assign([PartitionOffset(place, offset: 2)])
        try await eventually { events.records.map(\.offset) == [2, 3, 4] }
        await consumer.close()
        await fixture.producer.close()
    }

    @Test func aSecondMemberTakesOverHalfAndThenAll() async throws {
        let fixture = try Fixture(partitions: 2)
        let firstEvents = Recorder<LogConsumerEvent>()
        let secondEvents = Recorder<LogConsumerEvent>()
        let first = try fixture.consumer(firstEvents)
        try await eventually { firstEvents.assigned.count == 2 }
        first.assign(firstEvents.assigned.map { PartitionOffset($0, offset: 0) })
        let second = try fixture.consumer(secondEvents)
        try await eventually { firstEvents.assigned.isEmpty }
        try await eventually {
            // Every time that it is asked to: the group may form in more than one step.
            if firstEvents.assigned.isEmpty { first.unassign() }
            if secondEvents.assigned.isEmpty { second.unassign() }
            return firstEvents.assigned.count == 1 && secondEvents.assigned.count == 1
        }
        first.assign(firstEvents.assigned.map { PartitionOffset($0, offset: 0) })
        second.assign(secondEvents.assigned.map { PartitionOffset($0, offset: 0) })
        await first.close()
        try await eventually {
            if secondEvents.assigned.isEmpty { second.unassign() }
            return secondEvents.assigned.count == 2
        }
        second.assign(secondEvents.assigned.map { PartitionOffset($0, offset: 0) })
        try await fixture.publish(1...2, partition: 0)
        try await fixture.publish(3...4, partition: 1)
        try await eventually { secondEvents.records.count == 4 }
        await second.close()
        await fixture.producer.close()
    }
}
