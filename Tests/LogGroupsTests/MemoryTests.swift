// What all groups take together is counted, and bounded.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct MemoryTests {
    private static func world(_ bytesMax: Int) -> World {
        var configuration = GroupConfiguration()
        configuration.bytesMax = bytesMax
        return World(configuration)
    }

    /// New offsets are refused with a clear error; those that are there are still moved.
    @Test func offsetsBeyondTheBoundAreRefused() {
        var world = Self.world(20_000)
        var last = KafkaErrorCode.none
        var groups = 0
        while last == .none, groups < 1000 {
            groups += 1
            let request = World.commitRequest(
                offsets: [("t", 0, 1)], metadata: String(repeating: "m", count: 500),
                group: "g\(groups)")
            last = world.commit(request).first ?? .none
        }
        #expect(last == .policyViolation)
        #expect((10..<30).contains(groups))
        #expect(world.fetch("g1") == 1)
        let again = World.commitRequest(offsets: [("t", 0, 2)], metadata: "short", group: "g1")
        #expect(world.commit(again) == [.none])
        #expect(world.fetch("g1") == 2)
    }

    @Test func membersBeyondTheBoundAreRefused() {
        var world = Self.world(20_000)
        let large = World.joinRequest(protocols: [("range", [UInt8](repeating: 1, count: 30_000))])
        let refused = world.join(large)
        #expect(world.joined[refused]?.error == .policyViolation)
        let members = world.stableGroup(1)
        let assignments = [(members[0], [UInt8](repeating: 1, count: 30_000))]
        let sync = world.sync(members[0], generation: 1, assignments: assignments)
        #expect(world.synced[sync]?.error == .policyViolation)
        #expect(world.heartbeat(members[0], generation: 1) == .none)
    }

    /// What is taken is given back.
    @Test func nothingIsLeftOfWhatIsGone() {
        var world = Self.world(1 << 20)
        #expect(world.table.byteCount == 0)
        let members = world.stableGroup(3)
        let held = world.table.byteCount
        #expect(held > 1500)
        #expect(world.commitOffset(members[0], generation: 1, 7) == KafkaErrorCode.none)
        #expect(world.table.byteCount > held)
        for member in members { _ = world.leave(member) }
        #expect(world.table.byteCount < held)
        world.advance(.seconds(30 * 24 * 3600))
        world.table.expire(at: world.time)
        world.perform()
        #expect(world.group() == nil)
        #expect(world.table.byteCount == 0)
    }
}
