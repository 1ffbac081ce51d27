// kill -9 of the built executable while librdkafka writes to it.

import Base
import Foundation
import Glibc
import KafkaWire
import LogClient
import Model
import Synchronization
import TestSupport
import Testing

/// A running millrace-log of its own.
private final class LogProcess: @unchecked Sendable {
    // Used by the one test that owns it.
    private let process = Process()

    init(directory: String, port: UInt16) throws {
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-log")
        process.arguments = [
            "--log-server-data", "\(directory)/data", "--log-server-listen", "127.0.0.1:\(port)",
            "--log-server-segment-bytes", "1048576",
        ]
        let log = "\(directory)/log.txt"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let handle = FileHandle(forWritingAtPath: log)
        _ = try handle?.seekToEnd()
        process.standardError = handle
        try process.run()
    }

    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM; the exit status.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

@Suite(.serialized) struct KillTests {
    private func freePort() async throws -> UInt16 {
        let server = try await RunningServer()
        await server.stop()
        return server.port
    }

    private func serves(_ port: UInt16) -> Bool {
        guard let client = try? KafkaTestClient(port: port) else { return false }
        return (try? client.metadata(["numbers"]).topics.first?.partitions.count) ?? 0 > 0
    }

    /// Every acknowledged record is there afterwards, and none twice, through three kills.
    @Test(.timeLimit(.minutes(3))) func acknowledgedRecordsSurviveAKillOnce() async throws {
        let directory = try TemporaryDirectory()
        let port = try await freePort()
        var process = try LogProcess(directory: directory.path, port: port)
        defer { process.kill() }
        await eventually("the log serves") { self.serves(port) }
        let acknowledged = Mutex<Set<UInt64>>([])
        var configuration = LogProducerConfiguration(
            connection: LogConnection(brokers: ["127.0.0.1:\(port)"]))
        configuration.deliveryTimeout = .seconds(60)
        let producer = try LogProducer(configuration: configuration, logger: quiet) { deliveries in
            acknowledged.withLock { set in
                for delivery in deliveries where delivery.error == nil {
                    set.insert(delivery.token)
                }
            }
        }
        let topic = try producer.topic("numbers")
        var sent: UInt64 = 0
        for _ in 0..<3 {
            let before = acknowledged.withLock { $0.count }
            await eventually("records flow") {
                for _ in 0..<200 {
                    _ = topic.publish(
                        partition: Int32(sent % 4), key: [1], value: Array("\(sent)".utf8),
                        token: sent)
                    sent += 1
                }
                return acknowledged.withLock { $0.count } > before + 2000
            }
            process.kill()
            process = try LogProcess(directory: directory.path, port: port)
        }
        #expect(await producer.flush(timeout: .seconds(60)))
        #expect(producer.fatalError == nil)
        await producer.close()
        try expectOnce(acknowledged.withLock { $0 }, port)
        #expect(process.stop() == 0)
    }

    private func expectOnce(_ acknowledged: Set<UInt64>, _ port: UInt16) throws {
        let client = try KafkaTestClient(port: port)
        var found: [String] = []
        let partitions = try client.metadata(["numbers"]).topics.first?.partitions ?? []
        for partition in partitions {
            var offset: Int64 = 0
            while true {
                let part = try client.fetch("numbers", partition.index, from: offset)
                let values = try part.values()
                if values.isEmpty { break }
                found += values
                offset += Int64(values.count)
            }
        }
        let distinct = Set(found.compactMap { UInt64($0) })
        #expect(distinct.count == found.count, "records are there twice")
        #expect(acknowledged.subtracting(distinct).isEmpty, "acknowledged records are gone")
    }
}
