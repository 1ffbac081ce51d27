// kill -9 of the built executable, over and over, while several idempotent clients write to it.

import Base
import Foundation
import KafkaWire
import LogClient
import Model
import Synchronization
import TestSupport
import Testing

/// One of the clients: a thread that writes numbered records for as long as it may.
private final class Writer: Sendable {
    let name: Int
    let producer: LogProducer
    private let acknowledged: Recorded
    private let mayGoOn = Atomic(true)
    private let topic: ProducerTopic
    private let room: Room

    /// Large enough that segments end in between.
    private static let padding = " " + String(repeating: "x", count: 300)

    /// Which numbers the log has taken.
    final class Recorded: Sendable {
        let numbers = Mutex<Set<UInt64>>([])
        let failures = Mutex<[String]>([])
    }

    /// Tells the writing thread that there is room for more; a signal that is missed costs little.
    final class Room: Sendable {
        private let condition = NSCondition()
        func signal() { condition.signal() }
        func waitALittle() {
            condition.lock()
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.02))
            condition.unlock()
        }
    }

    init(_ name: Int, port: UInt16) throws {
        self.name = name
        let (acknowledged, room) = (Recorded(), Room())
        (self.acknowledged, self.room) = (acknowledged, room)
        var configuration = LogProducerConfiguration(
            connection: LogConnection(brokers: ["127.0.0.1:\(port)"]))
        configuration.deliveryTimeout = .seconds(90)
        // Small batches: several requests of a connection are on their way at any moment.
        configuration.linger = .milliseconds(1)
        configuration.bufferedRecordsMax = 2000
        producer = try LogProducer(configuration: configuration, logger: quiet) { deliveries in
            for delivery in deliveries {
                if let error = delivery.error {
                    acknowledged.failures.withLock { $0.append("\(error)") }
                } else {
                    acknowledged.numbers.withLock { _ = $0.insert(delivery.token) }
                }
            }
            room.signal()
        }
        topic = try producer.topic("numbers")
        Thread.detachNewThread { [self] in write() }
    }

    private func write() {
        var number: UInt64 = 0
        while mayGoOn.load(ordering: .relaxed) {
            let outcome = topic.publish(
                partition: Int32(number % 4), key: [1],
                value: Array("\(name) \(number)\(Self.padding)".utf8),
                token: number)
            if case .queued = outcome { number += 1 } else { room.waitALittle() }
        }
    }

    var count: Int { acknowledged.numbers.withLock { $0.count } }

    /// What the log has taken, after everything has been.
    func finish() async -> Set<UInt64> {
        mayGoOn.store(false, ordering: .relaxed)
        #expect(await producer.flush(timeout: .seconds(90)))
        #expect(producer.fatalError == nil)
        #expect(acknowledged.failures.withLock { $0 } == [])
        await producer.close()
        return acknowledged.numbers.withLock { $0 }
    }
}

@Suite(.serialized) struct KillChaosTests {
    private static let kills =
        ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "chaos" ? 50 : 5

    /// Every acknowledged record is there afterwards, once, and in order in its partition; a kill
    /// leaves what the kernel has, so the policy makes no difference.
    @Test(.timeLimit(.minutes(10)), arguments: ["always", "never"])
    func acknowledgedRecordsSurviveKillsOnce(_ fsync: String) async throws {
        let directory = try TemporaryDirectory()
        let port = try await LogProcess.freePort()
        var process = try LogProcess(directory: directory.path, port: port, fsync: fsync)
        defer { process.kill() }
        await eventually("the log serves") { LogProcess.serves(port, topic: "numbers") }
        let writers = try (0..<3).map { try Writer($0, port: port) }
        let seed = LongRun.seeds("chaos", short: 1, perSecond: 1).lowerBound
        print("seed \(seed)")
        var random = PRNG(seed: seed)
        for kill in 0..<Self.kills {
            for writer in writers {
                let goal = writer.count + Int.random(in: 1...1500, using: &random)
                await eventually(within: .seconds(40), "records flow before kill \(kill)") {
                    writer.count >= goal
                }
            }
            process.kill()
            process = try LogProcess(directory: directory.path, port: port, fsync: fsync)
            // Sometimes it dies while it recovers, too.
            if Int.random(in: 0..<5, using: &random) == 0 {
                await eventually("it has begun") { process.hasBegun }
                process.kill()
                process = try LogProcess(directory: directory.path, port: port, fsync: fsync)
            }
        }
        var acknowledged: [Set<UInt64>] = []
        for writer in writers { acknowledged.append(await writer.finish()) }
        try expectOnceAndInOrder(acknowledged, port)
        #expect(process.stop() == 0)
    }

    private func expectOnceAndInOrder(_ acknowledged: [Set<UInt64>], _ port: UInt16) throws {
        let client = try KafkaTestClient(port: port)
        var found = [Set<UInt64>](repeating: [], count: acknowledged.count)
        for partition in 0..<4 as Range<Int32> {
            var last = [Int64](repeating: -1, count: acknowledged.count)
            var offset: Int64 = 0
            while true {
                let values = try client.fetch("numbers", partition, from: offset).values()
                if values.isEmpty { break }
                offset += Int64(values.count)
                for value in values {
                    let words = value.split(separator: " ").compactMap { UInt64($0) }
                    let (name, number) = (Int(words[0]), words[1])
                    if Int64(number) <= last[name] {
                        Issue.record("\(value) comes behind \(last[name])")
                    }
                    last[name] = Int64(number)
                    found[name].insert(number)
                }
            }
        }
        for (name, numbers) in acknowledged.enumerated() {
            let lost = numbers.subtracting(found[name])
            #expect(lost.isEmpty, "writer \(name) lost \(lost.sorted().prefix(10))")
            #expect(found[name].subtracting(numbers).isEmpty)
        }
    }
}
