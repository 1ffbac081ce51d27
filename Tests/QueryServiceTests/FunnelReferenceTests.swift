import Base
import Foundation
import HTTP
import JSON
import Testing

/// Random funnels over random events give what a plain walk over the same events gives.
@Suite struct FunnelReferenceTests {
    @Test func randomFunnelsAgree() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 7_120_045
        var random = RandomFunnels(seed: seed)
        let events = (0..<1_500).map { _ in random.event() }
        try await TestCluster.with { cluster in
            try await cluster.store(events)
            for number in 0..<200 {
                let funnel = random.funnel()
                let text = String(decoding: funnel.encoded, as: UTF8.self)
                let answer = try await cluster.query("funnel", text)
                let (counts, actors) = ReferenceFunnel(events: events).answer(funnel)
                let found: JSONValue? = answer.json?["actors"]
                try #require(
                    answer.result == counts && found == actors,
                    "seed \(seed), funnel \(number): \(text) gave \(answer), not \(counts)")
            }
        }
    }
}

/// Events of three collections by few actors, and funnels about them.
private struct RandomFunnels {
    private var random: PRNG
    private let collections = ["seen", "tried", "paid"]

    init(seed: UInt64) { random = PRNG(seed: seed) }

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    /// A day of March 2020, at noon.
    private func noon(_ day: Int) -> String { "2020-03-\(day < 10 ? "0" : "")\(day)T12:00:00.000Z" }

    mutating func event() -> (collection: String, event: JSONValue) {
        var object = JSONObject()
        switch below(12) {
        case 0: break
        case 1: object["u"] = .null
        case 2: object["u"] = .int(Int64(below(10)))
        case 3: object["u"] = .double(Double(below(10)))
        default: object["u"] = .string("a\(below(60))")
        }
        object["n"] = .int(Int64(below(10)))
        object["keen"] = ["timestamp": .string(noon(1 + below(28)))]
        return (collections[below(3)], .object(object))
    }

    private mutating func timeframe() -> JSONValue {
        let start = 1 + below(20)
        return ["start": .string(noon(start)), "end": .string(noon(start + 1 + below(28 - start)))]
    }

    mutating func funnel() -> JSONValue {
        var funnel = JSONObject()
        if below(2) == 0 { funnel["timeframe"] = timeframe() }
        let isOrdered = below(2) == 0
        if isOrdered {
            funnel["ordered"] = true
            if below(2) == 0 { funnel["conversion_window"] = .int(Int64(1 + below(10) * 86_400)) }
        }
        let count = 1 + below(5)
        var steps: [JSONValue] = []
        for number in 0..<count {
            var step = JSONObject()
            step["event_collection"] = .string(collections[below(3)])
            step["actor_property"] = "u"
            if below(3) == 0 { step["timeframe"] = timeframe() }
            if below(2) == 0 {
                step["filters"] = [
                    [
                        "property_name": "n", "operator": "lt",
                        "property_value": .int(Int64(below(11))),
                    ]
                ]
            }
            if number > 0 && !isOrdered && below(3) == 0 { step["inverted"] = true }
            if number > 0 && below(3) == 0 { step["optional"] = true }
            if below(3) == 0 { step["with_actors"] = true }
            steps.append(.object(step))
        }
        funnel["steps"] = .array(steps)
        return .object(funnel)
    }
}

/// One event after the other.
private struct ReferenceFunnel {
    let events: [(collection: String, event: JSONValue)]

    func answer(_ funnel: JSONValue) -> (counts: JSONValue, actors: JSONValue?) {
        let steps = funnel["steps"]?.array ?? []
        let seen = steps.map { times($0, $0["timeframe"] ?? funnel["timeframe"]) }
        let reached =
            funnel["ordered"] == true
            ? inOrder(steps, seen, funnel["conversion_window"]?.int) : inAnyOrder(steps, seen)
        let lists = zip(steps, reached).map { step, reached in
            step["with_actors"] == true ? listed(reached) : .null
        }
        let isListed = lists.contains { !$0.isNull }
        return (
            .array(reached.map { .int(Int64($0.count)) }), isListed ? .array(lists) : nil
        )
    }

    private func inAnyOrder(
        _ steps: [JSONValue], _ seen: [[String: [Int64]]]
    ) -> [[String]] {
        var all: [[String]] = []
        var left = Array(seen[0].keys)
        for (number, step) in steps.enumerated() {
            let inverted = step["inverted"] == true
            let reached = left.filter { (seen[number][$0] != nil) != inverted }
            all.append(reached)
            if step["optional"] != true { left = reached }
        }
        return all
    }

    /// Every way to go from step to step, for every actor.
    private func inOrder(
        _ steps: [JSONValue], _ seen: [[String: [Int64]]], _ window: Int64?
    ) -> [[String]] {
        var all = [[String]](repeating: [], count: steps.count)
        for (actor, starts) in seen[0] {
            var ways = starts.map { (start: $0, last: $0) }
            all[0].append(actor)
            for (number, step) in steps.enumerated().dropFirst() {
                let further = ways.flatMap { way in
                    (seen[number][actor] ?? [])
                        .filter { $0 > way.last && $0 - way.start <= (window ?? .max) }
                        .map { (start: way.start, last: $0) }
                }
                if !further.isEmpty { all[number].append(actor) }
                if step["optional"] != true {
                    // Each way once, or there would be very many.
                    let unique = Set(further.map { [$0.start, $0.last] })
                    ways = unique.map { (start: $0[0], last: $0[1]) }
                }
            }
        }
        return all
    }

    /// When, in seconds, each actor was seen by a step.
    private func times(_ step: JSONValue, _ timeframe: JSONValue?) -> [String: [Int64]] {
        var times: [String: [Int64]] = [:]
        for (actor, day) in actors(step, timeframe) {
            times[actor, default: []].append(day * 86_400)
        }
        return times
    }

    private func actors(
        _ step: JSONValue, _ timeframe: JSONValue?
    ) -> [(String, Int64)] {
        events.filter { $0.collection == step["event_collection"]?.string }.compactMap { event in
            let time = event.event["keen"]?["timestamp"]?.string ?? ""
            if let timeframe {
                guard time >= timeframe["start"]?.string ?? "",
                    time < timeframe["end"]?.string ?? ""
                else { return nil }
            }
            for filter in step["filters"]?.array ?? [] {
                guard let most = filter["property_value"]?.int,
                    let number = event.event["n"]?.int, number < most
                else { return nil }
            }
            let day = Int64(time.dropFirst(8).prefix(2)) ?? 0
            switch event.event["u"] {
            case .string(let text)?: return (text, day)
            case let value?: return value.double.map { ("\(Int64($0))", day) }
            case nil: return nil
            }
        }
    }

    /// Numbers before texts, each ascending; the texts of both sort as their UTF-8.
    private func listed(_ actors: [String]) -> JSONValue {
        let numbers = actors.compactMap { Int64($0) }.sorted().map { JSONValue.int($0) }
        let texts = actors.filter { Int64($0) == nil }.sorted {
            Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
        }
        return .array(numbers + texts.map { .string($0) })
    }
}
