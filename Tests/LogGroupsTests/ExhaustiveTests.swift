// Every order of a few events for two members: small enough to try them all. Where the simulation
// goes deep, this goes everywhere near.

import KafkaWire
import Testing

@testable import LogServer

@Suite struct ExhaustiveTests {
    /// What may happen next.
    private enum Event: CaseIterable {
        case joinA, joinB, syncA, syncB, beatA, leaveA, leaveB, commitA, wait
    }

    /// Two clients, "a" static and "b" dynamic, and what they were told last.
    private struct Small {
        var world: World
        var ids: [String: String] = [:]
        var generations: [String: Int32] = [:]
        var joins: [String: [GroupRequestID]] = [:]
        var syncs: [GroupRequestID] = []

        init() {
            var configuration = World.prompt
            configuration.sessionTimeouts = .seconds(1) ... .seconds(60)
            world = World(configuration)
        }

        mutating func perform(_ event: Event) {
            switch event {
            case .joinA: join("a")
            case .joinB: join("b")
            case .syncA: sync("a")
            case .syncB: sync("b")
            case .beatA:
                _ = world.heartbeat(
                    ids["a"] ?? "", generation: generations["a"] ?? 0, instance: "a")
            case .leaveA: _ = world.leave(members: [("", "a")])
            case .leaveB:
                _ = world.leave(ids["b"] ?? "nobody")
                ids["b"] = nil
            case .commitA:
                var request = World.commitRequest(
                    ids["a"] ?? "", generation: generations["a"] ?? 0, offsets: [("t", 0, 1)])
                request.groupInstanceID = "a"
                _ = world.commit(request)
            case .wait: world.advance(.seconds(7))
            }
            for name in ["a", "b"] { read(name) }
        }

        private mutating func join(_ name: String) {
            let request = World.joinRequest(
                name == "b" ? ids["b"] ?? "" : "", instance: name == "a" ? "a" : nil,
                session: 6_000, rebalance: 6_000)
            joins[name, default: []].append(world.join(request))
        }

        private mutating func sync(_ name: String) {
            let both = ids.values.sorted().map { ($0, [UInt8](name.utf8)) }
            syncs.append(
                world.sync(
                    ids[name] ?? "nobody", generation: generations[name] ?? 0,
                    instance: name == "a" ? "a" : nil, assignments: both))
        }

        /// Takes over the newest answer, as a client does.
        private mutating func read(_ name: String) {
            guard let answer = joins[name]?.last.flatMap({ world.joined[$0] }) else { return }
            if answer.error == .none || answer.error == .memberIDRequired {
                ids[name] = answer.memberID
                generations[name] = answer.generationID
            } else if answer.error != .rebalanceInProgress {
                ids[name] = nil
            }
        }

        /// Nil if everything is as it must be.
        mutating func problem() -> String? {
            if let group = world.group() {
                let waiting = group.members.values.filter { $0.waitingJoin != nil }
                if !waiting.isEmpty, group.state != .preparing { return "join in \(group.state)" }
                if group.state == .preparing, group.initialEnd == nil, group.pending.isEmpty,
                    waiting.count == group.members.count
                {
                    return "all are there and nothing happens"
                }
                if group.state == .empty, !group.members.isEmpty { return "not empty" }
                if group.state == .stable || group.state == .completing,
                    group.members[group.leader ?? ""] == nil
                {
                    return "no leader"
                }
                if Set(group.instances.values).subtracting(group.members.keys).isEmpty == false {
                    return "an instance without its member"
                }
            }
            // Long enough for every timeout there is: then nothing may be open.
            world.advance(.seconds(30))
            if let open = joins.values.joined().first(where: { world.joined[$0] == nil }) {
                return "join \(open.number) is not answered"
            }
            if syncs.contains(where: { world.synced[$0] == nil }) { return "sync is not answered" }
            if world.group()?.members.isEmpty == false { return "a member outlives its session" }
            return nil
        }
    }

    @Test func everyOrderOfFiveEvents() {
        var count = 0
        func explore(_ state: Small, _ path: [Event]) {
            var end = state
            if let problem = end.problem() { Issue.record("\(path): \(problem)") }
            count += 1
            guard path.count < 5 else { return }
            for event in Event.allCases {
                var next = state
                next.perform(event)
                explore(next, path + [event])
            }
        }
        explore(Small(), [])
        #expect(count == (0...5).reduce(0) { $0 + pow(9, $1) })
    }

    private func pow(_ base: Int, _ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }
}
