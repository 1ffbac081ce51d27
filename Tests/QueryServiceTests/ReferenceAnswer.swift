import Foundation
import JSON

/// Times as texts, by Foundation's calendar: nothing of the product's own arithmetic.
enum UTCTime {
    private static let calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        return calendar
    }()

    static func text(_ milliseconds: Int64, secondsFromUTC: Int = 0) -> String {
        let local = milliseconds + Int64(secondsFromUTC) * 1000
        let whole = Int64((Double(local) / 1000).rounded(.down))
        let date = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second],
            from: Date(timeIntervalSince1970: Double(whole)))
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(count - text.count, 0)) + text
        }
        return "\(digits(date.year!, 4))-\(digits(date.month!, 2))-\(digits(date.day!, 2))"
            + "T\(digits(date.hour!, 2)):\(digits(date.minute!, 2)):\(digits(date.second!, 2))"
            + ".\(digits(Int(local - whole * 1000), 3))Z"
    }
}

/// One event's properties under dotted names.
struct PlainEvent {
    var properties: [String: JSONValue]
    /// Milliseconds since 1970.
    var time: Int64

    subscript(name: String) -> JSONValue? { properties[name] }
}

func flattened(_ event: JSONValue) -> PlainEvent {
    var flat: [String: JSONValue] = [:]
    func add(_ value: JSONValue, _ path: String) {
        guard let object = value.object, !object.isEmpty else {
            flat[path] = normal(value)
            return
        }
        for (name, member) in object { add(member, path.isEmpty ? name : "\(path).\(name)") }
    }
    add(event, "")
    let time = ReferenceCalendar(timezone: nil).instant(flat["keen.timestamp"]?.string ?? "")
    return PlainEvent(properties: flat, time: time)
}

/// Numbers are one type: integral doubles become integers.
private func normal(_ value: JSONValue) -> JSONValue {
    if case .double(let number) = value, let integer = Int64(exactly: number) {
        return .int(integer)
    }
    return value
}

/// The meaning of a query's parameters over a list of events, written as plainly as possible from
/// docs/api.md.
struct ReferenceAnswer {
    let query: JSONObject
    let calendar: ReferenceCalendar
    let now: Int64

    init(query: JSONObject, now: Int64) {
        self.query = query
        self.now = now
        calendar = ReferenceCalendar(timezone: query["timezone"])
        groups = query["group_by"]?.array ?? query["group_by"].map { [$0] } ?? []
        groupBy = groups.map { $0.string ?? $0["property_name"]?.string ?? "" }
    }

    private let groups: [JSONValue]
    private let groupBy: [String]
    /// What is the same for all events is worked out once.
    private let memory = Memory()

    private final class Memory {
        var instants: [String: Int64] = [:]
        var expressions: [String: NSRegularExpression] = [:]
    }

    func result(_ events: [PlainEvent]) -> JSONValue {
        let range = query["timeframe"].map { calendar.range($0, now: now) }
        let selected = events.filter { event in
            (range?.contains(event.time) ?? true)
                && (query["filters"]?.array ?? []).allSatisfy { holds($0, event) }
        }
        let keyed = groupBy.isEmpty ? [] : selected.map { Keyed(event: $0, key: key($0)) }
        let all = groups(keyed)
        guard let interval = query["interval"]?.string, let range else {
            return groupBy.isEmpty ? value(selected) : .array(records(all, keyed))
        }
        let boundaries = calendar.boundaries(range, interval)
        let texts = boundaries.map { JSONValue.string(calendar.text($0)) }
        let inside = Dictionary(grouping: selected) { bucket($0, boundaries) }
        let keyedInside = Dictionary(grouping: keyed) { bucket($0.event, boundaries) }
        let nothing = groupBy.isEmpty ? value([]) : .array(records(all, []))
        return .array(
            boundaries.indices.dropLast().map { index in
                let timeframe: JSONValue = ["start": texts[index], "end": texts[index + 1]]
                guard groupBy.isEmpty else {
                    let value = keyedInside[index].map { JSONValue.array(records(all, $0)) }
                    return ["timeframe": timeframe, "value": value ?? nothing]
                }
                return [
                    "value": inside[index].map { value($0) } ?? nothing, "timeframe": timeframe,
                ]
            })
    }

    /// The bucket that an event is in: as many boundaries are not after it, but for one.
    private func bucket(_ event: PlainEvent, _ boundaries: [Int64]) -> Int {
        var places = 0..<boundaries.count
        while !places.isEmpty {
            let middle = (places.lowerBound + places.upperBound) / 2
            if boundaries[middle] <= event.time {
                places = middle + 1..<places.upperBound
            } else {
                places = places.lowerBound..<middle
            }
        }
        return places.lowerBound - 1
    }

    // MARK: Groups

    /// An event and the group it is in.
    private struct Keyed {
        let event: PlainEvent
        let key: [JSONValue]
        /// The key as one text.
        let name: String

        init(event: PlainEvent, key: [JSONValue]) {
            self.event = event
            self.key = key
            name = Keyed.name(key)
        }

        static func name(_ key: [JSONValue]) -> String {
            String(decoding: JSONValue.array(key).encoded, as: UTF8.self)
        }
    }

    private func key(_ event: PlainEvent) -> [JSONValue] {
        zip(groupBy, groups).map { name, group in
            let value = event[name] ?? .null
            if let ranges = group["ranges"]?.array {
                guard let number = value.double else { return .null }
                let place = ranges.firstIndex { range in
                    (range["from"]?.double).map { $0 <= number } ?? true
                        && (range["to"]?.double).map { number < $0 } ?? true
                }
                return place.map { .int(Int64($0)) } ?? .null
            }
            guard let size = group["buckets"]?["size"]?.double else { return value }
            return value.double.map { normal(.double(($0 / size).rounded(.down) * size)) } ?? .null
        }
    }

    /// The combinations that occur, ascending.
    private func groups(_ events: [Keyed]) -> [[JSONValue]] {
        var keys: [String: [JSONValue]] = [:]
        for event in events { keys[event.name] = event.key }
        return keys.values.sorted { left, right in
            zip(left, right).first { $0 != $1 }.map { order($0, $1) } ?? false
        }
    }

    private func records(_ keys: [[JSONValue]], _ events: [Keyed]) -> [JSONValue] {
        let groups = Dictionary(grouping: events, by: \.name)
        let nothing = value([])
        var rows = keys.map { key in
            let members = groups[Keyed.name(key)]?.map(\.event)
            return (key: key, result: members.map { value($0) } ?? nothing)
        }
        // Stable insertion by each ordering, the last first.
        for ordering in orderings.reversed() {
            rows = rows.enumerated().sorted { left, right in
                let (a, b) = (
                    sortValue(left.element, ordering.name), sortValue(right.element, ordering.name)
                )
                if a == b { return left.offset < right.offset }
                if a == .null || b == .null { return b == .null }
                return ordering.isDescending ? order(b, a) : order(a, b)
            }.map(\.element)
        }
        return rows.prefix(query["limit"]?.int.map(Int.init) ?? .max).map { row in
            var record = JSONObject()
            for (place, name) in groupBy.enumerated() {
                record[name] = shown(row.key[place], self.groups[place])
            }
            if isMulti, let labels = row.result.object {
                for (label, value) in labels { record[label] = value }
            } else {
                record["result"] = row.result
            }
            return .object(record)
        }
    }

    /// The name of a range, or the value itself.
    private func shown(_ value: JSONValue, _ group: JSONValue) -> JSONValue {
        guard let ranges = group["ranges"]?.array, let place = value.int else { return value }
        let range = ranges[Int(place)]
        func edge(_ name: String) -> String {
            range[name].map { String(decoding: normal($0).encoded, as: UTF8.self) } ?? ""
        }
        return range["name"] ?? .string("\(edge("from"))..\(edge("to"))")
    }

    private var orderings: [(name: String, isDescending: Bool)] {
        let list = query["order_by"]?.array ?? query["order_by"].map { [$0] } ?? []
        return list.map { ($0["property_name"]?.string ?? "", $0["direction"]?.string == "DESC") }
    }

    private func sortValue(
        _ row: (key: [JSONValue], result: JSONValue), _ name: String
    ) -> JSONValue {
        groupBy.firstIndex(of: name).map { row.key[$0] }
            ?? (isMulti ? row.result[name] ?? .null : row.result)
    }

    // MARK: Analyses

    private var isMulti: Bool { query["analysis_type"] == "multi_analysis" }

    private func value(_ events: [PlainEvent]) -> JSONValue {
        guard isMulti else { return value(.object(query), events) }
        return .object(
            JSONObject(
                (query["analyses"]?.object ?? JSONObject()).map { label, analysis in
                    (key: label, value: value(analysis, events))
                }))
    }

    private func value(_ analysis: JSONValue, _ all: [PlainEvent]) -> JSONValue {
        let filters = isMulti ? analysis["filters"]?.array ?? [] : []
        let events = all.filter { event in filters.allSatisfy { holds($0, event) } }
        let target = analysis["target_property"]?.string ?? ""
        let values = events.compactMap { $0[target] }.filter { $0 != .null }
        let numbers = values.compactMap(\.double)
        switch analysis["analysis_type"]?.string {
        case "count": return .int(Int64(events.count))
        case "count_unique": return .int(Int64(distinct(values).count))
        case "select_unique": return .array(distinct(values))
        case "sum": return normal(.double(numbers.reduce(0, +)))
        case "average":
            return numbers.isEmpty
                ? .null : normal(.double(numbers.reduce(0, +) / Double(numbers.count)))
        case "minimum": return numbers.min().map { normal(.double($0)) } ?? .null
        case "maximum": return numbers.max().map { normal(.double($0)) } ?? .null
        case "median": return nearestRank(numbers, 50)
        case "percentile":
            guard let list = analysis["percentile"]?.array else {
                return nearestRank(numbers, analysis["percentile"]?.double ?? 0)
            }
            return .object(
                JSONObject(
                    list.map { percentile in
                        let name = String(decoding: percentile.encoded, as: UTF8.self)
                        return (key: name, value: nearestRank(numbers, percentile.double ?? 0))
                    }))
        case "standard_deviation":
            guard !numbers.isEmpty else { return .null }
            let mean = numbers.reduce(0, +) / Double(numbers.count)
            let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return .double((squares / Double(numbers.count)).squareRoot())
        default: return .null
        }
    }

    private func nearestRank(_ numbers: [Double], _ percentile: Double) -> JSONValue {
        guard !numbers.isEmpty else { return .null }
        let rank = (percentile * Double(numbers.count) / 100 - 1e-9).rounded(.up)
        return normal(.double(numbers.sorted()[max(Int(rank), 1) - 1]))
    }

    private func distinct(_ values: [JSONValue]) -> [JSONValue] {
        var found: [JSONValue] = []
        for value in values where !found.contains(value) { found.append(value) }
        return found.sorted(by: order)
    }

    // MARK: Filters

    func holds(_ filter: JSONValue, _ event: PlainEvent) -> Bool {
        if let operands = filter["operands"]?.array {
            switch filter["operator"] {
            case "or": return operands.contains { holds($0, event) }
            case "not": return !holds(operands[0], event)
            default: return operands.allSatisfy { holds($0, event) }
            }
        }
        let name = filter["property_name"]?.string ?? ""
        let stored = event[name] ?? .null
        let wanted = normal(filter["property_value"] ?? .null)
        switch filter["operator"]?.string {
        case "eq": return equals(stored, wanted)
        case "ne": return !equals(stored, wanted)
        case "in": return (wanted.array ?? []).contains { equals(stored, normal($0)) }
        case "exists": return (stored != .null) == (wanted == .bool(true))
        case "contains": return contains(stored, wanted)
        case "not_contains": return !contains(stored, wanted)
        case "regex":
            guard let text = stored.string, let pattern = wanted.string else { return false }
            // Foundation's engine: another author's reading of the same language.
            let expression =
                memory.expressions[pattern] ?? (try? NSRegularExpression(pattern: pattern))
            memory.expressions[pattern] = expression
            let range = NSRange(text.startIndex..., in: text)
            return expression?.firstMatch(in: text, range: range) != nil
        case "within":
            let distance = miles(stored.array ?? [], wanted["coordinates"]?.array ?? [])
            return distance.map { $0 <= wanted["max_distance_miles"]?.double ?? 0 } ?? false
        case let comparison?:
            if name == "keen.timestamp" {
                let text = wanted.string ?? ""
                let limit = memory.instants[text] ?? calendar.instant(text)
                memory.instants[text] = limit
                return compares(.int(event.time), comparison, .int(limit))
            }
            return compares(stored, comparison, wanted)
        case nil: return false
        }
    }

    /// By the law of cosines.
    private func miles(_ left: [JSONValue], _ right: [JSONValue]) -> Double? {
        guard let east = left.first?.double, left.count >= 2, let north = left[1].double,
            let otherEast = right.first?.double, let otherNorth = right[1].double
        else { return nil }
        let (a, b) = (north * .pi / 180, otherNorth * .pi / 180)
        let cosine = sin(a) * sin(b) + cos(a) * cos(b) * cos((east - otherEast) * .pi / 180)
        return acos(max(min(cosine, 1), -1)) * 6371.0088 / 1.609344
    }

    private func equals(_ stored: JSONValue, _ wanted: JSONValue) -> Bool {
        stored == wanted || (stored.array ?? []).contains { normal($0) == wanted }
    }

    private func contains(_ stored: JSONValue, _ wanted: JSONValue) -> Bool {
        if let text = stored.string {
            guard let part = wanted.string else { return false }
            return part.isEmpty || text.contains(part)
        }
        return (stored.array ?? []).contains { normal($0) == wanted }
    }

    private func compares(_ left: JSONValue, _ comparison: String, _ right: JSONValue) -> Bool {
        let bothNumbers = left.double != nil && right.double != nil
        let bothStrings = left.string != nil && right.string != nil
        guard bothNumbers || bothStrings else { return false }
        switch comparison {
        case "lt": return order(left, right)
        case "lte": return !order(right, left)
        case "gt": return order(right, left)
        default: return !order(left, right)
        }
    }

    /// Ascending: false, true, numbers, strings, arrays, null.
    private func order(_ left: JSONValue, _ right: JSONValue) -> Bool {
        func rank(_ value: JSONValue) -> Int {
            switch value {
            case .bool: 0
            case .int, .double: 1
            case .string: 2
            case .array, .object: 3
            case .null: 4
            }
        }
        if rank(left) != rank(right) { return rank(left) < rank(right) }
        switch (left, right) {
        case (.bool(let left), .bool(let right)): return !left && right
        case (.string(let left), .string(let right)):
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.array, .array): return left.encoded.lexicographicallyPrecedes(right.encoded)
        default:
            guard let left = left.double, let right = right.double else { return false }
            return left < right
        }
    }
}

/// Averages and deviations may differ in their last bits; everything else, the order of members
/// included, is exact.
func isSame(_ found: JSONValue?, _ expected: JSONValue) -> Bool {
    switch (found, expected) {
    case (.array(let found)?, .array(let expected)):
        return found.count == expected.count
            && zip(found, expected).allSatisfy { isSame($0, $1) }
    case (.object(let found)?, .object(let expected)):
        return found.names == expected.names
            && expected.names.allSatisfy { isSame(found[$0], expected[$0] ?? .null) }
    case (.int(let left)?, .int(let right)): return left == right
    default:
        guard let left = found?.double, let right = expected.double else {
            return found == expected
        }
        return (left - right).magnitude <= 1e-12 * max(1, right.magnitude)
    }
}
