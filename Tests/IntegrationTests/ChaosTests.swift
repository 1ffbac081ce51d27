// kill -9 of every kind of process while events stream in, on the real executables.

import Foundation
import Synchronization
import TestSupport
import Testing

/// After any process was killed at any moment, counts are exactly the acknowledged events.
@Suite(.serialized) struct ChaosTests {
    /// How often each kind is killed; `make chaos` multiplies it.
    private static let rounds =
        ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "chaos" ? 12 : 3

    @Test(.timeLimit(.minutes(10)))
    func killingAnyProcessLosesAndDoublesNothing() async throws {
        let system = try await RunningSystem(
            arguments: ["--partitions", "3", "--workers", "2", "--stores", "2"])
        defer { system.discard() }
        let producer = NumberedProducer(api: KeenAPI(try system.endpoints()), collection: "chaos")
        producer.start(lanes: 3)
        for round in 0..<Self.rounds {
            for kind in ["log", "worker", "store", "query", "collector"] {
                await producer.flows("before \(kind) is killed, round \(round)")
                let old = try system.kill(kind)
                await eventually(within: .seconds(40), "\(kind) runs again") {
                    guard let new = try system.endpoints().pids[kind]?.first else { return false }
                    return new != old
                }
            }
        }
        await producer.flows("after the last kill")
        await producer.stop()
        try await expectExactly(producer)
    }

    /// A worker and a store that stand still for longer than the group waits, and then go on as if
    /// nothing had been: the worker's partitions are another's by then, the store has half a batch.
    @Test(.timeLimit(.minutes(10)))
    func frozenWorkersAndStoresComeBackAsStrangers() async throws {
        let system = try await RunningSystem(
            arguments: ["--partitions", "4", "--workers", "2", "--stores", "2"],
            environment: ["MILLRACE_WORKER_SESSION_TIMEOUT_MS": "6000"])
        defer { system.discard() }
        let producer = NumberedProducer(api: KeenAPI(try system.endpoints()), collection: "frozen")
        producer.start(lanes: 2)
        for round in 0..<(Self.rounds + 2) / 4 {
            await producer.flows("before the freeze, round \(round)")
            let worker = round % 2
            let thaws = [
                try system.freeze("worker", worker), try system.freeze("store", round / 2 % 2),
            ]
            defer { for thaw in thaws { thaw() } }
            await eventually(within: .seconds(40), "the other worker has all partitions") {
                try system.metric("worker_partitions", of: "worker", 1 - worker) == 4
            }
            await producer.flows("during the freeze")
            for thaw in thaws { thaw() }
            await eventually(within: .seconds(40), "both have partitions again") {
                try system.metric("worker_partitions", of: "worker", worker) == 2
            }
        }
        await producer.flows("after the last freeze")
        await producer.stop()
        try await expectExactly(producer)
    }

    /// Every acknowledged number is stored, every stored one once, and none was invented.
    private func expectExactly(_ producer: NumberedProducer) async throws {
        let (tally, api) = (producer.tally, producer.api)
        let collection = producer.collection
        let select =
            #"{"event_collection": "\#(collection)", "target_property": "number"}"#
        var stored: Set<Int> = []
        await eventually(within: .seconds(60), "every acknowledged event is stored") {
            stored = Set(try api.query("select_unique", select) as? [Int] ?? [])
            return stored.isSuperset(of: tally.acknowledged)
        }
        #expect(stored.isSubset(of: 0..<tally.attempted), "an event was invented")
        let lost = tally.acknowledged.subtracting(stored)
        #expect(lost.isEmpty, "lost: \(lost.sorted().prefix(20))")
        let count = try api.count(collection)
        #expect(count == stored.count, "\(count) events stored, \(stored.count) distinct numbers")
    }

    /// The supervisor itself may be killed: its processes go with it, and a new start goes on.
    @Test(.timeLimit(.minutes(5))) func killingTheSupervisorLosesNothing() async throws {
        let system = try await RunningSystem()
        defer { system.discard() }
        let before = try system.endpoints()
        for number in 0..<200 {
            #expect(try KeenAPI(before).record(#"{"n": \#(number)}"#, into: "kept").status == 201)
        }
        system.killSupervisor()
        try await system.startAgain()
        let after = try system.endpoints()
        #expect(after.project.id == before.project.id)
        #expect(after.project.writeKey == before.project.writeKey)
        await eventually("all events are there again") { try KeenAPI(after).count("kept") == 200 }
    }
}
