// One query as it was asked: parameters checked and typed, nothing computed yet. Rules between
// parameters are checked here too, so that whatever holds a request may plan it.

internal import Base
internal import JSON
package import Model
package import Plan

/// A request for one analysis of one collection.
package struct QueryRequest: Sendable {
    package var analysis: AnalysisName
    package var collection: CollectionID
    /// One, or for a multi_analysis one under each label.
    package var figures: [Figure]
    /// nil means all time.
    package var timeframe: Timeframe?
    package var zone: Zone
    package var interval: Interval?
    package var filters: [Filter]
    package var groupBy: [PropertyPath]
    /// One for each of `groupBy`.
    package var groupings: [Grouping]
    /// What the ranges of a grouping by ranges are called, one list for each of `groupBy`.
    package var rangeNames: [[String]]
    package var orderBy: [Ordering]
    package var limit: Int?
    /// Whether the answer says what it cost.
    package var includesMetadata: Bool
    /// Whether the answer says what was read for it, and how long that took.
    package var explains: Bool
    /// Whether shards that do not answer may be missing from the answer.
    package var allowsPartial: Bool

    package init(
        analysis: AnalysisName, project: ProjectID, parameters: Parameters, zones: ZoneLookup
    ) throws(QueryError) {
        guard analysis.hasIntervals else {
            throw QueryError(.internalError, "'\(analysis.rawValue)' is no single scan")
        }
        self.analysis = analysis
        collection = CollectionID(project: project, collection: try parameters.collection())
        timeframe = try parameters.timeframe()
        zone = try Zone.parameter(parameters, lookup: zones)
        interval = try parameters.string("interval").map { text throws(QueryError) in
            try Interval(text)
        }
        filters = try FilterParser(zone: zone).filters(parameters.value("filters"))
        let groups = try parameters.groups()
        groupBy = groups.map(\.path)
        groupings = groups.map(\.grouping)
        rangeNames = groups.map(\.rangeNames)
        figures = try parameters.figures(of: analysis, groupBy: groupBy, zone: zone)
        orderBy = try parameters.orderBy(groupBy: groupBy, figures: figures)
        limit = try parameters.positiveInteger("limit")
        includesMetadata = try parameters.bool("include_metadata") ?? false
        explains = try parameters.bool("explain") ?? false
        allowsPartial = try parameters.bool("allow_partial") ?? false
        try checkCombinations()
    }

    private func checkCombinations() throws(QueryError) {
        if interval != nil {
            guard let timeframe else {
                throw QueryError(.missingParameter, "an interval needs a timeframe")
            }
            if case .absolute(nil, _) = timeframe {
                throw QueryError(.timeframe, "an interval needs a timeframe with a start")
            }
        }
        if !orderBy.isEmpty && groupBy.isEmpty {
            throw QueryError(.missingParameter, "order_by needs group_by")
        }
        if limit != nil && orderBy.isEmpty {
            throw QueryError(.missingParameter, "limit needs order_by")
        }
    }
}

/// What groups are ordered by.
package struct Ordering: Sendable, Hashable {
    package enum Key: Sendable, Hashable {
        /// A member of group_by, by its place.
        case group(Int)
        /// One of the figures, by its place.
        case figure(Int)
    }

    package var key: Key
    package var isDescending: Bool
}

extension Parameters {
    func collection() throws(QueryError) -> CollectionName {
        guard let text = try name("event_collection") else {
            throw QueryError(.missingParameter, "event_collection is missing")
        }
        do { return try CollectionName(text) } catch {
            throw QueryError(.collectionName, error.message)
        }
    }

    func timeframe() throws(QueryError) -> Timeframe? {
        switch value("timeframe") {
        case nil: return nil
        case .string(let text)?: return try Timeframe(relative: text)
        case .object(let object)?:
            return try Timeframe(
                start: try Parameters.time(object["start"], named: "start"),
                end: try Parameters.time(object["end"], named: "end"))
        case let other?:
            throw QueryError(
                .timeframe,
                "a timeframe is a string or an object with start and end, not \(other.kindName)")
        }
    }

    private static func time(_ value: JSONValue?, named name: String) throws(QueryError) -> String?
    {
        guard let value, value != .null else { return nil }
        guard let text = value.string else {
            throw QueryError(
                .timeframe, "the timeframe's \(name) must be a string, not \(value.kindName)")
        }
        return text
    }

    fileprivate func orderBy(
        groupBy: [PropertyPath], figures: [Figure]
    ) throws(QueryError) -> [Ordering] {
        guard let value = value("order_by") else { return [] }
        let elements = value.array ?? [value]
        guard elements.count <= Limits.queryGroupByMax + 1 else {
            throw QueryError(.tooLarge, "order_by has too many members")
        }
        var orderings: [Ordering] = []
        for element in elements {
            orderings.append(
                try Parameters.ordering(element, groupBy: groupBy, figures: figures))
        }
        return orderings
    }

    private static func ordering(
        _ value: JSONValue, groupBy: [PropertyPath], figures: [Figure]
    ) throws(QueryError) -> Ordering {
        guard let object = value.object else {
            throw QueryError(
                .invalidParameter,
                "order_by is an object with property_name and direction, or a list of them")
        }
        guard let name = object["property_name"]?.string else {
            throw QueryError(.missingParameter, "order_by has no property_name")
        }
        let isDescending = try isDescending(object["direction"])
        if let place = groupBy.firstIndex(where: { $0.text == name && name != "result" }) {
            return Ordering(key: .group(place), isDescending: isDescending)
        }
        guard let place = figures.firstIndex(where: { $0.label == name }) else {
            let labels = figures.map { "'\($0.label.shortened)'" }.joined(separator: ", ")
            throw QueryError(
                .invalidParameter,
                "order_by names '\(name.shortened)', which is neither in group_by nor \(labels)")
        }
        guard figures[place].hasOrder else {
            throw QueryError(
                .invalidParameter,
                "the answers of select_unique and of several percentiles have no order")
        }
        return Ordering(key: .figure(place), isDescending: isDescending)
    }

    private static func isDescending(_ value: JSONValue?) throws(QueryError) -> Bool {
        guard let value, value != .null else { return false }
        switch value.string?.uppercased() {
        case "ASC": return false
        case "DESC": return true
        default:
            throw QueryError(.invalidParameter, "the direction of order_by is ASC or DESC")
        }
    }
}
