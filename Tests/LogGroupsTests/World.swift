// A table of groups on simulated time: clients as short calls, a disk that finishes when it is told
// to, deadlines that come when time is moved.

import Base
import KafkaWire
import Testing

@testable import LogServer

/// Every topic named "missing" is missing; the others have four partitions.
struct FourPartitions: TopicDirectory {
    func hasPartition(topic: String, partition: Int32) -> Bool {
        topic != "missing" && (0..<4).contains(partition)
    }
}

struct World {
    var table: GroupTable
    var time = GroupTime(now: .seconds(100), wallMilliseconds: 1_800_000_000_000)
    /// What the coordinator's timers would wait for.
    var wakeUps: [String: Duration] = [:]
    var joined: [GroupRequestID: JoinGroupResponse] = [:]
    var synced: [GroupRequestID: SyncGroupResponse] = [:]
    /// Appends whose end nobody has reported yet.
    var underWay: [(id: AppendID, records: [OffsetsRecord])] = []
    /// The offsets topic.
    var log: [OffsetsRecord] = []
    var appendsAtOnce = true
    private var lastRequest: UInt64 = 0

    init(_ configuration: GroupConfiguration = GroupConfiguration(), seed: UInt64 = 1) {
        table = GroupTable(
            configuration: configuration, topics: FourPartitions(), random: PRNG(seed: seed))
    }

    /// A configuration whose first generations do not wait.
    static var prompt: GroupConfiguration {
        var configuration = GroupConfiguration()
        configuration.initialRebalanceDelay = .zero
        return configuration
    }

    mutating func nextID() -> GroupRequestID {
        lastRequest += 1
        return GroupRequestID(number: lastRequest)
    }

    /// Does what the table asks for.
    mutating func perform() {
        for action in table.takeActions() {
            switch action {
            case .joined(let id, let response):
                #expect(joined[id] == nil, "join \(id.number) answered twice")
                joined[id] = response
            case .synced(let id, let response):
                #expect(synced[id] == nil, "sync \(id.number) answered twice")
                synced[id] = response
            case .append(let id, let records, _):
                underWay.append((id, records))
                if appendsAtOnce { endAppend() }
            case .wake(let group, let at):
                wakeUps[group] = min(wakeUps[group] ?? at, at)
            case .note: break
            }
        }
    }

    /// The oldest append, or the one at `index`, has ended. Records reach the log in the order in
    /// which they were appended, whenever that is reported.
    mutating func endAppend(at index: Int = 0, isDurable: Bool = true) {
        let append = underWay.remove(at: index)
        if isDurable { log += append.records }
        table.appended(append.id, isDurable: isDurable, at: time)
        perform()
    }

    /// Moves time, stopping at every deadline on the way.
    mutating func advance(_ duration: Duration) {
        let end = time.now + duration
        while let next = wakeUps.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
            next.value <= end
        {
            move(to: max(next.value, time.now))
            wakeUps[next.key] = nil
            table.wake(next.key, at: time)
            perform()
        }
        move(to: end)
    }

    private mutating func move(to now: Duration) {
        time.wallMilliseconds += (now - time.now).wholeMilliseconds
        time.now = now
    }

    func group(_ id: String = "g") -> GroupMachine? { table.groups[id] }

    // MARK: Clients

    static func joinRequest(
        _ memberID: String = "", instance: String? = nil, group: String = "g",
        protocols: [(String, [UInt8])] = [("range", [1])], session: Int32 = 10_000,
        rebalance: Int32 = 60_000, type: String = "consumer"
    ) -> JoinGroupRequest {
        var request = JoinGroupRequest()
        request.groupID = group
        request.memberID = memberID
        request.groupInstanceID = instance
        request.sessionTimeoutMilliseconds = session
        request.rebalanceTimeoutMilliseconds = rebalance
        request.protocolType = type
        request.protocols = protocols.map {
            var entry = JoinGroupRequest.AssignmentProtocol()
            (entry.name, entry.metadata) = $0
            return entry
        }
        return request
    }

    mutating func join(_ request: JoinGroupRequest, version: Int16 = 5) -> GroupRequestID {
        let id = nextID()
        let client = GroupClient(clientID: "client", host: "127.0.0.1")
        table.join(request, version: version, client: client, id: id, at: time)
        perform()
        return id
    }

    /// A dynamic member's two steps; the second waits for the generation.
    mutating func enter(_ request: JoinGroupRequest = joinRequest()) -> (String, GroupRequestID) {
        let first = join(request)
        let memberID = joined[first]?.memberID ?? ""
        #expect(joined[first]?.error == .memberIDRequired)
        var second = request
        second.memberID = memberID
        return (memberID, join(second))
    }

    mutating func sync(
        _ memberID: String, generation: Int32, instance: String? = nil,
        assignments: [(String, [UInt8])] = [], group: String = "g", version: Int16 = 5,
        type: String? = nil, name: String? = nil
    ) -> GroupRequestID {
        var request = SyncGroupRequest()
        request.groupID = group
        request.generationID = generation
        request.memberID = memberID
        request.groupInstanceID = instance
        request.protocolType = type
        request.protocolName = name
        request.assignments = assignments.map {
            var entry = SyncGroupRequest.Assignment()
            (entry.memberID, entry.assignment) = $0
            return entry
        }
        let id = nextID()
        table.sync(request, version: version, id: id, at: time)
        perform()
        return id
    }

    mutating func heartbeat(
        _ memberID: String, generation: Int32, instance: String? = nil
    ) -> KafkaErrorCode {
        var request = HeartbeatRequest()
        request.groupID = "g"
        request.generationID = generation
        request.memberID = memberID
        request.groupInstanceID = instance
        defer { perform() }
        return table.heartbeat(request, at: time).error
    }

    mutating func leave(_ memberID: String, version: Int16 = 1) -> KafkaErrorCode {
        var request = LeaveGroupRequest()
        request.groupID = "g"
        request.memberID = memberID
        defer { perform() }
        return table.leave(request, version: version, at: time).error
    }

    mutating func leave(members: [(id: String, instance: String?)]) -> [KafkaErrorCode] {
        var request = LeaveGroupRequest()
        request.groupID = "g"
        request.members = members.map {
            var entry = LeaveGroupRequest.Member()
            (entry.memberID, entry.groupInstanceID) = $0
            return entry
        }
        defer { perform() }
        return table.leave(request, version: 4, at: time).members.map(\.error)
    }

    static func commitRequest(
        _ memberID: String = "", generation: Int32 = -1, offsets: [(String, Int32, Int64)],
        metadata: String? = nil, group: String = "g"
    ) -> OffsetCommitRequest {
        var request = OffsetCommitRequest()
        request.groupID = group
        request.memberID = memberID
        request.generationID = generation
        request.topics = offsets.map { name, index, offset in
            var topic = OffsetCommitRequest.Topic()
            topic.name = name
            var partition = OffsetCommitRequest.Partition()
            partition.index = index
            partition.committedOffset = offset
            partition.committedLeaderEpoch = 3
            partition.metadata = metadata
            topic.partitions = [partition]
            return topic
        }
        return request
    }

    mutating func commit(_ request: OffsetCommitRequest) -> [KafkaErrorCode] {
        let answer = table.commit(request, at: time)
        perform()
        return answer.response.topics.flatMap { $0.partitions.map(\.error) }
    }

    mutating func commitOffset(_ offset: Int64) -> KafkaErrorCode? {
        commitOffset("", generation: -1, offset)
    }

    mutating func commitOffset(
        _ memberID: String, generation: Int32, _ offset: Int64
    ) -> KafkaErrorCode? {
        commit(
            Self.commitRequest(memberID, generation: generation, offsets: [("t", 0, offset)])
        ).first
    }

    func fetch(_ group: String = "g", _ topic: String = "t", _ index: Int32 = 0) -> Int64? {
        var request = OffsetFetchRequest()
        request.groupID = group
        var asked = OffsetFetchRequest.Topic()
        asked.name = topic
        asked.partitions = [index]
        request.topics = [asked]
        return table.fetch(request, version: 7).topics.first?.partitions.first?.committedOffset
    }

    /// A stable group of members with one shared protocol; the first of them leads.
    mutating func stableGroup(_ count: Int) -> [String] {
        let entered = (0..<count).map { _ in enter() }
        advance(.seconds(10))
        let generation = joined[entered[0].1]?.generationID ?? -1
        #expect(generation > 0)
        let assignments = entered.enumerated().map { ($1.0, [UInt8($0)]) }
        for (memberID, _) in entered.dropFirst() { _ = sync(memberID, generation: generation) }
        _ = sync(entered[0].0, generation: generation, assignments: assignments)
        #expect(group()?.state == .stable)
        return entered.map(\.0)
    }

    /// The table that a restart finds.
    func restarted() -> World {
        var world = World(table.configuration, seed: 2)
        world.time = time
        world.log = log
        for record in log {
            let isKnown = world.table.load(record, at: time)
            #expect(isKnown)
        }
        world.perform()
        return world
    }
}
