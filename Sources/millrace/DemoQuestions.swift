// What the demonstration asks about the sample flights, and the answers that must come back.
//
// The expected numbers were counted from the sample file itself by an independent program.

import JSON

/// A right answer, exactly or, for a mean, to the last bits of its division.
enum Expectation: Sendable {
    case integer(Int64)
    case number(Double)

    func holds(for answer: JSONValue?) -> Bool {
        switch (self, answer) {
        case (.integer(let expected), .int(let given)?): expected == given
        case (.number(let expected), .some(let given)):
            (given.double ?? .nan).distance(to: expected).magnitude <= expected.magnitude * 1e-12
        default: false
        }
    }
}

/// One question with one number for an answer.
struct DemoQuestion: Sendable {
    var title: String
    var analysis: String
    var parameters: JSONValue
    var expected: Expectation

    static let collection = "flights"
    static let eventCount = 27_004

    static let all: [DemoQuestion] = [
        ask("flights", "count", JSONObject(), .integer(27_004)),
        ask(
            "aircraft (distinct tailnum)", "count_unique", target("tailnum"), .integer(3148)),
        ask("miles flown (sum of distance)", "sum", target("distance"), .integer(27_188_805)),
        ask(
            "mean delay at departure, minutes", "average", target("departure.delay"),
            .number(265_801.0 / 26_483.0)),
        ask(
            "longest delay at arrival, minutes", "maximum", target("arrival.delay"),
            .integer(1272)),
        ask("cancelled", "count", filters([("cancelled", true)]), .integer(521)),
        ask(
            "from JFK to LAX", "count", filters([("origin", "JFK"), ("dest", "LAX")]),
            .integer(937)),
    ]

    /// Flights by airline, all of them.
    static let carriers: [(code: String, count: Int64)] = [
        ("UA", 4637), ("B6", 4427), ("EV", 4171), ("DL", 3690), ("AA", 2794), ("MQ", 2271),
        ("US", 1602), ("9E", 1573), ("WN", 996), ("FL", 328), ("VX", 316), ("AS", 62), ("F9", 59),
        ("YV", 46), ("HA", 31), ("OO", 1),
    ]

    static let byCarrier: JSONValue = [
        "event_collection": .string(collection), "group_by": "carrier.code",
        "order_by": ["property_name": "result", "direction": "DESC"],
    ]

    static let byDay: JSONValue = [
        "event_collection": .string(collection), "interval": "daily", "timezone": "US/Eastern",
        "timeframe": ["start": "2013-01-01T00:00:00-05:00", "end": "2013-02-01T00:00:00-05:00"],
    ]

    private static func ask(
        _ title: String, _ analysis: String, _ parameters: JSONObject, _ expected: Expectation
    ) -> DemoQuestion {
        let all = [(key: "event_collection", value: JSONValue.string(collection))] + parameters
        return DemoQuestion(
            title: title, analysis: analysis, parameters: .object(JSONObject(all)),
            expected: expected)
    }

    private static func target(_ property: String) -> JSONObject {
        JSONObject([(key: "target_property", value: .string(property))])
    }

    private static func filters(_ equal: [(String, JSONValue)]) -> JSONObject {
        let list = equal.map { name, value -> JSONValue in
            ["property_name": .string(name), "operator": "eq", "property_value": value]
        }
        return JSONObject([(key: "filters", value: .array(list))])
    }
}
