// The `group_by` parameter: properties, and how their values become groups.
//
//   "plan"                                                            each value a group
//   {"property_name": "age", "buckets": {"size": 10}}                 numbers, tens of them
//   {"property_name": "age", "ranges": [{"from": 0, "to": 18, "name": "young"}, {"from": 18}]}
//
// Ranges may also stand in `buckets`.

internal import Base
internal import JSON
internal import Model
internal import Plan

/// One member of a group_by.
struct GroupParameter {
    var path: PropertyPath
    var grouping: Grouping
    /// Of a grouping by ranges.
    var rangeNames: [String] = []
}

extension Parameters {
    func groups() throws(QueryError) -> [GroupParameter] {
        guard let value = value("group_by") else { return [] }
        guard value.array != nil || value.string != nil || value.object != nil else {
            throw QueryError(
                .invalidParameter,
                "group_by must be a property name or a list of them, not \(value.kindName)")
        }
        let elements = value.array ?? [value]
        guard elements.count <= Limits.queryGroupByMax else {
            throw QueryError(
                .tooLarge, "group_by names at most \(Limits.queryGroupByMax) properties")
        }
        var groups: [GroupParameter] = []
        for element in elements {
            let group = try GroupParameter(element)
            guard !groups.contains(where: { $0.path == group.path }) else {
                throw QueryError(
                    .invalidParameter, "group_by names '\(group.path.text.shortened)' twice")
            }
            groups.append(group)
        }
        return groups
    }
}

extension GroupParameter {
    fileprivate init(_ value: JSONValue) throws(QueryError) {
        guard let text = value.string ?? value["property_name"]?.string else {
            throw QueryError(
                .invalidParameter,
                "group_by lists \(value.kindName): expected a string, or an object with "
                    + "property_name and buckets or ranges")
        }
        path = try PropertyPath(parameter: text)
        grouping = .value
        guard let object = value.object else { return }
        guard !path.isTime else {
            throw QueryError(
                .invalidParameter, "'\(path.text)' has no buckets: an interval cuts time")
        }
        if let ranges = object["ranges"] ?? object["buckets"]?["ranges"] {
            try take(ranges: ranges)
            return
        }
        guard let size = object["buckets"]?["size"]?.double, size > 0, size.isFinite else {
            throw QueryError(
                .invalidParameter,
                "buckets of '\(path.text.shortened)' need a size, a number above 0, or ranges")
        }
        grouping = .numbers(size: size)
    }

    private mutating func take(ranges: JSONValue) throws(QueryError) {
        let place = "ranges of '\(path.text.shortened)'"
        guard let elements = ranges.array, !elements.isEmpty,
            elements.count <= Limits.queryRangesMax
        else {
            throw QueryError(
                .invalidParameter, "\(place) are a list of 1 to \(Limits.queryRangesMax)")
        }
        var numbers: [NumberRange] = []
        for element in elements {
            let start = try Self.edge(element["from"], place)
            let end = try Self.edge(element["to"], place)
            guard element.object != nil, start != nil || end != nil,
                start ?? -.infinity < end ?? .infinity
            else {
                throw QueryError(
                    .invalidParameter,
                    "\(place) have a number from, a larger one to, or one of them")
            }
            let name = element["name"]?.string ?? Self.name(start, end)
            guard !rangeNames.contains(name) else {
                throw QueryError(
                    .invalidParameter, "two \(place) are called '\(name.shortened)'")
            }
            rangeNames.append(name)
            numbers.append(NumberRange(start: start ?? -.infinity, end: end ?? .infinity))
        }
        grouping = .ranges(numbers)
    }

    private static func edge(
        _ value: JSONValue?, _ place: String
    ) throws(QueryError) -> Double? {
        guard let value, !value.isNull else { return nil }
        guard let number = value.double, number.isFinite else {
            throw QueryError(.invalidParameter, "\(place) go from a number to a number")
        }
        return number
    }

    /// `0..18`, `18..`, `..0`
    private static func name(_ start: Double?, _ end: Double?) -> String {
        [start, end].map { edge in
            guard let edge else { return "" }
            var json = JSONWriter()
            json.number(edge)
            return String(decoding: json.bytes, as: UTF8.self)
        }.joined(separator: "..")
    }
}
