import KafkaWire
import LogClient
import Synchronization
import TestSupport
import Testing

/// What a tail has read.
private final class Reading: Sendable {
    private let state = Mutex<(values: [String], isCaughtUp: Bool)>(([], false))
    var values: [String] { state.withLock { $0.values } }
    var isCaughtUp: Bool { state.withLock { $0.isCaughtUp } }

    func take(_ event: LogTailEvent) {
        state.withLock { state in
            switch event {
            case .records(let records):
                state.values += records.map { String(decoding: $0.value, as: UTF8.self) }
            case .caughtUp: state.isCaughtUp = true
            case .failed: break
            }
        }
    }
}

@Suite struct TailTests {
    /// A tail asks for offset 0; a log that has deleted it gives its earliest record instead.
    @Test func aTailBeginsWhereTheLogBegins() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            for value in ["a", "b", "c"] { _ = try client.produce("t", 0, batch([value])) }
            var part = DeleteRecordsRequest.Partition()
            part.offset = 1
            var entry = DeleteRecordsRequest.Topic()
            (entry.name, entry.partitions) = ("t", [part])
            var request = DeleteRecordsRequest()
            request.topics = [entry]
            _ = try client.ask(request)
            let reading = Reading()
            let tail = try LogTail(
                connection: LogConnection(brokers: server.brokers),
                topicPartition: TopicPartition(topic: "t", partition: 0), logger: quiet
            ) { reading.take($0) }
            await eventually("the tail has read to the end") { reading.isCaughtUp }
            #expect(reading.values == ["b", "c"])
            await tail.close()
        }
    }
}
