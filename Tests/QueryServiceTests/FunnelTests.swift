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
            #"{"steps":[{"event_collection":"A","actor_property":"u"}],"conversion_window":5}"#,
            "InvalidParameterError", "ordered"
        ),
        (
            #"{"ordered":true,"conversion_window":0,"steps":[]}"#, "InvalidParameterError",
            "conversion_window"
        ),
        (
            #"""
            {"ordered":true,"steps":[{"event_collection":"A","actor_property":"u"},
            {"event_collection":"A","actor_property":"u","inverted":true}]}
            """#, "InvalidParameterError", "inverted"
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
