// SyncGroup, Heartbeat, LeaveGroup and sessions.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct MemberTests {
    @Test func leaderDistributesAndWhoeverItLeftOutGetsNothing() {
        var world = World()
        let joins = (0..<3).map { _ in world.enter() }
        world.advance(.seconds(10))
        let early = world.sync(joins[1].0, generation: 1)
        #expect(world.synced[early] == nil)
        let leader = world.sync(
            joins[0].0, generation: 1,
            assignments: [(joins[0].0, [7]), (joins[1].0, [8]), ("stranger", [9])])
        #expect(world.synced[leader]?.assignment == [7])
        #expect(world.synced[early]?.assignment == [8])
        #expect(world.synced[early]?.protocolName == "range")
        let late = world.sync(joins[2].0, generation: 1)
        #expect(world.synced[late]?.error == KafkaErrorCode.none)
        #expect(world.synced[late]?.assignment == [])
    }

    @Test func syncIsFenced() {
        var world = World()
        let members = world.stableGroup(2)
        func error(_ id: GroupRequestID) -> KafkaErrorCode? { world.synced[id]?.error }
        #expect(error(world.sync("nobody", generation: 1)) == .unknownMemberID)
        #expect(error(world.sync(members[0], generation: 0)) == .illegalGeneration)
        #expect(error(world.sync(members[0], generation: 1, group: "other")) == .unknownMemberID)
        #expect(error(world.sync(members[0], generation: 1, group: "")) == .invalidGroupID)
        #expect(
            error(world.sync(members[0], generation: 1, type: "connect"))
                == .inconsistentGroupProtocol)
        #expect(
            error(world.sync(members[0], generation: 1, name: "sticky"))
                == .inconsistentGroupProtocol)
        #expect(
            error(world.sync(members[0], generation: 1, type: "consumer", name: "range"))
                == KafkaErrorCode.none)
    }

    @Test func rebalanceEndsWaitingSyncs() {
        var world = World()
        let joins = (0..<2).map { _ in world.enter() }
        world.advance(.seconds(10))
        let waiting = world.sync(joins[1].0, generation: 1)
        _ = world.enter()
        #expect(world.synced[waiting]?.error == .rebalanceInProgress)
        let during = world.sync(joins[1].0, generation: 1)
        #expect(world.synced[during]?.error == .rebalanceInProgress)
    }

    @Test func secondSyncOfAWaitingMemberAnswersTheFirst() {
        var world = World()
        let joins = (0..<2).map { _ in world.enter() }
        world.advance(.seconds(10))
        let first = world.sync(joins[1].0, generation: 1)
        let second = world.sync(joins[1].0, generation: 1)
        #expect(world.synced[first]?.error == .rebalanceInProgress)
        _ = world.sync(joins[0].0, generation: 1, assignments: [(joins[1].0, [5])])
        #expect(world.synced[second]?.assignment == [5])
    }

    @Test func whoDoesNotSyncInTimeIsRemoved() {
        var world = World()
        let joins = (0..<2).map { _ in world.enter() }
        world.advance(.seconds(10))
        let follower = world.sync(joins[1].0, generation: 1)
        for _ in 0..<12 {
            world.advance(.seconds(5))
            _ = world.heartbeat(joins[0].0, generation: 1)
        }
        #expect(world.synced[follower]?.error == .rebalanceInProgress)
        let again = world.join(World.joinRequest(joins[1].0))
        #expect(world.joined[again]?.leader == joins[1].0)
        #expect(world.joined[again]?.members.count == 1)
    }

    @Test func assignmentsAreBounded() {
        var world = World()
        let (memberID, _) = world.enter()
        world.advance(.seconds(10))
        let large = [UInt8](repeating: 0, count: (16 << 20) + 1)
        let sync = world.sync(memberID, generation: 1, assignments: [(memberID, large)])
        #expect(world.synced[sync]?.error == .invalidRequest)
    }

    // MARK: Heartbeats

    @Test func heartbeatSaysHowTheGroupIs() {
        var world = World()
        #expect(world.heartbeat("nobody", generation: 1) == .unknownMemberID)
        let joins = (0..<2).map { _ in world.enter() }
        world.advance(.seconds(10))
        #expect(world.heartbeat(joins[0].0, generation: 1) == .none, "while assignments are made")
        #expect(world.heartbeat(joins[0].0, generation: 0) == .illegalGeneration)
        #expect(world.heartbeat(joins[0].0, generation: 2) == .illegalGeneration)
        #expect(world.heartbeat("nobody", generation: 1) == .unknownMemberID)
        _ = world.sync(joins[0].0, generation: 1)
        #expect(world.heartbeat(joins[0].0, generation: 1) == .none)
        _ = world.join(World.joinRequest(joins[0].0))
        #expect(world.heartbeat(joins[1].0, generation: 1) == .rebalanceInProgress)
    }

    @Test func heartbeatKeepsTheSessionAlive() {
        var world = World()
        let members = world.stableGroup(2)
        for _ in 0..<10 {
            world.advance(.seconds(9))
            for member in members { #expect(world.heartbeat(member, generation: 1) == .none) }
        }
        #expect(world.group()?.state == .stable)
    }

    @Test func silentMemberIsRemovedAndTheOthersRebalance() {
        var world = World()
        let members = world.stableGroup(2)
        world.advance(.seconds(6))
        #expect(world.heartbeat(members[1], generation: 1) == .none)
        world.advance(.seconds(5))
        #expect(world.heartbeat(members[1], generation: 1) == .rebalanceInProgress)
        #expect(world.group()?.members.keys.sorted() == [members[1]])
    }

    @Test func sessionDoesNotRunWhileTheMemberWaits() {
        var world = World()
        let members = world.stableGroup(2)
        let join = world.join(World.joinRequest(members[0]))
        for _ in 0..<5 {
            world.advance(.seconds(9))
            #expect(world.heartbeat(members[1], generation: 1) == .rebalanceInProgress)
        }
        #expect(world.joined[join] == nil)
        _ = world.join(World.joinRequest(members[1]))
        #expect(world.joined[join]?.generationID == 2)
    }

    // MARK: Leaving

    @Test func leavingRebalancesAtOnce() {
        var world = World()
        let members = world.stableGroup(2)
        #expect(world.leave(members[1]) == .none)
        #expect(world.heartbeat(members[0], generation: 1) == .rebalanceInProgress)
        #expect(world.leave(members[1]) == .unknownMemberID)
    }

    @Test func lastToLeaveEmptiesTheGroup() {
        var world = World()
        let members = world.stableGroup(1)
        #expect(world.leave(members[0], version: 0) == .none)
        #expect(world.group()?.state == .empty)
        #expect(world.group()?.generation == 2)
        #expect(world.heartbeat(members[0], generation: 2) == .unknownMemberID)
    }

    @Test func severalLeaveEachWithItsOwnOutcome() {
        var world = World()
        let members = world.stableGroup(3)
        let outcome = world.leave(
            members: [(members[0], nil), ("nobody", nil), ("", "no instance"), (members[1], nil)])
        #expect(outcome == [.none, .unknownMemberID, .unknownMemberID, .none])
        #expect(world.group()?.members.count == 1)
    }

    @Test func pendingMemberMayLeave() {
        var world = World()
        let members = world.stableGroup(1)
        let promised = world.join(World.joinRequest())
        let join = world.join(World.joinRequest(members[0]))
        #expect(world.leave(world.joined[promised]?.memberID ?? "") == .none)
        #expect(world.joined[join]?.generationID == 2)
    }

    @Test func leavingWhileWaitingAnswersTheWait() {
        var world = World()
        let members = world.stableGroup(2)
        let join = world.join(World.joinRequest(members[0]))
        #expect(world.leave(members[0]) == .none)
        #expect(world.joined[join]?.error == .unknownMemberID)
        let joins = (0..<1).map { _ in world.join(World.joinRequest(members[1])) }
        let waiting = world.sync(members[1], generation: 2)
        #expect(world.joined[joins[0]]?.generationID == 2)
        #expect(world.synced[waiting]?.error == KafkaErrorCode.none, "the leader's own sync")
    }

    @Test func shutdownAnswersEverything() {
        var world = World()
        let join = world.enter().1
        let other = World.joinRequest(group: "other")
        _ = world.join(other, version: 0)
        _ = world.join(other, version: 0)
        world.advance(.seconds(7))
        let follower = world.table.groups["other"]?.ordered.last?.id ?? ""
        let sync = world.sync(follower, generation: 1, group: "other")
        world.table.shutdown(at: world.time)
        world.perform()
        #expect(world.joined[join]?.generationID == 1)
        #expect(world.synced[sync]?.error == .coordinatorNotAvailable)
    }
}
