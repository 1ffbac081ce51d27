// Describe, list and delete groups, and what a restart finds.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct AdminTests {
    private func describe(_ world: World, _ id: String = "g") -> DescribeGroupsResponse.Group? {
        var request = DescribeGroupsRequest()
        request.groups = [id]
        return world.table.describe(request).groups.first
    }

    private func delete(_ world: inout World, _ ids: String...) -> [KafkaErrorCode] {
        var request = DeleteGroupsRequest()
        request.groups = ids
        let answer = world.table.delete(request, at: world.time).response
        world.perform()
        return answer.groups.map(\.error)
    }

    @Test func describeShowsEveryState() {
        var world = World()
        #expect(describe(world)?.state == "Dead")
        #expect(describe(world)?.error == KafkaErrorCode.none)
        let (memberID, _) = world.enter(World.joinRequest(protocols: [("range", [4, 5])]))
        #expect(describe(world)?.state == "PreparingRebalance")
        world.advance(.seconds(3))
        #expect(describe(world)?.state == "CompletingRebalance")
        #expect(describe(world)?.members.map(\.memberID) == [memberID])
        #expect(describe(world)?.members.first?.metadata == [])
        _ = world.sync(memberID, generation: 1, assignments: [(memberID, [6])])
        let stable = describe(world)
        #expect(stable?.state == "Stable")
        #expect(stable?.protocolType == "consumer" && stable?.protocolName == "range")
        #expect(stable?.members.first?.metadata == [4, 5])
        #expect(stable?.members.first?.assignment == [6])
        #expect(stable?.members.first?.clientID == "client")
        #expect(stable?.members.first?.clientHost == "127.0.0.1")
        _ = world.leave(memberID)
        #expect(describe(world)?.state == "Empty")
        #expect(describe(world)?.members.isEmpty == true)
        #expect(describe(world, "")?.error == .invalidGroupID)
    }

    @Test func authorizedOperationsOnlyWhenAsked() {
        var world = World()
        _ = world.commitOffset(1)
        var request = DescribeGroupsRequest()
        request.groups = ["g"]
        #expect(world.table.describe(request).groups.first?.authorizedOperations == .min)
        request.includeAuthorizedOperations = true
        #expect(world.table.describe(request).groups.first?.authorizedOperations == 0xD48)
    }

    @Test func listFiltersByStateAndType() {
        var world = World()
        _ = world.stableGroup(1)
        _ = world.commit(World.commitRequest(offsets: [("t", 0, 1)], group: "simple"))
        func list(states: [String] = [], types: [String] = []) -> [String] {
            var request = ListGroupsRequest()
            request.states = states
            request.types = types
            return world.table.list(request).groups.map { "\($0.groupID) \($0.state) \($0.type)" }
        }
        #expect(list() == ["g Stable classic", "simple Empty classic"])
        #expect(list(states: ["sTaBlE"]) == ["g Stable classic"])
        #expect(list(states: ["Dead"]) == [])
        #expect(list(states: ["empty", "stable"]).count == 2)
        #expect(list(types: ["CLASSIC"]).count == 2)
        #expect(list(types: ["consumer"]) == [])
    }

    @Test func onlyEmptyGroupsAreDeleted() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 5)
        #expect(
            delete(&world, "g", "unknown", "") == [
                .nonEmptyGroup, .groupIDNotFound, .invalidGroupID,
            ])
        _ = world.leave(member)
        #expect(delete(&world, "g") == [.none])
        #expect(world.table.groups.isEmpty)
        #expect(world.restarted().table.groups.isEmpty)
    }

    @Test func commitOnItsWayDoesNotBringADeletedGroupBack() {
        var world = World()
        world.appendsAtOnce = false
        _ = world.commitOffset(5)
        #expect(delete(&world, "g") == [.none])
        while !world.underWay.isEmpty { world.endAppend() }
        #expect(world.table.groups.isEmpty)
        #expect(world.restarted().table.groups.isEmpty)
    }

    @Test func failureOfTheDiskIsTold() {
        var response = DeleteGroupsResponse()
        response.groups = [DeleteGroupsResponse.Group(), DeleteGroupsResponse.Group()]
        response.groups[1].error = .nonEmptyGroup
        let failed = response.failing(.coordinatorNotAvailable)
        #expect(failed.groups.map(\.error) == [.coordinatorNotAvailable, .nonEmptyGroup])
    }

    @Test func groupComesBackEmptyAndItsGenerationsCountOn() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 5)
        var restarted = world.restarted()
        #expect(describe(restarted)?.state == "Empty")
        #expect(describe(restarted)?.protocolType == "consumer")
        #expect(restarted.fetch() == 5)
        #expect(restarted.heartbeat(member, generation: 1) == .unknownMemberID)
        #expect(restarted.commitOffset(member, generation: 1, 6) == .unknownMemberID)
        let join = restarted.enter().1
        restarted.advance(.seconds(3))
        #expect(restarted.joined[join]?.generationID == 2)
    }

    @Test func recordOfTheGroupIsWhatToolsRead() throws {
        var world = World()
        let member = world.enter(World.joinRequest(protocols: [("range", [4])])).0
        world.advance(.seconds(3))
        _ = world.sync(member, generation: 1, assignments: [(member, [6])])
        let record = try #require(world.log.last)
        let key = try decodeVersioned(GroupMetadataKey.self, versions: 2...2, record.key)
        #expect(key?.groupID == "g")
        let value = try decodeVersioned(
            GroupMetadataValue.self, versions: 3...3, try #require(record.value))
        #expect(value?.generation == 1 && value?.leader == member)
        #expect(value?.protocolType == "consumer" && value?.protocolName == "range")
        #expect(value?.stateTimestamp == world.time.wallMilliseconds)
        #expect(value?.members.first?.clientID == "client")
        #expect(value?.members.first?.sessionTimeoutMilliseconds == 10_000)
        #expect(value?.members.first?.rebalanceTimeoutMilliseconds == 60_000)
        #expect(value?.members.first?.subscription == [4])
        #expect(value?.members.first?.assignment == [6])
        _ = world.leave(member)
        let last = try decodeVersioned(
            GroupMetadataValue.self, versions: 3...3, try #require(world.log.last?.value))
        #expect(last?.members.isEmpty == true && last?.leader == nil && last?.generation == 2)
    }

    @Test func damagedRecordsAreSkipped() throws {
        var world = World()
        _ = world.commitOffset(5)
        let good = world.log[0]
        let bad: [OffsetsRecord] = [
            ([], nil), ([0], nil), ([0, 9, 1], [1]), ([0, 1, 0, 5, 65], nil), (good.key, []),
            (good.key, [0, 77]), (good.key, Array(try #require(good.value).dropLast())),
            ([0, 2, 0, 1, 65], [0, 3, 1]),
        ]
        for record in bad {
            let isKnown = world.table.load(record, at: world.time)
            #expect(!isKnown)
        }
        #expect(world.fetch() == 5)
    }

    @Test func groupsAreBounded() {
        var world = World()
        for number in 0..<10_000 {
            _ = world.commit(World.commitRequest(offsets: [("t", 0, 1)], group: "\(number)"))
        }
        #expect(
            world.commit(World.commitRequest(offsets: [("t", 0, 1)], group: "one more"))
                == [.policyViolation])
        let join = world.join(World.joinRequest(group: "one more"))
        #expect(world.joined[join]?.error == .policyViolation)
        #expect(world.commit(World.commitRequest(offsets: [("t", 0, 1)], group: "7")) == [.none])
    }
}
