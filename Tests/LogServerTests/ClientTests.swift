// Real clients: librdkafka through LogClient, and kcat where it is installed.

import Base
import Foundation
import LogClient
import Model
import Synchronization
import TestSupport
import Testing

/// What a group member was told.
final class Arrivals: Sendable {
    private let state = Mutex<(records: [LogRecord], assigned: [TopicPartition])>(([], []))
    var values: [String] {
        state.withLock { $0.records.map { String(decoding: $0.value, as: UTF8.self) } }
    }
    var assigned: [TopicPartition] { state.withLock { $0.assigned } }

    func take(_ event: LogConsumerEvent) {
        state.withLock { state in
            switch event {
            case .records(let records): state.records += records
            case .assigned(let partitions): state.assigned = partitions
            case .revoked: state.assigned = []
            default: break
            }
        }
    }
}

@Suite struct ClientTests {
    /// An idempotent producer's records come to a group, each once, and commits are kept.
    @Test func anIdempotentProducerAndAGroup() async throws {
        let directory = try TemporaryDirectory()
        try await withServer(directory: directory) { server in
            let connection = LogConnection(brokers: server.brokers)
            let admin = try LogAdmin(connection: connection, logger: quiet)
            #expect(
                try await admin.createTopic(
                    "events", partitions: 2, settings: ["cleanup.policy": "delete"],
                    timeout: .seconds(10)))
            let producer = try LogProducer(
                configuration: LogProducerConfiguration(connection: connection), logger: quiet)
            let topic = try producer.topic("events")
            for number in 0..<500 {
                _ = topic.publish(
                    partition: Int32(number % 2), key: [1], value: Array("\(number)".utf8),
                    token: UInt64(number))
            }
            #expect(await producer.flush(timeout: .seconds(20)))
            await producer.close()
            let arrivals = Arrivals()
            let consumer = try LogConsumer(
                configuration: LogConsumerConfiguration(
                    connection: connection, group: "g", topics: ["events"]),
                logger: quiet
            ) { arrivals.take($0) }
            await eventually("both partitions are assigned") { arrivals.assigned.count == 2 }
            try consumer.assign(
                arrivals.assigned.map { PartitionOffset($0, offset: PartitionOffset.beginning) })
            await eventually("all records arrive") { arrivals.values.count >= 500 }
            #expect(Set(arrivals.values) == Set((0..<500).map { "\($0)" }))
            #expect(arrivals.values.count == 500)
            try await consumer.commitAndWait(
                arrivals.assigned.map { PartitionOffset($0, offset: 250) })
            await consumer.close()
        }
        // The commits survive a restart.
        try await withServer(directory: directory) { server in
            let admin = try LogAdmin(
                connection: LogConnection(brokers: server.brokers), logger: quiet)
            let partitions = (0..<2).map { TopicPartition(topic: "events", partition: $0) }
            let committed = try await admin.committedOffsets(
                group: "g", of: partitions, timeout: .seconds(10))
            #expect(committed.map(\.offset) == [250, 250])
            for partition in partitions {
                let range = try await admin.range(of: partition, timeout: .seconds(10))
                #expect(range.earliest == 0 && range.latest == 250)
            }
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat")))
    func kcatProducesAndConsumes() async throws {
        try await withServer { server in
            let broker = server.brokers[0]
            let lines = (0..<100).map { "line \($0)" }
            let input = lines.joined(separator: "\n") + "\n"
            for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
                let topic = "k-\(codec)"
                _ = try await kcat(
                    ["-b", broker, "-P", "-t", topic, "-p", "0", "-z", codec], input: input)
                let plain = try await kcat(
                    ["-b", broker, "-C", "-t", topic, "-p", "0", "-e", "-q"])
                #expect(plain == input, "\(codec)")
                let group = try await kcat(
                    [
                        "-b", broker, "-G", "g-\(codec)", "-X", "auto.offset.reset=earliest",
                        "-e", "-q", topic,
                    ])
                #expect(group == input, "group, \(codec)")
            }
            let listing = try await kcat(["-b", broker, "-L"])
            #expect(listing.contains("topic \"k-zstd\" with 4 partitions"))
        }
    }

    /// Runs kcat to its end; its standard output.
    private func kcat(_ arguments: [String], input: String = "") async throws -> String {
        let directory = try TemporaryDirectory()
        let (source, target) = ("\(directory.path)/in", "\(directory.path)/out")
        try input.write(toFile: source, atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: target, contents: nil)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/kcat")
        process.arguments = arguments
        process.standardInput = FileHandle(forReadingAtPath: source)
        process.standardOutput = FileHandle(forWritingAtPath: target)
        process.standardError = FileHandle.nullDevice
        try process.run()
        await eventually(within: .seconds(60), "kcat \(arguments) ends") { !process.isRunning }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try String(contentsOfFile: target, encoding: .utf8)
    }
}
