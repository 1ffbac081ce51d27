// Static membership: members that keep their place while they restart.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct StaticMemberTests {
    private func join(
        _ world: inout World, _ instance: String, _ memberID: String = "", version: Int16 = 5,
        protocols: [(String, [UInt8])] = [("range", [1])]
    ) -> GroupRequestID {
        world.join(
            World.joinRequest(memberID, instance: instance, protocols: protocols), version: version)
    }

    /// Two static members, "a" leads; their member ids.
    private func stable(_ world: inout World) -> [String] {
        let joins = ["a", "b"].map { join(&world, $0) }
        world.advance(.seconds(10))
        let ids = joins.map { world.joined[$0]?.memberID ?? "" }
        _ = world.sync(ids[1], generation: 1, instance: "b")
        _ = world.sync(
            ids[0], generation: 1, instance: "a", assignments: [(ids[0], [1]), (ids[1], [2])])
        #expect(world.group()?.state == .stable)
        return ids
    }

    @Test func joinsWithoutTheSecondStep() {
        var world = World()
        let first = join(&world, "a")
        #expect(world.joined[first] == nil)
        world.advance(.seconds(3))
        #expect(world.joined[first]?.generationID == 1)
        #expect(world.joined[first]?.memberID.hasPrefix("a-") == true)
        #expect(world.joined[first]?.members.first?.groupInstanceID == "a")
    }

    @Test func emptyInstanceIDIsRefused() {
        var world = World()
        let id = join(&world, "")
        #expect(world.joined[id]?.error == .invalidRequest)
    }

    @Test func followerThatRestartsKeepsItsAssignment() {
        var world = World()
        let ids = stable(&world)
        let again = join(&world, "b")
        let answer = world.joined[again]
        #expect(answer?.generationID == 1 && answer?.error == KafkaErrorCode.none)
        #expect(answer?.memberID != ids[1])
        #expect(world.group()?.state == .stable)
        let sync = world.sync(answer?.memberID ?? "", generation: 1, instance: "b")
        #expect(world.synced[sync]?.assignment == [2])
    }

    @Test func oldIDIsFenced() {
        var world = World()
        let ids = stable(&world)
        _ = join(&world, "b")
        #expect(world.heartbeat(ids[1], generation: 1, instance: "b") == .fencedInstanceID)
        #expect(world.heartbeat(ids[1], generation: 1) == .unknownMemberID)
        #expect(world.heartbeat(ids[1], generation: 1, instance: "c") == .unknownMemberID)
        let rejoin = join(&world, "b", ids[1])
        #expect(world.joined[rejoin]?.error == .fencedInstanceID)
        let sync = world.sync(ids[1], generation: 1, instance: "b")
        #expect(world.synced[sync]?.error == .fencedInstanceID)
        var commit = World.commitRequest(ids[1], generation: 1, offsets: [("t", 0, 1)])
        commit.groupInstanceID = "b"
        #expect(world.commit(commit) == [.fencedInstanceID])
        #expect(world.leave(members: [(ids[1], "b")]) == [.fencedInstanceID])
    }

    @Test func waitingRequestsOfTheOldIDAreFenced() {
        var world = World()
        let first = join(&world, "a")
        let second = join(&world, "a")
        #expect(world.joined[first]?.error == .fencedInstanceID)
        world.advance(.seconds(3))
        #expect(world.joined[second]?.generationID == 1)
        #expect(world.group()?.members.count == 1)
    }

    @Test func waitingSyncOfTheOldIDIsFencedAndTheGroupRebalances() {
        var world = World()
        let joins = ["a", "b"].map { join(&world, $0) }
        world.advance(.seconds(10))
        let sync = world.sync(
            world.joined[joins[1]]?.memberID ?? "", generation: 1, instance: "b")
        let again = join(&world, "b")
        #expect(world.synced[sync]?.error == .fencedInstanceID)
        #expect(world.joined[again] == nil)
        #expect(world.group()?.state == .preparing)
    }

    @Test func leaderThatRestartsIsToldNotToAssign() {
        var world = World()
        let ids = stable(&world)
        let new = join(&world, "a", version: 9)
        #expect(world.joined[new]?.skipAssignment == true)
        #expect(world.joined[new]?.leader == world.joined[new]?.memberID)
        #expect(world.joined[new]?.members.count == 2)
        let follower = join(&world, "b", version: 9)
        #expect(world.joined[follower]?.skipAssignment == false)
        #expect(world.joined[follower]?.members.isEmpty == true)
        // Before version 9 it learns that somebody else leads.
        let old = join(&world, "a", version: 8)
        #expect(world.joined[old]?.skipAssignment == false)
        #expect(world.joined[old]?.leader == world.joined[new]?.memberID)
        #expect(world.joined[old]?.members.isEmpty == true)
        #expect(world.group()?.leader == world.joined[old]?.memberID)
        #expect(world.group()?.leader != ids[0])
    }

    @Test func changeOfTheChosenProtocolRebalances() {
        var world = World()
        let protocols: [(String, [UInt8])] = [("range", [1]), ("sticky", [2])]
        let joins = ["a", "b"].map { join(&world, $0, protocols: protocols) }
        world.advance(.seconds(10))
        _ = world.sync(
            world.joined[joins[0]]?.memberID ?? "", generation: 1, instance: "a")
        #expect(world.group()?.protocolName == "range")
        let again = join(&world, "b", protocols: [("sticky", [2])])
        #expect(world.joined[again] == nil)
        #expect(world.group()?.state == .preparing)
    }

    @Test func keepsItsPlaceThroughARebalanceUntilItsSessionEnds() {
        var world = World()
        let ids = stable(&world)
        let leader = world.join(
            World.joinRequest(ids[0], instance: "a", session: 10_000, rebalance: 5_000))
        #expect(world.group()?.state == .preparing)
        // The other's own rebalance timeout rules; it never comes, and never beats.
        world.advance(.seconds(9))
        #expect(world.group()?.members.count == 2)
        world.advance(.seconds(1))
        #expect(world.joined[leader]?.members.map(\.groupInstanceID) == ["a"])
    }

    @Test func staysInTheGenerationIfItsSessionIsLongerThanTheRebalance() {
        var world = World()
        let request = { (instance: String) in
            World.joinRequest(instance: instance, session: 100_000, rebalance: 5_000)
        }
        let joins = ["a", "b"].map { world.join(request($0)) }
        world.advance(.seconds(6))
        let ids = joins.map { world.joined[$0]?.memberID ?? "" }
        for (id, name) in zip(ids.reversed(), ["b", "a"]) {
            _ = world.sync(id, generation: 1, instance: name)
        }
        var again = request("a")
        again.memberID = ids[0]
        let leader = world.join(again)
        world.advance(.seconds(5))
        #expect(world.joined[leader]?.members.count == 2)
        // It has not synced in time either: then it is gone.
        _ = world.sync(ids[0], generation: 2, instance: "a")
        world.advance(.seconds(5))
        #expect(world.group()?.members.keys.sorted() == [ids[0]])
    }

    @Test func operatorRemovesItByName() {
        var world = World()
        let ids = stable(&world)
        #expect(world.leave(members: [("", "b")]) == [.none])
        #expect(world.group()?.members.keys.sorted() == [ids[0]])
        #expect(world.leave(members: [("", "b")]) == [.unknownMemberID])
    }

    @Test func joinPhaseGoesOnWhileOnlyStaticMembersAreMissing() {
        var world = World()
        let ids = stable(&world)
        #expect(world.leave(members: [("", "b")]) == [.none])
        for _ in 0..<20 {
            world.advance(.seconds(8))
            #expect(
                world.heartbeat(ids[0], generation: 1, instance: "a") == .rebalanceInProgress)
        }
        let join = world.join(World.joinRequest(ids[0], instance: "a"))
        #expect(world.joined[join]?.generationID == 2)
    }
}
