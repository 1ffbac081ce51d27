// Extractions: whole events instead of figures about them.

internal import Aggregate
internal import Base
internal import JSON
package import Model
package import Plan

/// An extraction ready to run: what to ask the shards, and how to write what they give.
package struct PreparedExtraction: Sendable {
    package let plan: ExtractionPlan
    private let includesMetadata: Bool

    /// Checks the parameters and works out every instant. `now` is what relative timeframes count
    /// from; more than `eventsMax` events cannot be asked for.
    package init(
        project: ProjectID, parameters: Parameters, now: Timestamp, zones: ZoneLookup,
        eventsMax: Int = Limits.extractionEventsMax
    ) throws(QueryError) {
        let collection = CollectionID(project: project, collection: try parameters.collection())
        let zone = try Zone.parameter(parameters, lookup: zones)
        let timeframe = try parameters.timeframe().map { timeframe throws(QueryError) in
            try timeframe.range(now: now, zone: zone)
        }
        for name in ["interval", "group_by", "order_by"] where parameters.value(name) != nil {
            throw QueryError(.invalidParameter, "an extraction has no \(name)")
        }
        guard try ExtractionDelivery(parameters) == nil else {
            throw QueryError(
                .invalidParameter,
                "a saved extraction has no email and no file: its result is asked for")
        }
        var latest = try parameters.eventCount("latest", max: eventsMax)
        if latest == nil { latest = try parameters.eventCount("limit", max: eventsMax) }
        plan = ExtractionPlan(
            collection: collection, timeframe: timeframe,
            filters: try FilterParser(zone: zone).filters(parameters.value("filters")),
            properties: try parameters.propertyNames(),
            limit: latest ?? eventsMax, isLatest: latest != nil)
        includesMetadata = try parameters.bool("include_metadata") ?? false
    }

    /// How many events match; to be asked before an answer begins that would turn out too large.
    package var count: ScanPlan {
        ScanPlan(
            collection: plan.collection, timeframe: plan.timeframe, filters: plan.filters,
            aggregates: [AggregateRequest(kind: .count)])
    }

    /// Throws if more events match than may be given. `partial` is what all shards gave for
    /// `count`.
    package func check(_ partial: PartialResult) throws(ExtractionTooLarge) {
        guard case .count(let count)? = partial.groups.first?.states.first, !plan.isLatest,
            count > Int64(plan.limit)
        else { return }
        throw .events(max: plan.limit)
    }

    /// The whole JSON answer.
    package func finish(_ result: ExtractionResult, elapsed: Duration = .zero) -> [UInt8] {
        head + events(result.events, isFirst: true) + tail(result.statistics, elapsed: elapsed)
    }

    // The same in three parts, the second as often as there are events.

    package var head: [UInt8] { Array(#"{"result":["#.utf8) }

    package func events(_ events: [ExtractedEvent], isFirst: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(events.reduce(0) { $0 + $1.json.count + 1 })
        for (index, event) in events.enumerated() {
            if index > 0 || !isFirst { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: event.json)
        }
        return bytes
    }

    package func tail(_ statistics: ScanStatistics, elapsed: Duration) -> [UInt8] {
        guard includesMetadata else { return Array("]}".utf8) }
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        var paths = Set(plan.properties)
        plan.filters.forEach { $0.collectPaths(into: &paths) }
        json.writeMetadata(statistics, propertyCount: paths.count, elapsed: elapsed)
        json.endObject()
        return Array("],".utf8) + json.bytes.dropFirst()
    }
}

extension Parameters {
    /// A property, or a list of them; empty: everything.
    fileprivate func propertyNames() throws(QueryError) -> [PropertyPath] {
        guard let value = value("property_names") else { return [] }
        let elements = value.array ?? [value]
        guard elements.count <= Limits.propertiesPerEventMax else {
            throw QueryError(
                .tooLarge,
                "property_names lists at most \(Limits.propertiesPerEventMax) properties")
        }
        var paths: [PropertyPath] = []
        for element in elements {
            guard let text = element.string else {
                throw QueryError(
                    .invalidParameter,
                    "property_names is a property or a list of them, not \(element.kindName)")
            }
            let path = try PropertyPath(parameter: text)
            if !paths.contains(path) { paths.append(path) }
        }
        return paths
    }

    fileprivate func eventCount(_ name: String, max: Int) throws(QueryError) -> Int? {
        guard let count = try positiveInteger(name) else { return nil }
        guard count <= max else {
            throw QueryError(.tooLarge, "\(name) is at most \(max), not \(count)")
        }
        return count
    }
}
