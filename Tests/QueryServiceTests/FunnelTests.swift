import Base
import Foundation
import HTTP
import JSON
import Testing

/// Funnels over two nodes and five shards, in merged and in fresh blocks.
@Suite struct FunnelTests {
    private func post(_ cluster: TestCluster, _ body: JSONValue) async throws -> TestAnswer {
        try await cluster.query("funnel", String(decoding: body.encoded, as: UTF8.self))
    }

    private func step(_ name: String, _ more: JSONObject = JSONObject()) -> JSONValue {
        var step: JSONObject = JSONObject([
            (key: "event_collection", value: .string(name)), (key: "actor_property", value: "u"),
        ])
        for (key, value) in more { step[key] = value }
        return .object(step)
    }

    private func member(_ name: String, _ value: JSONValue) -> JSONObject {
        JSONObject([(key: name, value: value)])
    }

    /// The sets A = {1,2,3}, B = {1,2}, C = {1} as Keen's own client tests ask about them, several
    /// events for each actor, and events without one.
    private func threeSets() throws -> [(collection: String, event: JSONValue)] {
        var events: [(collection: String, event: JSONValue)] = []
        for (name, actors) in [("A", ["1", "2.0", "3"]), ("B", ["1.0", "2"]), ("C", ["1"])] {
            for actor in actors + ["null"] + actors {
                let text =
                    #"{"u":\#(actor),"keen":{"timestamp":"2020-03-31T10:00:00.000Z"}}"#
                events.append((name, try JSONValue(parsing: text)))
            }
            events.append(
                (name, try JSONValue(parsing: #"{"keen":{"timestamp":"2020-03-31T10:00:00Z"}}"#)))
        }
        return events
    }

    @Test func stepsAreSetsOfActors() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try threeSets())
            let plain = try await post(cluster, ["steps": [step("A"), step("B")]])
            #expect(plain.result == [3, 2], "\(plain)")
            #expect(plain.json?.object?.names == ["result", "steps"])
            let inverted = try await post(
                cluster, ["steps": [step("A"), step("B", member("inverted", true))]])
            #expect(inverted.result == [3, 1])
            let optional = try await post(
                cluster,
                ["steps": [step("A"), step("C", member("optional", true)), step("B")]])
            #expect(optional.result == [3, 1, 2])
            let last = try await post(
                cluster,
                ["steps": [step("A"), step("B", member("optional", "true")), step("C")]])
            #expect(last.result == [3, 2, 1])
            let nobody = try await post(cluster, ["steps": [step("none"), step("A")]])
            #expect(nobody.result == [0, 0])
        }
    }

    @Test func theAnswerRepeatsTheStepsAndListsActors() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try threeSets())
            let steps = #"""
                [{"event_collection": "A", "actor_property": ["u"], "timezone": "Europe/London"},
                 {"event_collection": "B", "actor_property": "u", "timeframe": "this_2_days",
                  "inverted": true, "with_actors": true, "filters": []}]
                """#
            let target = form([("steps", steps), ("timeframe", "this_7_days")])
            let answer = try await cluster.send(
                .get, "\(TestCluster.projectPath)/queries/funnel?\(target)")
            let expected = #"""
                {"result":[3,1],"steps":[{"event_collection":"A","actor_property":"u",\#
                "filters":[],"timeframe":"this_7_days","timezone":"Europe/London",\#
                "inverted":false,"optional":false,"with_actors":false},\#
                {"event_collection":"B","actor_property":"u","filters":[],\#
                "timeframe":"this_2_days","timezone":null,"inverted":true,"optional":false,\#
                "with_actors":true}],"actors":[null,[3]]}
                """#
            #expect(answer.text == expected)
            let old = try await cluster.query(
                "progression",
                #"{"steps":[{"event_collection":"A","actor_property":"u"}],"filters":[],"#
                    + #""include_metadata":true}"#)
            #expect(old.result == [3])
            #expect(old.json?["execution_metadata"]?["events_scanned"] == 8)
        }
    }

    /// 10:00 UTC yesterday is in "previous_1_day" of UTC, and already today far in the east.
    @Test func everyStepHasItsTimeframeAndZone() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try threeSets())
            var eastern = member("timeframe", "previous_1_days")
            eastern["timezone"] = 50_400
            var lastYear = member("timeframe", "previous_1_years")
            lastYear["optional"] = true
            let answer = try await post(
                cluster,
                [
                    "timeframe": "previous_1_days",
                    "steps": [
                        step("A"), step("B", lastYear), step("A", eastern),
                    ],
                ])
            #expect(answer.result == [3, 0, 0], "\(answer)")
        }
    }

    @Test(arguments: [
        ("{}", "MissingRequiredRequestFieldError", "steps"),
        (#"{"steps":[]}"#, "InvalidParameterError", "steps"),
        (#"{"steps":"A"}"#, "InvalidParameterError", "steps"),
        (#"{"steps":["A"]}"#, "InvalidParameterError", "step 1"),
        (#"{"steps":[{}]}"#, "MissingRequiredRequestFieldError", "step 1: event_collection"),
        (
            #"{"steps":[{"event_collection":"A"}]}"#, "MissingRequiredRequestFieldError",
            "step 1: actor_property"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":["a","b"]}]}"#,
            "InvalidParameterError", "actor_property"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":"u","inverted":true}]}"#,
            "InvalidParameterError", "first step"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":"u","optional":true}]}"#,
            "InvalidParameterError", "first step"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":"u","timeframe":"soon"}]}"#,
            "TimeframeDefinitionError", "step 1"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":"u"}],"interval":"daily"}"#,
            "InvalidParameterError", "interval"
        ),
        (
            #"{"steps":[{"event_collection":"A","actor_property":"u"}],"filters":[{"a":1}]}"#,
            "InvalidParameterError", "filters"
        ),
    ])
    func wrongFunnelsAreNamed(body: String, code: String, part: String) async throws {
        try await TestCluster.with { cluster in
            let answer = try await cluster.query("funnel", body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
            #expect(answer.text.contains(part), "\(answer)")
        }
    }

    @Test func tooManyStepsAreRefused() async throws {
        try await TestCluster.with { cluster in
            let steps = [JSONValue](repeating: step("A"), count: Limits.funnelStepsMax + 1)
            let answer = try await post(cluster, ["steps": .array(steps)])
            #expect(answer.code == "QueryTooLargeError", "\(answer)")
            let most = try await post(cluster, ["steps": .array(Array(steps.dropLast()))])
            #expect(most.result?.array?.count == Limits.funnelStepsMax)
        }
    }
}

/// Random funnels over random events give what a plain walk over the same events gives.
@Suite struct FunnelReferenceTests {
    @Test func randomFunnelsAgree() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 7_120_045
        var random = RandomFunnels(seed: seed)
        let events = (0..<1_500).map { _ in random.event() }
        try await TestCluster.with { cluster in
            try await cluster.store(events)
            for number in 0..<150 {
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
            if number > 0 && below(3) == 0 { step["inverted"] = true }
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
        var counts: [JSONValue] = []
        var lists: [JSONValue] = []
        var left: [String]?
        for step in funnel["steps"]?.array ?? [] {
            let found = Set(actors(step, step["timeframe"] ?? funnel["timeframe"]))
            let inverted = step["inverted"] == true
            let reached = left.map { $0.filter { found.contains($0) != inverted } } ?? Array(found)
            counts.append(.int(Int64(reached.count)))
            lists.append(step["with_actors"] == true ? listed(reached) : .null)
            if step["optional"] != true { left = reached }
        }
        let isListed = lists.contains { !$0.isNull }
        return (.array(counts), isListed ? .array(lists) : nil)
    }

    private func actors(_ step: JSONValue, _ timeframe: JSONValue?) -> [String] {
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
            switch event.event["u"] {
            case .string(let text)?: return text
            case let value?: return value.double.map { "\(Int64($0))" }
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
