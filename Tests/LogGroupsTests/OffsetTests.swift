// Commit, fetch, delete and expire offsets, and find them again after a restart.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct OffsetTests {
    // MARK: Who may commit

    @Test func simpleConsumerCommitsWithoutAGroup() {
        var world = World()
        #expect(world.commitOffset(7) == KafkaErrorCode.none)
        #expect(world.fetch() == 7)
        #expect(world.group()?.state == .empty)
    }

    @Test func simpleCommitIsRefusedWhileThereAreMembers() {
        var world = World()
        _ = world.stableGroup(1)
        #expect(world.commitOffset(7) == .unknownMemberID)
        #expect(world.fetch() == -1)
    }

    @Test func membersCommitIsFenced() {
        var world = World()
        #expect(world.commitOffset("nobody", generation: 1, 7) == .illegalGeneration)
        let members = world.stableGroup(1)
        #expect(world.commitOffset(members[0], generation: 0, 7) == .illegalGeneration)
        #expect(world.commitOffset(members[0], generation: 2, 7) == .illegalGeneration)
        #expect(world.commitOffset(members[0], generation: -1, 7) == .illegalGeneration)
        #expect(world.commitOffset("nobody", generation: 1, 7) == .unknownMemberID)
        #expect(world.commitOffset("", generation: 1, 7) == .unknownMemberID)
        #expect(world.fetch() == -1)
        #expect(world.commitOffset(members[0], generation: 1, 7) == KafkaErrorCode.none)
        #expect(world.fetch() == 7)
    }

    @Test func commitIsAllowedWhileTheGroupPreparesButNotWhileItCompletes() {
        var world = World()
        let members = world.stableGroup(2)
        _ = world.leave(members[1])
        #expect(world.group()?.state == .preparing)
        #expect(world.commitOffset(members[0], generation: 1, 7) == KafkaErrorCode.none)
        _ = world.join(World.joinRequest(members[0]))
        #expect(world.group()?.state == .completing)
        #expect(world.commitOffset(members[0], generation: 2, 8) == .rebalanceInProgress)
        #expect(world.fetch() == 7)
    }

    @Test func commitKeepsTheSessionAlive() {
        var world = World()
        let members = world.stableGroup(1)
        for offset: Int64 in 0..<5 {
            world.advance(.seconds(9))
            #expect(world.commitOffset(members[0], generation: 1, offset) == KafkaErrorCode.none)
        }
    }

    // MARK: What is kept

    @Test func badPartitionsAreRefusedAloneAndTheRestIsKept() {
        var world = World()
        let request = World.commitRequest(
            offsets: [("t", 0, 1), ("t", 9, 2), ("missing", 0, 3), ("u", 3, 4)])
        #expect(
            world.commit(request)
                == [.none, .unknownTopicOrPartition, .unknownTopicOrPartition, .none])
        #expect(world.fetch("g", "u", 3) == 4)
        #expect(world.log.count == 2)
    }

    @Test func textComesBackAndIsBounded() {
        var world = World()
        let text = String(repeating: "ä", count: 2048)
        #expect(
            world.commit(World.commitRequest(offsets: [("t", 0, 1)], metadata: text)) == [.none])
        #expect(
            world.commit(World.commitRequest(offsets: [("t", 1, 1)], metadata: text + "x"))
                == [.offsetMetadataTooLarge])
        var request = OffsetFetchRequest()
        request.groupID = "g"
        let partition = world.table.fetch(request, version: 5).topics.first?.partitions.first
        #expect(partition?.metadata == text)
        #expect(partition?.committedLeaderEpoch == 3)
    }

    @Test func commitIsVisibleWhenItIsDurable() {
        var world = World()
        world.appendsAtOnce = false
        let answer = world.table.commit(
            World.commitRequest(offsets: [("t", 0, 5)]), at: world.time)
        world.perform()
        #expect(answer.append != nil)
        #expect(world.fetch() == -1)
        world.endAppend()
        #expect(world.fetch() == 5)
    }

    @Test func failedCommitChangesNothing() {
        var world = World()
        _ = world.commitOffset(5)
        world.appendsAtOnce = false
        _ = world.commitOffset(6)
        world.endAppend(isDurable: false)
        #expect(world.fetch() == 5)
    }

    @Test func laterCommitCountsEvenIfItIsReportedFirst() {
        var world = World()
        world.appendsAtOnce = false
        _ = world.commitOffset(5)
        _ = world.commitOffset(6)
        world.endAppend(at: 1)
        #expect(world.fetch() == 6)
        world.endAppend()
        #expect(world.fetch() == 6)
    }

    @Test func laterCommitThatFailedDoesNotHideTheEarlierOne() {
        var world = World()
        world.appendsAtOnce = false
        _ = world.commitOffset(5)
        _ = world.commitOffset(6)
        world.endAppend(at: 1, isDurable: false)
        world.endAppend()
        #expect(world.fetch() == 5)
    }

    // MARK: Fetch

    @Test func fetchOfNothingIsMinusOne() {
        let world = World()
        var request = OffsetFetchRequest()
        request.groupID = "g"
        #expect(world.table.fetch(request, version: 7).topics.isEmpty)
        #expect(world.table.fetch(request, version: 7).error == .none)
        var topic = OffsetFetchRequest.Topic()
        topic.name = "t"
        topic.partitions = [0]
        request.topics = [topic]
        let partition = world.table.fetch(request, version: 7).topics.first?.partitions.first
        #expect(partition?.committedOffset == -1)
        #expect(partition?.metadata == "")
        #expect(partition?.error == KafkaErrorCode.none)
    }

    @Test func fetchOfAllTopicsAndOfSeveralGroups() {
        var world = World()
        _ = world.commit(World.commitRequest(offsets: [("b", 1, 1), ("a", 0, 2), ("b", 0, 3)]))
        _ = world.commit(World.commitRequest(offsets: [("c", 0, 4)], group: "h"))
        var request = OffsetFetchRequest()
        request.groups = ["g", "h", "unknown", ""].map { id in
            var group = OffsetFetchRequest.Group()
            group.groupID = id
            return group
        }
        let groups = world.table.fetch(request, version: 9).groups
        #expect(groups.map(\.groupID) == ["g", "h", "unknown", ""])
        #expect(groups[0].topics.map(\.name) == ["a", "b"])
        #expect(groups[0].topics[1].partitions.map(\.committedOffset) == [3, 1])
        #expect(groups[1].topics.first?.partitions.first?.committedOffset == 4)
        #expect(groups[2].topics.isEmpty && groups[2].error == .none)
        #expect(groups[3].error == .invalidGroupID)
    }

    @Test func fetchErrorsStandWhereTheVersionHasThem() {
        var request = OffsetFetchRequest()
        var topic = OffsetFetchRequest.Topic()
        topic.name = "t"
        topic.partitions = [0, 1]
        request.topics = [topic]
        request.groups = [OffsetFetchRequest.Group()]
        let make = { OffsetFetchResponse(request, version: $0, error: .coordinatorNotAvailable) }
        #expect(make(1).topics[0].partitions.map(\.error.rawValue) == [15, 15])
        #expect(make(2).error == .coordinatorNotAvailable)
        #expect(make(8).groups.map(\.error.rawValue) == [15])
    }

    // MARK: Delete

    private func deletion(_ topic: String, _ partition: Int32 = 0) -> OffsetDeleteRequest {
        var request = OffsetDeleteRequest()
        request.groupID = "g"
        var asked = OffsetDeleteRequest.Topic()
        asked.name = topic
        asked.partitions = [partition]
        request.topics = [asked]
        return request
    }

    private func delete(_ world: inout World, _ topic: String) -> (KafkaErrorCode, KafkaErrorCode?)
    {
        let answer = world.table.deleteOffsets(deletion(topic), at: world.time).response
        world.perform()
        return (answer.error, answer.topics.first?.partitions.first?.error)
    }

    /// The subscription of a consumer: version 1, topics, no user data, more that nobody reads.
    static func subscription(_ topics: String...) -> [UInt8] {
        var bytes: [UInt8] = [0, 1, 0, 0, 0, UInt8(topics.count)]
        for topic in topics { bytes += [0, UInt8(topic.utf8.count)] + Array(topic.utf8) }
        return bytes + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
    }

    @Test func offsetsOfAnEmptyGroupAreDeleted() {
        var world = World()
        #expect(delete(&world, "t").0 == .groupIDNotFound)
        _ = world.commit(World.commitRequest(offsets: [("t", 0, 1), ("u", 0, 2)]))
        #expect(delete(&world, "t") == (.none, .some(.none)))
        #expect(world.fetch() == -1)
        #expect(world.fetch("g", "u") == 2)
        #expect(delete(&world, "t") == (.none, .some(.none)), "again is no error")
        #expect(delete(&world, "missing") == (.none, .unknownTopicOrPartition))
        #expect(world.restarted().fetch() == -1)
        #expect(world.restarted().fetch("g", "u") == 2)
    }

    @Test func offsetsOfReadTopicsAreNotDeleted() {
        var world = World()
        let member = world.enter(
            World.joinRequest(protocols: [("range", Self.subscription("t", "v"))])
        ).0
        world.advance(.seconds(3))
        _ = world.sync(member, generation: 1)
        _ = world.commit(
            World.commitRequest(member, generation: 1, offsets: [("t", 0, 1), ("u", 0, 2)]))
        #expect(delete(&world, "t") == (.none, .groupSubscribedToTopic))
        #expect(delete(&world, "u") == (.none, .some(.none)))
        #expect(world.fetch() == 1)
        #expect(world.fetch("g", "u") == -1)
    }

    @Test func unreadableSubscriptionCountsAsReadingEverything() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 1)
        #expect(delete(&world, "t") == (.none, .groupSubscribedToTopic))
    }

    @Test func otherKindsOfGroupsAreNotTouched() {
        var world = World()
        _ = world.enter(World.joinRequest(type: "connect"))
        #expect(delete(&world, "t").0 == .nonEmptyGroup)
    }

    @Test func commitOnItsWayDoesNotSurviveALaterDeletion() {
        var world = World()
        world.appendsAtOnce = false
        _ = world.commitOffset(5)
        _ = delete(&world, "t")
        #expect(world.underWay.count == 2)
        world.endAppend(at: 1)
        world.endAppend()
        #expect(world.fetch() == -1)
    }

    @Test func deletedTopicTakesItsOffsetsAlong() {
        var world = World()
        _ = world.commit(World.commitRequest(offsets: [("t", 0, 1), ("u", 0, 2)]))
        _ = world.commit(World.commitRequest(offsets: [("t", 1, 3)], group: "h"))
        world.appendsAtOnce = false
        _ = world.commit(World.commitRequest(offsets: [("t", 2, 3)]))
        world.table.removeTopic("t", at: world.time)
        world.perform()
        while !world.underWay.isEmpty { world.endAppend() }
        #expect(world.fetch() == -1)
        #expect(world.fetch("g", "t", 2) == -1)
        #expect(world.fetch("g", "u") == 2)
        #expect(world.table.groups["h"] == nil, "nothing is left of it")
        let restarted = world.restarted()
        #expect(restarted.fetch("g", "t", 2) == -1)
        #expect(restarted.table.groups.keys.sorted() == ["g"])
    }

    // MARK: Expiry

    private static let week = Duration.seconds(7 * 24 * 3600)

    private func expire(_ world: inout World) {
        world.table.expire(at: world.time)
        world.perform()
    }

    @Test func simpleOffsetsExpireAfterTheirCommit() {
        var world = World()
        _ = world.commit(World.commitRequest(offsets: [("t", 0, 1)]))
        world.advance(.seconds(3600))
        _ = world.commit(World.commitRequest(offsets: [("u", 0, 2)]))
        world.advance(Self.week - .seconds(3600))
        expire(&world)
        #expect(world.fetch() == -1)
        #expect(world.fetch("g", "u") == 2)
        world.advance(.seconds(3600))
        expire(&world)
        #expect(world.table.groups.isEmpty)
        #expect(world.restarted().table.groups.isEmpty)
    }

    @Test func consumersOffsetsExpireAfterTheGroupIsEmpty() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 5)
        for _ in 0..<(2 * 7 * 24) {
            world.advance(.seconds(9))
            _ = world.heartbeat(member, generation: 1)
        }
        world.advance(.milliseconds(1))
        #expect(world.leave(member) == .none)
        world.advance(Self.week - .milliseconds(1))
        expire(&world)
        #expect(world.fetch() == 5)
        world.advance(.milliseconds(1))
        expire(&world)
        #expect(world.table.groups.isEmpty)
        #expect(world.restarted().table.groups.isEmpty)
    }

    @Test func restartCountsTheTimeOfAnEmptyGroupOn() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 5)
        _ = world.leave(member)
        world.advance(Self.week)
        var restarted = world.restarted()
        expire(&restarted)
        #expect(restarted.table.groups.isEmpty)
    }

    @Test func restartBeginsTheTimeOfAGroupThatHadMembers() {
        var world = World()
        let member = world.stableGroup(1)[0]
        _ = world.commitOffset(member, generation: 1, 5)
        world.time.wallMilliseconds += Self.week.wholeMilliseconds + 1
        var restarted = world.restarted()
        expire(&restarted)
        #expect(restarted.fetch() == 5)
    }

    @Test func topicsNobodyReadsAnyMoreExpireInAStableGroup() {
        var world = World()
        let member = world.enter(
            World.joinRequest(protocols: [("range", Self.subscription("t"))], session: 1_800_000)
        ).0
        world.advance(.seconds(3))
        _ = world.sync(member, generation: 1)
        _ = world.commit(
            World.commitRequest(member, generation: 1, offsets: [("t", 0, 1), ("u", 0, 2)]))
        world.time.wallMilliseconds += Self.week.wholeMilliseconds
        expire(&world)
        #expect(world.fetch() == 1)
        #expect(world.fetch("g", "u") == -1)
    }

    @Test func clientsOwnRetentionIsKept() {
        var world = World()
        var request = World.commitRequest(offsets: [("t", 0, 1)])
        request.retentionMilliseconds = 60_000
        _ = world.commit(request)
        var restarted = world.restarted()
        restarted.advance(.milliseconds(59_999))
        expire(&restarted)
        #expect(restarted.fetch() == 1)
        restarted.advance(.milliseconds(1))
        expire(&restarted)
        #expect(restarted.fetch() == -1)
    }

    @Test func offsetWithACommitOnItsWayDoesNotExpire() {
        var world = World()
        _ = world.commitOffset(1)
        world.advance(Self.week)
        world.appendsAtOnce = false
        _ = world.commitOffset(2)
        expire(&world)
        world.endAppend()
        #expect(world.fetch() == 2)
        #expect(world.restarted().fetch() == 2)
    }
}
