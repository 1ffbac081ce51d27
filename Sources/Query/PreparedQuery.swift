// The planner: a request and a clock become one scan for the shards, and what comes back from them
// becomes the answer's bytes.

internal import Aggregate
package import Model
package import Plan

/// A query ready to run: what to ask the shards, and how to write what they find.
package struct PreparedQuery: Sendable {
    package let request: QueryRequest
    package let plan: ScanPlan
    /// Which of the plan's aggregates each figure is read from.
    let places: [Int]

    /// Works out every instant of the request. `now` is what relative timeframes count from.
    package init(_ request: QueryRequest, now: Timestamp) throws(QueryError) {
        let (aggregates, places) = try Self.aggregates(of: request.figures)
        let range = try request.timeframe.map { timeframe throws(QueryError) in
            try timeframe.range(now: now, zone: request.zone)
        }
        var boundaries: [Timestamp] = []
        if let range, let interval = request.interval {
            boundaries = try interval.boundaries(of: range, zone: request.zone)
        }
        self.request = request
        self.places = places
        plan = ScanPlan(
            collection: request.collection, timeframe: range, filters: request.filters,
            groupBy: request.groupBy,
            groupings: request.groupings.allSatisfy { $0 == .value } ? [] : request.groupings,
            boundaries: boundaries,
            aggregates: aggregates)
    }

    /// Figures that are read from the same state share it.
    private static func aggregates(
        of figures: [Figure]
    ) throws(QueryError) -> (aggregates: [AggregateRequest], places: [Int]) {
        var aggregates: [AggregateRequest] = []
        var places: [Int] = []
        for figure in figures {
            guard let kind = figure.analysis.aggregate else {
                throw QueryError(
                    .notSupported,
                    "the analysis '\(figure.analysis.rawValue)' is not supported yet")
            }
            let aggregate = AggregateRequest(kind: kind, target: figure.target)
            let place = aggregates.firstIndex(of: aggregate) ?? aggregates.count
            if place == aggregates.count { aggregates.append(aggregate) }
            places.append(place)
        }
        return (aggregates, places)
    }

    /// Parses and plans in one go.
    package init(
        analysis: AnalysisName, project: ProjectID, parameters: Parameters, now: Timestamp,
        zones: ZoneLookup
    ) throws(QueryError) {
        let request = try QueryRequest(
            analysis: analysis, project: project, parameters: parameters, zones: zones)
        try self.init(request, now: now)
    }

    /// The whole JSON answer. `partial` is the merge of what all shards gave; `elapsed` goes into
    /// the metadata, if the request wanted any; `missing` is what `allow_partial` let be missing.
    package func finish(
        _ partial: PartialResult, elapsed: Duration = .zero, missing: [MissingShards] = []
    ) throws(QueryError) -> [UInt8] {
        try check(partial)
        var writer = ResultWriter(query: self)
        return try writer.answer(partial, elapsed: elapsed, missing: missing)
    }

    /// How many buckets the answer has; 0 without an interval and for an empty timeframe.
    var bucketCount: Int { max(plan.boundaries.count - 1, 0) }

    /// Partial results come over the network, so their shape is held against the plan once more.
    private func check(_ partial: PartialResult) throws(QueryError) {
        let buckets = request.interval == nil ? 1 : bucketCount
        let kinds = plan.aggregates.map(\.kind)
        for group in partial.groups {
            guard group.bucket >= 0, Int(group.bucket) < buckets,
                group.key.count == plan.groupBy.count, group.states.map(\.kind) == kinds
            else {
                throw QueryError(.internalError, "a shard's answer does not fit the query")
            }
        }
    }
}
