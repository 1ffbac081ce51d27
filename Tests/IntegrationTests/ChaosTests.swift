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
        try await expectExactly(producer.tally, producer.api)
    }

    /// Every acknowledged number is stored, every stored one once, and none was invented.
    private func expectExactly(_ tally: NumberedProducer.Tally, _ api: KeenAPI) async throws {
        let select = #"{"event_collection": "chaos", "target_property": "number"}"#
        var stored: Set<Int> = []
        await eventually(within: .seconds(60), "every acknowledged event is stored") {
            stored = Set(try api.query("select_unique", select) as? [Int] ?? [])
            return stored.isSuperset(of: tally.acknowledged)
        }
        #expect(stored.isSubset(of: 0..<tally.attempted), "an event was invented")
        let lost = tally.acknowledged.subtracting(stored)
        #expect(lost.isEmpty, "lost: \(lost.sorted().prefix(20))")
        let count = try api.count("chaos")
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
