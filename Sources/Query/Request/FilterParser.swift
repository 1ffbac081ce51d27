// Filters of a request, and what they mean to a scan. The semantics on mixed, null and missing
// values are the scan's (docs/api.md has the table); here types are checked and times are read.

internal import Base
internal import JSON
package import Model
internal import Plan

/// Reads a list of `{property_name, operator, property_value}`.
struct FilterParser {
    /// In which times without a zone are understood.
    let zone: Zone

    func filters(_ value: JSONValue?) throws(QueryError) -> [Filter] {
        guard let value else { return [] }
        guard let elements = value.array else {
            throw QueryError(.invalidParameter, "filters must be a list, not \(value.kindName)")
        }
        var count = 0
        return try filters(elements, place: "filter ", depth: 0, count: &count)
    }

    /// `depth` is how many operators they stand in, `count` how many filters there were before.
    private func filters(
        _ elements: [JSONValue], place: String, depth: Int, count: inout Int
    ) throws(QueryError) -> [Filter] {
        guard depth <= Limits.queryFilterDepthMax else {
            throw QueryError(
                .tooLarge, "filters nest at most \(Limits.queryFilterDepthMax) deep")
        }
        count += elements.count
        guard count <= Limits.queryFiltersMax else {
            throw QueryError(
                .tooLarge, "a query has at most \(Limits.queryFiltersMax) filters")
        }
        var filters: [Filter] = []
        for (index, element) in elements.enumerated() {
            let place = "\(place)\(index + 1)"
            filters.append(try filter(element, place: place, depth: depth, count: &count))
        }
        return filters
    }

    /// `or`, `and`, `not`: filters in place of a property.
    private func combination(
        _ operation: FilterOperator, _ object: JSONObject, place: String, depth: Int,
        count: inout Int
    ) throws(QueryError) -> Filter {
        let described = "\(place) (\(operation.rawValue))"
        guard let value = object["operands"] else {
            throw QueryError(.missingParameter, "\(described) has no operands")
        }
        guard let elements = value.array, !elements.isEmpty,
            operation != .not || elements.count == 1
        else {
            throw QueryError(
                .invalidParameter,
                "the operands of \(described) must be "
                    + (operation == .not ? "a list of one filter" : "a list of filters"))
        }
        let operands = try filters(
            elements, place: "\(place).", depth: depth + 1, count: &count)
        switch operation {
        case .or: return .any(operands)
        case .not: return .not(operands[0])
        default: return .all(operands)
        }
    }

    private func filter(
        _ value: JSONValue, place: String, depth: Int, count: inout Int
    ) throws(QueryError) -> Filter {
        guard let object = value.object else {
            throw QueryError(.invalidParameter, "\(place) must be an object, not \(value.kindName)")
        }
        guard let written = object["operator"] else {
            throw QueryError(.missingParameter, "\(place) has no operator")
        }
        guard let word = written.string else {
            throw QueryError(.invalidParameter, "the operator of \(place) must be a string")
        }
        guard let operation = FilterOperator(rawValue: word) else {
            throw QueryError(
                .invalidParameter,
                "\(place) has an operator that does not exist: '\(word.shortened)'")
        }
        if operation == .or || operation == .and || operation == .not {
            return try combination(
                operation, object, place: place, depth: depth, count: &count)
        }
        guard let name = object["property_name"] else {
            throw QueryError(.missingParameter, "\(place) has no property_name")
        }
        guard let text = name.string else {
            throw QueryError(.invalidParameter, "the property_name of \(place) must be a string")
        }
        let path = try PropertyPath(parameter: text)
        let described = "\(place) (\(text.shortened) \(word))"
        if operation == .within && text != "keen.location.coordinates" {
            throw QueryError(
                .geoFilter, "\(described): within works on keen.location.coordinates only")
        }
        guard let operand = object["property_value"] else {
            throw QueryError(.missingParameter, "\(described) has no property_value")
        }
        return try FilterOperand(path: path, value: operand, zone: zone, place: described)
            .filter(operation)
    }
}

/// The words of the language.
private enum FilterOperator: String {
    case eq, ne, lt, lte, gt, gte, exists, contains, within, regex, or, and, not
    case among = "in"
    case notContains = "not_contains"
}

/// One property and what it is compared with.
private struct FilterOperand {
    let path: PropertyPath
    let value: JSONValue
    let zone: Zone
    /// For error messages.
    let place: String

    func filter(_ operation: FilterOperator) throws(QueryError) -> Filter {
        switch operation {
        case .eq: .compare(path, .equal, try scalar(value))
        case .ne: .compare(path, .notEqual, try scalar(value))
        case .lt: .compare(path, .less, try ordered())
        case .lte: .compare(path, .lessOrEqual, try ordered())
        case .gt: .compare(path, .greater, try ordered())
        case .gte: .compare(path, .greaterOrEqual, try ordered())
        case .exists: .exists(path, try existence())
        case .among: .among(path, try members())
        case .contains: .contains(path, try part())
        case .notContains: .not(.contains(path, try part()))
        case .within: .within(path, try circle())
        case .regex: .matches(path, try pattern())
        // Their operands were read in their place.
        case .or, .and, .not: throw wrong("operands")
        }
    }

    private func wrong(_ expected: String) -> QueryError {
        QueryError(.invalidParameter, "\(place) needs \(expected), not \(value.kindName)")
    }

    /// A string, number, bool or null; a time where the property is one.
    private func scalar(_ value: JSONValue) throws(QueryError) -> Value {
        switch value {
        case .null: return .null
        case .bool(let bool) where !path.isTime: return .bool(bool)
        case .int(let number) where !path.isTime: return .int(number)
        case .double(let number) where !path.isTime: return Value(canonical: number)
        case .string(let text): return path.isTime ? try time(text) : .string(text)
        default:
            throw wrong(path.isTime ? "an ISO 8601 time" : "a string, number, bool or null")
        }
    }

    private func ordered() throws(QueryError) -> Value {
        switch value {
        case .int, .double, .string: try scalar(value)
        default: throw wrong(path.isTime ? "an ISO 8601 time" : "a number or a string")
        }
    }

    private func time(_ text: String) throws(QueryError) -> Value {
        guard let civil = CivilTime(iso8601: text.utf8) else {
            throw QueryError(
                .invalidParameter, "\(place): '\(text.shortened)' is not an ISO 8601 time")
        }
        return .int(zone.instant(civil).milliseconds)
    }

    private func existence() throws(QueryError) -> Bool {
        guard let bool = value.lenientBool else { throw wrong("true or false") }
        return bool
    }

    private func members() throws(QueryError) -> [Value] {
        guard let elements = value.array else { throw wrong("a list") }
        guard elements.count <= Limits.queryFilterValuesMax else {
            throw QueryError(
                .tooLarge, "\(place) lists more than \(Limits.queryFilterValuesMax) values")
        }
        var values: [Value] = []
        for element in elements { values.append(try scalar(element)) }
        return values
    }

    private func circle() throws(QueryError) -> GeoCircle {
        guard let places = value["coordinates"]?.array, places.count == 2,
            let east = places[0].double, let north = places[1].double,
            east.magnitude <= 180, north.magnitude <= 90
        else {
            throw QueryError(
                .invalidParameter,
                "\(place) needs coordinates: a list of degrees east and degrees north")
        }
        guard let miles = value["max_distance_miles"]?.double, miles >= 0, miles.isFinite else {
            throw QueryError(
                .invalidParameter, "\(place) needs max_distance_miles, a number not below 0")
        }
        return GeoCircle(longitude: east, latitude: north, radiusMiles: miles)
    }

    private func pattern() throws(QueryError) -> TextPattern {
        guard !path.isTime, case .string(let text) = value else {
            throw wrong("a pattern, on a property that is no time")
        }
        do throws(PatternError) { return try TextPattern(text) } catch {
            throw QueryError(.invalidParameter, "\(place): the pattern is wrong: \(error.message)")
        }
    }

    private func part() throws(QueryError) -> Value {
        guard !path.isTime else {
            throw QueryError(.invalidParameter, "\(place): a time has no parts to look for")
        }
        switch value {
        case .string, .int, .double, .bool: return try scalar(value)
        default: throw wrong("a string, number or bool")
        }
    }
}

extension PropertyPath {
    /// Whether the stored values are instants that clients write as ISO 8601 text.
    var isTime: Bool { self == .timestamp || self == .createdAt }

    /// A property as a request names it: parts that an event's properties may be called.
    package init(parameter text: String) throws(QueryError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard !text.isEmpty else {
            throw QueryError(.propertyName, "a property name must not be empty")
        }
        guard parts.allSatisfy({ !$0.isEmpty && $0.count <= Limits.propertyNameCharactersMax }),
            parts.count <= Limits.propertyDepthMax
        else {
            throw QueryError(
                .propertyName,
                "the property name '\(text.shortened)' is not valid: its parts between dots have 1 "
                    + "to \(Limits.propertyNameCharactersMax) characters")
        }
        guard !parts.contains(where: { $0.hasPrefix("$") }) else {
            throw QueryError(
                .propertyName,
                "the property name '\(text.shortened)' is not valid: no part may begin with '$'")
        }
        do { try self.init(text) } catch {
            throw QueryError(.propertyName, error.message)
        }
    }
}
