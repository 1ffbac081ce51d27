// Extractions: whole events instead of figures about them.

internal import Base
internal import JSON
package import Model
package import Plan

/// An extraction ready to run: what to ask the shards, and how to write what they give.
package struct PreparedExtraction: Sendable {
    package let plan: ExtractionPlan
    private let includesMetadata: Bool

    /// Checks the parameters and works out every instant. `now` is what relative timeframes count
    /// from.
    package init(
        project: ProjectID, parameters: Parameters, now: Timestamp, zones: ZoneLookup
    ) throws(QueryError) {
        let collection = CollectionID(project: project, collection: try parameters.collection())
        let zone = try Zone.parameter(parameters, lookup: zones)
        let timeframe = try parameters.timeframe().map { timeframe throws(QueryError) in
            try timeframe.range(now: now, zone: zone)
        }
        for name in ["interval", "group_by", "order_by"] where parameters.value(name) != nil {
            throw QueryError(.invalidParameter, "an extraction has no \(name)")
        }
        for name in ["email", "email_address"] where parameters.value(name) != nil {
            throw QueryError(.notSupported, "extractions by email are not supported")
        }
        try parameters.checkContentType()
        var latest = try parameters.eventCount("latest")
        if latest == nil { latest = try parameters.eventCount("limit") }
        plan = ExtractionPlan(
            collection: collection, timeframe: timeframe,
            filters: try FilterParser(zone: zone).filters(parameters.value("filters")),
            properties: try parameters.propertyNames(),
            limit: latest ?? Limits.extractionEventsMax, isLatest: latest != nil)
        includesMetadata = try parameters.bool("include_metadata") ?? false
    }

    /// The whole JSON answer.
    package func finish(_ result: ExtractionResult, elapsed: Duration = .zero) -> [UInt8] {
        let bytes = result.events.reduce(256) { $0 + $1.json.count + 1 }
        var json = JSONWriter(capacity: bytes)
        json.beginObject()
        json.key("result")
        json.beginArray()
        for event in result.events { json.raw(event.json) }
        json.endArray()
        if includesMetadata {
            var paths = Set(plan.properties)
            plan.filters.forEach { $0.collectPaths(into: &paths) }
            json.writeMetadata(result.statistics, propertyCount: paths.count, elapsed: elapsed)
        }
        json.endObject()
        return json.bytes
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

    fileprivate func eventCount(_ name: String) throws(QueryError) -> Int? {
        guard let count = try positiveInteger(name) else { return nil }
        guard count <= Limits.extractionEventsMax else {
            throw QueryError(
                .tooLarge, "\(name) is at most \(Limits.extractionEventsMax), not \(count)")
        }
        return count
    }

    fileprivate func checkContentType() throws(QueryError) {
        guard let type = try string("content_type"), type != "application/json" else { return }
        throw QueryError(.notSupported, "extractions are JSON, not '\(type.shortened)'")
    }
}
