// JoinGroup and the join phase.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct JoinTests {
    @Test func dynamicMemberGetsItsIDFirst() {
        var world = World()
        let first = world.join(World.joinRequest())
        #expect(world.joined[first]?.error == .memberIDRequired)
        #expect(world.joined[first]?.memberID.hasPrefix("client-") == true)
        #expect(world.group()?.members.isEmpty == true)
    }

    @Test func olderVersionsJoinAtOnce() {
        var world = World()
        let join = world.join(World.joinRequest(), version: 3)
        #expect(world.joined[join] == nil)
        world.advance(.seconds(3))
        #expect(world.joined[join]?.error == KafkaErrorCode.none)
        #expect(world.joined[join]?.generationID == 1)
        #expect(world.joined[join]?.leader == world.joined[join]?.memberID)
    }

    @Test func badRequestsAreRefused() {
        var world = World()
        func error(_ request: JoinGroupRequest) -> KafkaErrorCode? {
            let id = world.join(request)
            return world.joined[id]?.error
        }
        #expect(error(World.joinRequest(group: "")) == .invalidGroupID)
        #expect(
            error(World.joinRequest(group: String(repeating: "x", count: 1025))) == .invalidGroupID)
        #expect(error(World.joinRequest(session: 999)) == .invalidSessionTimeout)
        #expect(error(World.joinRequest(session: 1_800_001)) == .invalidSessionTimeout)
        #expect(error(World.joinRequest(session: .min)) == .invalidSessionTimeout)
        #expect(error(World.joinRequest(protocols: [])) == .inconsistentGroupProtocol)
        #expect(error(World.joinRequest(type: "")) == .inconsistentGroupProtocol)
        #expect(error(World.joinRequest("nobody")) == .unknownMemberID)
        #expect(world.table.groups.isEmpty, "a refused join leaves a group behind")
    }

    @Test func refusalsHaveNullProtocolOnlyFromVersion7() {
        var world = World()
        for version: Int16 in 0...9 {
            let id = world.join(World.joinRequest(group: ""), version: version)
            #expect((world.joined[id]?.protocolName == nil) == (version >= 7))
        }
    }

    @Test func firstGenerationWaitsForNewcomersUpToTheRebalanceTimeout() {
        var world = World()
        let request = World.joinRequest(rebalance: 8_000)
        var joins: [GroupRequestID] = []
        for _ in 0..<4 {
            joins.append(world.enter(request).1)
            world.advance(.seconds(2))
        }
        // Began at 0; each look at 3, 6, 8: somebody new each time until the limit.
        #expect(joins.allSatisfy { world.joined[$0]?.generationID == 1 })
        #expect(world.group()?.members.count == 4)
    }

    @Test func firstGenerationEndsWhenNobodyNewCame() {
        var world = World()
        let join = world.enter().1
        world.advance(.milliseconds(2_999))
        #expect(world.joined[join] == nil)
        world.advance(.milliseconds(1))
        #expect(world.joined[join]?.generationID == 1)
    }

    @Test func onlyTheLeaderLearnsTheMembers() throws {
        var world = World()
        let joins = (0..<3).map { _ in world.enter() }
        world.advance(.seconds(10))
        let answers = joins.compactMap { world.joined[$0.1] }
        #expect(answers.map(\.leader) == Array(repeating: joins[0].0, count: 3))
        #expect(answers[0].members.map(\.memberID) == joins.map(\.0))
        #expect(answers[1].members.isEmpty && answers[2].members.isEmpty)
        #expect(answers.allSatisfy { $0.protocolName == "range" && $0.protocolType == "consumer" })
    }

    @Test func protocolIsSharedByAllAndLikedBestByMost() {
        var world = World()
        _ = world.enter(World.joinRequest(protocols: [("a", [1]), ("b", [2]), ("c", [3])]))
        _ = world.enter(World.joinRequest(protocols: [("x", [9]), ("b", [4]), ("a", [5])]))
        let last = world.enter(World.joinRequest(protocols: [("b", [6]), ("a", [7])])).1
        world.advance(.seconds(10))
        #expect(world.joined[last]?.protocolName == "b")
        #expect(world.group()?.ordered.map { $0.metadata(for: "b") } == [[2], [4], [6]])
    }

    @Test func memberWithoutASharedProtocolIsRefused() {
        var world = World()
        _ = world.enter(World.joinRequest(protocols: [("a", []), ("b", [])]))
        _ = world.enter(World.joinRequest(protocols: [("b", []), ("c", [])]))
        // "a" and "c" are each supported by somebody, but not by all.
        let other = world.join(World.joinRequest(protocols: [("a", []), ("c", [])]))
        #expect(world.joined[other]?.error == .inconsistentGroupProtocol)
        let connect = world.join(World.joinRequest(protocols: [("b", [])], type: "connect"))
        #expect(world.joined[connect]?.error == .inconsistentGroupProtocol)
    }

    @Test func followerThatJoinsAgainUnchangedGetsTheGenerationAtOnce() {
        var world = World()
        let members = world.stableGroup(2)
        let again = world.join(World.joinRequest(members[1]))
        #expect(world.joined[again]?.generationID == 1)
        #expect(world.group()?.state == .stable)
    }

    @Test func leaderThatJoinsAgainRebalances() {
        var world = World()
        let members = world.stableGroup(2)
        let leader = world.join(World.joinRequest(members[0]))
        #expect(world.group()?.state == .preparing)
        #expect(world.heartbeat(members[1], generation: 1) == .rebalanceInProgress)
        let follower = world.join(World.joinRequest(members[1]))
        #expect(world.joined[leader]?.generationID == 2)
        #expect(world.joined[follower]?.generationID == 2)
        #expect(world.joined[follower]?.leader == members[0])
    }

    @Test func changedSubscriptionRebalances() {
        var world = World()
        let members = world.stableGroup(2)
        _ = world.join(World.joinRequest(members[1], protocols: [("range", [7])]))
        #expect(world.group()?.state == .preparing)
    }

    @Test func joinThatLostItsAnswerGetsItAgain() {
        var world = World()
        let joins = [world.enter(), world.enter()]
        world.advance(.seconds(10))
        #expect(world.group()?.state == .completing)
        let leader = world.join(World.joinRequest(joins[0].0))
        #expect(world.joined[leader]?.generationID == 1)
        #expect(world.joined[leader]?.members.count == 2)
        let follower = world.join(World.joinRequest(joins[1].0))
        #expect(world.joined[follower]?.members.isEmpty == true)
        #expect(world.group()?.state == .completing)
    }

    @Test func secondJoinOfAWaitingMemberAnswersTheFirst() {
        var world = World()
        let (memberID, first) = world.enter()
        let second = world.join(World.joinRequest(memberID))
        #expect(world.joined[first]?.error == .rebalanceInProgress)
        world.advance(.seconds(10))
        #expect(world.joined[second]?.generationID == 1)
    }

    @Test func rebalanceTimeoutDropsWhoHasNotRejoined() {
        var world = World()
        let members = world.stableGroup(3)
        let leader = world.join(World.joinRequest(members[0]))
        let follower = world.join(World.joinRequest(members[1]))
        for _ in 0..<11 {
            world.advance(.seconds(5))
            #expect(world.heartbeat(members[2], generation: 1) == .rebalanceInProgress)
        }
        #expect(world.joined[leader] == nil)
        world.advance(.seconds(5))
        #expect(world.joined[leader]?.members.map(\.memberID) == [members[0], members[1]])
        #expect(world.joined[follower]?.generationID == 2)
        #expect(world.heartbeat(members[2], generation: 1) == .unknownMemberID)
    }

    @Test func leaderThatDoesNotRejoinIsReplaced() {
        var world = World()
        let members = world.stableGroup(2)
        #expect(world.leave(members[0]) == .none)
        let join = world.join(World.joinRequest(members[1]))
        #expect(world.joined[join]?.leader == members[1])
        #expect(world.joined[join]?.members.count == 1)
    }

    @Test func pendingMemberHoldsUpTheJoinPhaseUntilItExpires() {
        var world = World()
        let members = world.stableGroup(1)
        let promised = world.join(World.joinRequest(session: 5_000))
        #expect(world.joined[promised]?.error == .memberIDRequired)
        let join = world.join(World.joinRequest(members[0]))
        #expect(world.joined[join] == nil, "the generation began without the one that comes")
        world.advance(.seconds(5))
        #expect(world.joined[join]?.generationID == 2)
        // Too late.
        let late = world.join(World.joinRequest(world.joined[promised]?.memberID ?? ""))
        #expect(world.joined[late]?.error == .unknownMemberID)
    }

    @Test func abandonedIDLeavesNoGroupBehind() {
        var world = World()
        _ = world.join(World.joinRequest())
        world.advance(.seconds(11))
        #expect(world.table.groups.isEmpty)
    }

    @Test func groupIsBounded() {
        var configuration = GroupConfiguration()
        configuration.membersMax = 2
        var world = World(configuration)
        let promised = world.join(World.joinRequest())
        _ = world.stableGroup(2)
        let third = world.join(World.joinRequest())
        #expect(world.joined[third]?.error == .groupMaxSizeReached)
        // It got its id when there was room, but others were faster.
        let late = world.join(World.joinRequest(world.joined[promised]?.memberID ?? ""))
        #expect(world.joined[late]?.error == .groupMaxSizeReached)
    }

    @Test func subscriptionsAreBounded() {
        var world = World()
        let large = [UInt8](repeating: 0, count: 9 << 20)
        _ = world.enter(World.joinRequest(protocols: [("range", large)]))
        let second = world.join(World.joinRequest(protocols: [("range", large)]), version: 0)
        #expect(world.joined[second]?.error == .groupMaxSizeReached)
    }

    @Test func newMemberDoesNotWaitForever() {
        var world = World()
        let members = world.stableGroup(1)
        // The old member is alive and never rejoins, for longer than a new one may wait.
        _ = world.join(
            World.joinRequest(members[0], protocols: [("range", [2])], rebalance: 3_000_000))
        let promised = world.join(World.joinRequest(session: 1_800_000))
        let newcomer = world.join(World.joinRequest(), version: 3)
        world.advance(.seconds(300))
        #expect(world.joined[newcomer]?.error == .unknownMemberID)
        #expect(world.joined[promised]?.error == .memberIDRequired)
    }

    @Test func excessiveRebalanceTimeoutIsCut() {
        var world = World()
        let (memberID, _) = world.enter(World.joinRequest(rebalance: .max))
        #expect(world.group()?.members[memberID]?.rebalanceTimeout == .seconds(3600))
    }

    @Test func versionZeroUsesItsSessionTimeoutForRebalances() {
        var world = World()
        _ = world.join(World.joinRequest(session: 7_000, rebalance: -1), version: 0)
        #expect(world.group()?.rebalanceTimeout == .seconds(7))
    }
}
