// Many members in one group, from a seed: they join, sync, beat, commit, leave, crash, come back,
// all with random delays, while the disk takes its time. After every step the rules of the group
// must hold.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct SimulationTests {
    @Test(arguments: LongRun.seeds("sim", short: 40, perSecond: 8))
    func rulesHoldForEverySeed(_ seed: UInt64) {
        var simulation = Simulation(seed: seed)
        simulation.run(steps: 1500)
        simulation.finish()
        #expect(simulation.problems.isEmpty, "seed \(seed): \(simulation.problems)")
        #expect(simulation.generations > 3, "seed \(seed): nothing happened")
    }
}

/// One client that follows the protocol, more or less.
private struct Client {
    enum Phase {
        case idle
        case joining(GroupRequestID, since: Duration)
        case syncing(GroupRequestID, since: Duration)
        case working
    }

    let instance: String?
    var memberID = ""
    var generation: Int32 = -1
    var phase = Phase.idle
    var assignment: [UInt8] = []
    var metadata: UInt8 = 0
}

private struct Simulation {
    var world: World
    var random: PRNG
    var clients: [Client]
    var problems: [String] = []
    var generations = 0
    /// Requests whose client is gone: they must be answered all the same.
    var abandonedJoins: [GroupRequestID: Duration] = [:]
    var abandonedSyncs: [GroupRequestID: Duration] = [:]
    /// Who was told to lead a generation.
    var leaders: [Int32: Set<String>] = [:]
    /// The assignments that leaders made, by generation.
    var rounds: [Int32: UInt8] = [:]
    var lastGeneration: Int32 = 0
    /// Offsets whose commit was accepted, in the order of the appends.
    var committed: [AppendID: (partition: Int32, offset: Int64)] = [:]
    var expected: [Int32: (id: AppendID, offset: Int64)] = [:]
    var nextOffset: Int64 = 0

    /// Longer than any answer may take: two rebalances that each run their full time.
    static let patience = Duration.seconds(60)

    init(seed: UInt64) {
        var configuration = GroupConfiguration()
        configuration.initialRebalanceDelay = .milliseconds(500)
        world = World(configuration, seed: seed)
        world.appendsAtOnce = false
        random = PRNG(seed: seed)
        clients = (0..<8).map { Client(instance: $0 < 3 ? "static-\($0)" : nil) }
    }

    mutating func number(below limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    mutating func run(steps: Int) {
        for _ in 0..<steps {
            world.advance(.milliseconds(number(below: 400)))
            if number(below: 3) > 0, !world.underWay.isEmpty {
                endAppend(at: number(below: world.underWay.count), isDurable: number(below: 10) > 0)
            }
            act(number(below: clients.count))
            check()
        }
    }

    /// Everybody goes on until nothing is owed.
    mutating func finish() {
        for index in clients.indices { crash(index) }
        while !world.underWay.isEmpty { endAppend(at: 0, isDurable: true) }
        world.advance(Self.patience * 2)
        while !world.underWay.isEmpty { endAppend(at: 0, isDurable: true) }
        check()
        if world.group()?.state != .empty { problems.append("the group is not empty at the end") }
        let restarted = world.restarted()
        for partition in Int32(0)..<4 {
            let offset = world.fetch("g", "t", partition) ?? -1
            if offset != expected[partition]?.offset ?? -1 {
                problems.append("partition \(partition) is at \(offset), not at the last commit")
            }
            if restarted.fetch("g", "t", partition) != offset {
                problems.append("partition \(partition) is elsewhere after a restart")
            }
        }
        if restarted.group()?.generation != world.group()?.generation {
            problems.append("the generation is lost")
        }
    }

    mutating func endAppend(at index: Int, isDurable: Bool) {
        let id = world.underWay[index].id
        // A disk that has failed one append of a batch log fails what follows too; here only the
        // last one may fail, so that the log keeps its order.
        let isDurable = isDurable || index != world.underWay.count - 1
        if isDurable, let commit = committed[id] {
            let latest = expected[commit.partition]?.id
            if latest.map({ $0 < id }) ?? true { expected[commit.partition] = (id, commit.offset) }
        }
        appendInOrder(index, isDurable)
    }

    /// `World.endAppend` adds the records to the log in the order of the reports; the real log has
    /// them in the order of the appends, so earlier ones are written first, reported later.
    mutating func appendInOrder(_ index: Int, _ isDurable: Bool) {
        for earlier in 0..<index {
            world.log += world.underWay[earlier].records
            world.underWay[earlier].records = []
        }
        world.endAppend(at: index, isDurable: isDurable)
    }

    // MARK: Clients

    mutating func act(_ index: Int) {
        if number(below: 40) == 0 { return crash(index) }
        switch clients[index].phase {
        case .idle: join(index)
        case .joining(let id, _): if let answer = world.joined[id] { joined(index, answer) }
        case .syncing(let id, _): if let answer = world.synced[id] { synced(index, answer) }
        case .working: work(index)
        }
    }

    mutating func crash(_ index: Int) {
        switch clients[index].phase {
        case .joining(let id, let since): abandonedJoins[id] = since
        case .syncing(let id, let since): abandonedSyncs[id] = since
        case .idle, .working: break
        }
        clients[index] = Client(instance: clients[index].instance)
    }

    mutating func join(_ index: Int) {
        let client = clients[index]
        let request = World.joinRequest(
            client.memberID, instance: client.instance,
            protocols: [("range", [client.metadata]), ("sticky", [])], session: 3_000,
            rebalance: 6_000)
        let version: Int16 = [3, 5, 9][
            client.instance == nil ? number(below: 3) : 1 + number(below: 2)]
        clients[index].phase = .joining(
            world.join(request, version: version), since: world.time.now)
    }

    mutating func joined(_ index: Int, _ answer: JoinGroupResponse) {
        clients[index].phase = .idle
        switch answer.error {
        case .memberIDRequired: clients[index].memberID = answer.memberID
        case .none:
            clients[index].memberID = answer.memberID
            clients[index].generation = answer.generationID
            sync(index, leads: answer.leader == answer.memberID && !answer.members.isEmpty)
        case .rebalanceInProgress: break
        default: clients[index].memberID = ""
        }
    }

    mutating func sync(_ index: Int, leads: Bool) {
        let client = clients[index]
        var assignments: [(String, [UInt8])] = []
        if leads, let group = world.group(), group.generation == client.generation {
            let round = UInt8(number(below: 256))
            if group.state == .completing, group.members[client.memberID] != nil {
                rounds[client.generation] = round
            }
            assignments = group.members.keys.sorted().map { ($0, [round]) }
        }
        let id = world.sync(
            client.memberID, generation: client.generation, instance: client.instance,
            assignments: assignments)
        clients[index].phase = .syncing(id, since: world.time.now)
    }

    mutating func synced(_ index: Int, _ answer: SyncGroupResponse) {
        clients[index].phase = .idle
        guard answer.error == .none else {
            if answer.error != .rebalanceInProgress { clients[index].memberID = "" }
            return
        }
        clients[index].phase = .working
        clients[index].assignment = answer.assignment
        if let round = rounds[clients[index].generation], answer.assignment != [round] {
            problems.append("an assignment of another round in \(clients[index].generation)")
        }
    }

    mutating func work(_ index: Int) {
        let client = clients[index]
        switch number(below: 10) {
        case 0..<5:
            let error = world.heartbeat(
                client.memberID, generation: client.generation, instance: client.instance)
            if error == .rebalanceInProgress { clients[index].phase = .idle }
            if error != .none, error != .rebalanceInProgress { crash(index) }
        case 5..<9: commit(index)
        default:
            if client.instance == nil, number(below: 2) == 0 {
                _ = world.leave(client.memberID)
                crash(index)
            } else {
                clients[index].metadata &+= UInt8(number(below: 2))
                clients[index].phase = .idle
            }
        }
    }

    mutating func commit(_ index: Int) {
        let client = clients[index]
        nextOffset += 1
        let partition = Int32(number(below: 4))
        var request = World.commitRequest(
            client.memberID, generation: client.generation, offsets: [("t", partition, nextOffset)])
        request.groupInstanceID = client.instance
        let current = world.group()
        let answer = world.table.commit(request, at: world.time)
        world.perform()
        let error = answer.response.topics[0].partitions[0].error
        if error == .none {
            if current?.generation != client.generation || current?.members[client.memberID] == nil
            {
                problems.append("a commit of generation \(client.generation) was not fenced")
            }
            if let id = answer.append { committed[id] = (partition, nextOffset) }
        }
    }

    // MARK: Rules

    mutating func check() {
        guard let group = world.group() else { return }
        checkWaits(group)
        for (id, since) in abandonedJoins where world.joined[id] == nil {
            if world.time.now - since > Self.patience { problems.append("a join is forgotten") }
        }
        for (id, since) in abandonedSyncs where world.synced[id] == nil {
            if world.time.now - since > Self.patience { problems.append("a sync is forgotten") }
        }
        for client in clients {
            switch client.phase {
            case .joining(let id, let since) where world.joined[id] == nil:
                if world.time.now - since > Self.patience { problems.append("a join waits") }
            case .syncing(let id, let since) where world.synced[id] == nil:
                if world.time.now - since > Self.patience { problems.append("a sync waits") }
            default: break
            }
        }
        checkLeaders()
        if group.generation < lastGeneration { problems.append("the generation goes back") }
        generations += group.generation == lastGeneration ? 0 : 1
        lastGeneration = group.generation
    }

    /// What the head of GroupMachine.swift promises.
    mutating func checkWaits(_ group: GroupMachine) {
        for member in group.members.values {
            let waits = member.waitingJoin != nil || member.waitingSync != nil
            if member.waitingSync != nil, group.state != .completing {
                problems.append("a sync waits in state \(group.state)")
            }
            if member.waitingJoin != nil, group.state != .preparing {
                problems.append("a join waits in state \(group.state)")
            }
            if waits, !member.isNew, member.deadline != nil {
                problems.append("the session of a waiting member runs")
            }
            if !waits, member.deadline == nil { problems.append("a member never expires") }
            if let deadline = member.deadline {
                if deadline <= world.time.now { problems.append("a deadline was missed") }
                if group.wakeAt.map({ $0 > deadline }) ?? true { problems.append("wakes too late") }
            }
        }
        if group.members.isEmpty != (group.state == .empty), group.state != .preparing {
            problems.append("\(group.members.count) members in state \(group.state)")
        }
        if group.state == .stable || group.state == .completing {
            if group.members[group.leader ?? ""] == nil { problems.append("no leader") }
            if !group.members.values.allSatisfy({ $0.supports(group.protocolName ?? "") }) {
                problems.append("a member without the protocol")
            }
        }
        if let wakeAt = group.wakeAt, world.wakeUps["g"].map({ $0 > wakeAt }) ?? true {
            problems.append("nobody will wake the group")
        }
    }

    /// Two members may both lead a generation only if the one has taken the other's place.
    mutating func checkLeaders() {
        for answer in world.joined.values where answer.error == .none {
            guard answer.leader == answer.memberID, !answer.skipAssignment else { continue }
            leaders[answer.generationID, default: []].insert(answer.memberID)
        }
        for (generation, ids) in leaders where ids.count > 1 {
            problems.append("generation \(generation) has leaders \(ids)")
        }
    }
}
