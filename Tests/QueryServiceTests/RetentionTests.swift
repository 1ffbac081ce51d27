import Base
import Foundation
import HTTP
import JSON
import Testing

/// Retention: one that fits on a page, random ones against a plain walk, and wrong ones.
@Suite struct RetentionTests {
    private func event(_ user: String, _ day: Int, _ kind: String = "seen") throws
        -> (collection: String, event: JSONValue)
    {
        let text = day < 10 ? "0\(day)" : "\(day)"
        return (
            kind,
            try JSONValue(
                parsing:
                    #"{"u":\#(user),"n":\#(day),"keen":{"timestamp":"2020-03-\#(text)T12:00:00Z"}}"#
            )
        )
    }

    @Test func aSmallOne() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store([
                event(#""a""#, 1), event(#""a""#, 2), event(#""b""#, 1), event(#""c""#, 2),
                event("null", 1),
                event(#""a""#, 1, "paid"), event(#""a""#, 3, "paid"), event(#""b""#, 2, "paid"),
                event(#""c""#, 1, "paid"), event(#""d""#, 2, "paid"),
            ])
            let answer = try await cluster.query(
                "retention",
                #"""
                {"first":{"event_collection":"seen","actor_property":"u"},
                "returning":{"event_collection":"paid","actor_property":"u"},"interval":"daily",
                "timeframe":{"start":"2020-03-01","end":"2020-03-04"},"periods":3,
                "include_metadata":true}
                """#)
            let values: [JSONValue?]? = answer.result?.array?.map { $0["value"] }
            #expect(
                values == [
                    ["actors": 2, "returned": [1, 1, 1]], ["actors": 1, "returned": [0, 0]],
                    ["actors": 0, "returned": [0]],
                ], "\(answer)")
            #expect(
                answer.result?.array?.first?["timeframe"]
                    == ["start": "2020-03-01T00:00:00.000Z", "end": "2020-03-02T00:00:00.000Z"])
            #expect(answer.json?["execution_metadata"]?["properties_per_event"] == 2)
        }
    }

    @Test func randomOnesAgree() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 551_204
        var random = PRNG(seed: seed)
        var events: [(collection: String, event: JSONValue)] = []
        for _ in 0..<1_200 {
            let number = Int.random(in: 0..<40, using: &random)
            events.append(
                try event(
                    number == 0 ? "null" : number < 8 ? "\(number)" : #""u\#(number)""#,
                    Int.random(in: 1...28, using: &random),
                    Bool.random(using: &random) ? "seen" : "paid"))
        }
        try await TestCluster.with { cluster in
            try await cluster.store(events)
            for round in 0..<60 {
                let start = Int.random(in: 1...20, using: &random)
                let end = Int.random(in: start...28, using: &random)
                let length = Int.random(in: 1...5, using: &random)
                let periods = Int.random(in: 1...8, using: &random)
                let most = Int.random(in: 5...30, using: &random)
                let kinds = (0..<2).map { _ in Bool.random(using: &random) ? "seen" : "paid" }
                let text = #"""
                    {"first":{"event_collection":"\#(kinds[0])","actor_property":"u"},
                    "returning":{"event_collection":"\#(kinds[1])","actor_property":"u",
                    "filters":[{"property_name":"n","operator":"lt","property_value":\#(most)}]},
                    "interval":"every_\#(length)_days","periods":\#(periods),
                    "timeframe":{"start":"2020-03-\#(start < 10 ? "0" : "")\#(start)",
                    "end":"2020-03-\#(end < 10 ? "0" : "")\#(end)"}}
                    """#
                // Days on which each actor was seen, by period.
                func seen(_ kind: String, below most: Int) -> [(String, Int)] {
                    events.filter { $0.collection == kind }.compactMap { event in
                        guard let day = event.event["n"]?.int.map(Int.init), day >= start,
                            day < end, day < most, let user = event.event["u"], user != .null
                        else { return nil }
                        return ("\(user)", (day - start) / length)
                    }
                }
                var cohort: [String: Int] = [:]
                for (user, period) in seen(kinds[0], below: 99) {
                    cohort[user] = min(cohort[user] ?? .max, period)
                }
                let count = (end - start + length - 1) / length
                let back = Set(seen(kinds[1], below: most).map { "\($0.0)/\($0.1)" })
                let wanted = (0..<count).map { period -> JSONValue in
                    let members = cohort.filter { $0.value == period }.keys
                    let returned = (0..<min(periods, count - period)).map { later in
                        JSONValue.int(
                            Int64(members.count { back.contains("\($0)/\(period + later)") }))
                    }
                    return [
                        "actors": .int(Int64(members.count)), "returned": .array(returned),
                    ]
                }
                let answer = try await cluster.query("retention", text)
                let found = answer.result?.array?.compactMap { $0["value"] }
                try #require(found == wanted, "seed \(seed), \(round): \(text) gave \(answer)")
            }
        }
    }

    @Test(arguments: [
        (#"{}"#, "MissingRequiredRequestFieldError"),
        (#"{"timeframe":"today"}"#, "MissingRequiredRequestFieldError"),
        (#"{"timeframe":"today","interval":"daily"}"#, "MissingRequiredRequestFieldError"),
        (
            #"{"timeframe":"today","interval":"daily","first":[],"returning":{}}"#,
            "InvalidParameterError"
        ),
        (
            #"{"timeframe":"today","interval":"daily","filters":[1]}"#, "InvalidParameterError"
        ),
        (
            #"{"timeframe":"previous_9000_minutes","interval":"minutely","#
                + #""first":{"event_collection":"c","actor_property":"u"},"#
                + #""returning":{"event_collection":"c","actor_property":"u"}}"#,
            "QueryTooLargeError"
        ),
        (
            #"{"timeframe":"today","interval":"daily","first":{"event_collection":"c","#
                + #""actor_property":"u","optional":true}}"#,
            "InvalidParameterError"
        ),
    ])
    func wrongOnesAreRefused(body: String, code: String) async throws {
        try await TestCluster.with { cluster in
            let answer = try await cluster.query("retention", body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
        }
    }
}
