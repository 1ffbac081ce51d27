import Base
import JSON

/// Random orders and random questions about them, from a seed. Prices are quarters, so that sums of
/// doubles are exact in any order.
struct RandomQueries {
    private var random: PRNG

    init(seed: UInt64) { random = PRNG(seed: seed) }

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
    private mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    // MARK: Events

    /// Between 20 February and 5 April 2020, when summer time began in many places.
    private mutating func time() -> Int64 {
        1_582_156_800_000 + Int64.random(in: 0..<45 * 86_400_000, using: &random)
    }

    mutating func event() -> JSONValue {
        var object = JSONObject()
        object["n"] = pick([
            .int(Int64(below(9)) - 3), .int(Int64(below(9)) - 3), .double(Double(below(20)) / 4),
            .string("7"), .null, nil,
        ])
        object["price"] = oneIn(8) ? nil : .double(Double(below(400)) / 4 - 20)
        object["plan"] = pick([.string("free"), .string("pro"), .string("Team é"), .null, nil])
        object["user"] = [
            "id": .string("u\(below(7))"), "age": oneIn(5) ? "old" : .int(Int64(20 + below(5))),
        ]
        object["flag"] = pick([.bool(true), .bool(false), nil])
        object["tags"] = pick([
            .array([]), .array(["a"]), .array(["a", 1]), .array([2, "b", .null]), .string("ab"),
            nil,
        ])
        object["keen"] = [
            "timestamp": .string(UTCTime.text(time())), "created_at": "2020-04-01T00:00:00.000Z",
            "location": pick([
                ["coordinates": [-0.13, 51.5]], ["coordinates": [2.35, 48.86]],
                ["coordinates": [151.2, -33.87]], ["coordinates": "London"], ["city": "Oslo"],
            ]),
        ]
        return .object(object)
    }

    // MARK: Queries

    private let properties = [
        "n", "price", "plan", "user.id", "user.age", "flag", "tags", "nowhere",
    ]

    /// Parameters as a POST body has them, with `analysis_type`.
    mutating func query() -> JSONObject {
        var query = JSONObject()
        if oneIn(4) {
            query["analysis_type"] = "multi_analysis"
            var analyses = JSONObject()
            for _ in 0..<1 + below(3) {
                var part = analysis()
                if oneIn(4) {
                    part["filters"] = .array((0..<1 + below(2)).map { _ in filter(depth: 2) })
                }
                analyses[pick(["a", "Über all", "n.m", "result"])] = .object(part)
            }
            query["analyses"] = .object(analyses)
        } else {
            for (name, value) in analysis() { query[name] = value }
        }
        query["event_collection"] = "orders"
        if oneIn(2) { query["timezone"] = zone() }
        let hasInterval = oneIn(2)
        if hasInterval || oneIn(2) { addTimeframe(to: &query, hasInterval: hasInterval) }
        if oneIn(2) { query["filters"] = .array((0..<below(4)).map { _ in filter(depth: 0) }) }
        addGroups(to: &query)
        return query
    }

    private mutating func analysis() -> JSONObject {
        var analysis = JSONObject()
        let name = pick([
            "count", "count_unique", "sum", "average", "minimum", "maximum", "select_unique",
            "median", "percentile", "standard_deviation",
        ])
        analysis["analysis_type"] = .string(name)
        if name != "count" { analysis["target_property"] = .string(pick(properties)) }
        if name == "percentile" {
            analysis["percentile"] = pick([
                1, 25, 50, 90, 99, 100, 99.9, 0.01, 33.33, [50, 95, 99.9], [100],
            ])
        }
        return analysis
    }

    /// The members of a record that groups can be ordered by.
    private func orderKeys(_ query: JSONObject) -> [String] {
        func hasOrder(_ analysis: JSONValue) -> Bool {
            analysis["analysis_type"] != "select_unique" && analysis["percentile"]?.array == nil
        }
        guard let analyses = query["analyses"]?.object else {
            return hasOrder(.object(query)) ? ["result", "result"] : []
        }
        return analyses.filter { hasOrder($0.value) }.map(\.key)
    }

    private mutating func zone() -> JSONValue {
        pick([
            0, 3600, -28800, 20700, "-12600", "UTC", "Europe/London", "US/Eastern",
            "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Auckland",
        ])
    }

    private mutating func addTimeframe(to query: inout JSONObject, hasInterval: Bool) {
        // Coarse enough that no answer has thousands of buckets.
        let (unit, interval): (String, String) = pick([
            ("minute", "minutely"), ("hour", "every_7_minutes"), ("hour", "minutely"),
            ("day", "hourly"), ("day", "every_5_hours"), ("day", "daily"), ("week", "daily"),
            ("week", "every_3_days"), ("month", "weekly"), ("month", "every_2_weeks"),
            ("month", "monthly"), ("year", "monthly"), ("year", "every_5_months"),
            ("year", "yearly"), ("day", "yearly"),
        ])
        if hasInterval { query["interval"] = .string(interval) }
        if oneIn(2) {
            query["timeframe"] = relative(unit)
        } else {
            let start = time()
            let length: Int64 =
                switch unit {
                case "minute", "hour": 3_600_000 * Int64(1 + below(5))
                case "day": 86_400_000 * Int64(1 + below(6)) + Int64(below(86_400_000))
                default: 86_400_000 * Int64(1 + below(70))
                }
            let isLocal = oneIn(3)
            query["timeframe"] = [
                "start": .string(written(start, isLocal: isLocal)),
                "end": .string(written(start + length, isLocal: isLocal)),
            ]
        }
    }

    private mutating func relative(_ unit: String) -> JSONValue {
        switch below(6) {
        case 0: return unit == "day" ? "today" : .string("this_\(unit)")
        case 1: return unit == "day" ? "yesterday" : .string("previous_\(unit)")
        case 2: return .string("last_1_\(unit)s")
        default:
            let count = unit == "year" ? 1 + below(2) : 1 + below(6)
            return .string("\(pick(["this", "previous"]))_\(count)_\(unit)s")
        }
    }

    /// An instant as clients write them; without a zone it is local to the query's.
    private mutating func written(_ time: Int64, isLocal: Bool) -> String {
        let second = time / 1000 * 1000
        if isLocal { return String(UTCTime.text(second).prefix(19)) }
        switch below(3) {
        case 0: return UTCTime.text(time)
        case 1: return String(UTCTime.text(second).prefix(19)) + "+00:00"
        default: return String(UTCTime.text(second + 7_200_000).prefix(19)) + ".000+0200"
        }
    }

    private mutating func filter(depth: Int) -> JSONValue {
        if depth < 3, oneIn(5) {
            let word: String = pick(["or", "or", "and", "not"])
            let operands = (0..<(word == "not" ? 1 : 1 + below(3))).map { _ in
                filter(depth: depth + 1)
            }
            return ["operator": .string(word), "operands": .array(operands)]
        }
        if oneIn(10) {
            // None of the places is near the edge of one of the circles.
            return [
                "property_name": "keen.location.coordinates", "operator": "within",
                "property_value": [
                    "coordinates": pick([[-0.1, 51.5], [2.3, 48.9], [-179, 0]]),
                    "max_distance_miles": pick([5, 150, 300.5, 13_000]),
                ],
            ]
        }
        if oneIn(12) {
            return [
                "property_name": pick(["plan", "user.id", "tags", "n", "nowhere"]),
                "operator": "regex",
                "property_value": pick([
                    "^u[0-3]$", "free|pro", "e+", "(?i)^TEAM", "^.{4}$", "é$", "\\d", "[^a-z0-9]",
                    "^", "^$", "(r|e){2}e?$", "^(a|ab)+$", "\\x66", "u(?:1|[3-5])",
                ]),
            ]
        }
        let operation = pick([
            "eq", "eq", "ne", "lt", "lte", "gt", "gte", "in", "exists", "contains", "not_contains",
        ])
        if oneIn(8), ["lt", "lte", "gt", "gte"].contains(operation) {
            return [
                "property_name": "keen.timestamp", "operator": .string(operation),
                "property_value": .string(written(time(), isLocal: oneIn(3))),
            ]
        }
        let property = pick(properties)
        let value: JSONValue =
            switch operation {
            case "exists": .bool(oneIn(2))
            case "in": .array((0..<below(4)).map { _ in literal(property, nullable: true) })
            case "eq", "ne": literal(property, nullable: true)
            case "contains", "not_contains": literal(property, nullable: false)
            default: ordered(property)
            }
        return [
            "property_name": .string(property), "operator": .string(operation),
            "property_value": value,
        ]
    }

    private mutating func literal(_ property: String, nullable: Bool) -> JSONValue {
        if nullable, oneIn(8) { return .null }
        switch oneIn(5) ? pick(properties) : property {
        case "plan": return pick(["free", "pro", "Team é", "Te", ""])
        case "user.id": return .string("u\(below(9))")
        case "user.age": return pick(["old", .int(Int64(20 + below(6)))])
        case "flag": return .bool(oneIn(2))
        case "tags": return pick(["a", "b", 1, 2, 1.0, "ab"])
        case "price": return .double(Double(below(400)) / 4 - 20)
        default: return pick([.int(Int64(below(9)) - 3), .double(Double(below(20)) / 4), "7"])
        }
    }

    private mutating func ordered(_ property: String) -> JSONValue {
        while true {
            let value = literal(property, nullable: false)
            if value.bool == nil { return value }
            return pick([1, "a"])
        }
    }

    private mutating func addGroups(to query: inout JSONObject) {
        var names: [String] = []
        for _ in 0..<pick([0, 0, 1, 1, 2, 3]) {
            let name = pick(properties)
            if !names.contains(name) { names.append(name) }
        }
        guard !names.isEmpty else { return }
        let groups = names.map { name -> JSONValue in
            guard ["n", "price", "user.age"].contains(name), oneIn(2) else { return .string(name) }
            if oneIn(2) {
                return [
                    "property_name": .string(name),
                    "ranges": pick([
                        [["from": 0, "to": 2.5], ["from": 2, "name": "many"]], [["to": 21]],
                        [
                            ["from": 22, "to": 30, "name": "old"], ["to": -1],
                            ["from": -1, "to": 1],
                        ],
                    ]),
                ]
            }
            return [
                "property_name": .string(name), "buckets": ["size": pick([5, 10, 2.5, 0.25])],
            ]
        }
        query["group_by"] =
            names.count == 1 && oneIn(2) ? groups[0] : .array(groups)
        guard oneIn(2) else { return }
        var keys = names
        keys += orderKeys(query)
        let orders = (0..<1 + below(2)).map { _ -> JSONValue in
            var order = JSONObject([(key: "property_name", value: .string(pick(keys)))])
            if !oneIn(3) { order["direction"] = pick(["ASC", "DESC"]) }
            return .object(order)
        }
        query["order_by"] = orders.count == 1 && oneIn(2) ? orders[0] : .array(orders)
        if oneIn(2) { query["limit"] = .int(Int64(1 + below(4))) }
    }
}
