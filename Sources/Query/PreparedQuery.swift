// The planner: a request and a clock become one scan for the shards, and what comes back from them
// becomes the answer's bytes.

internal import Aggregate
package import Model
package import Plan

/// A query ready to run: what to ask the shards, and how to write what they find.
package struct PreparedQuery: Sendable {
    package let request: QueryRequest
    /// What to scan. The first plan has the filters of the whole, so it decides which groups there
    /// are; each other has those of some figures besides, and differs in nothing else but what it
    /// asks.
    package let plans: [ScanPlan]
    /// Which of the states of all plans each figure is read from.
    let places: [Int]

    /// The plan that decides which groups there are.
    package var plan: ScanPlan { plans[0] }

    /// The states of a group, those of all plans one after the other.
    var kinds: [AggregateKind] { plans.flatMap { $0.aggregates.map(\.kind) } }

    /// Works out every instant of the request. `now` is what relative timeframes count from.
    package init(_ request: QueryRequest, now: Timestamp) throws(QueryError) {
        let range = try request.timeframe.map { timeframe throws(QueryError) in
            try timeframe.range(now: now, zone: request.zone)
        }
        var boundaries: [Timestamp] = []
        if let range, let interval = request.interval {
            boundaries = try interval.boundaries(of: range, zone: request.zone)
        }
        let whole = ScanPlan(
            collection: request.collection, timeframe: range, filters: request.filters,
            groupBy: request.groupBy,
            groupings: request.groupings.allSatisfy { $0 == .value } ? [] : request.groupings,
            boundaries: boundaries, aggregates: [])
        self.request = request
        (plans, places) = try Self.plans(of: request.figures, whole)
    }

    /// Figures of the same filters share a plan, those that are read from the same state that too.
    private static func plans(
        of figures: [Figure], _ whole: ScanPlan
    ) throws(QueryError) -> (plans: [ScanPlan], places: [Int]) {
        var plans = [whole]
        var places: [(plan: Int, aggregate: Int)] = []
        for figure in figures {
            guard let kind = figure.analysis.aggregate else {
                throw QueryError(.internalError, "'\(figure.analysis.rawValue)' is no figure")
            }
            let filters = whole.filters + figure.filters
            let plan = plans.firstIndex { $0.filters == filters } ?? plans.count
            if plan == plans.count {
                plans.append(whole)
                plans[plan].filters = filters
                plans[plan].aggregates = []
            }
            let aggregate = AggregateRequest(kind: kind, target: figure.target)
            let place =
                plans[plan].aggregates.firstIndex(of: aggregate) ?? plans[plan].aggregates.count
            if place == plans[plan].aggregates.count { plans[plan].aggregates.append(aggregate) }
            places.append((plan, place))
        }
        if plans[0].aggregates.isEmpty { plans[0].aggregates = [AggregateRequest(kind: .count)] }
        var first: [Int] = []
        var count = 0
        for plan in plans {
            first.append(count)
            count += plan.aggregates.count
        }
        return (plans, places.map { first[$0.plan] + $0.aggregate })
    }

    /// Puts the answers of all plans together, in their order: the groups of the first, each with
    /// the states that the others have of it, or those of no events.
    package func combine(_ parts: [PartialResult]) throws(QueryError) -> PartialResult {
        guard var combined = parts.first, parts.count == plans.count else {
            throw QueryError(.internalError, "a plan was not answered")
        }
        for (part, plan) in zip(parts, plans).dropFirst() {
            combined.statistics.add(part.statistics)
            combined.append(try Self.states(part, plan, of: combined.keys))
        }
        return combined
    }

    /// The states that an answer has of some groups, or those of no events.
    private static func states(
        _ part: PartialResult, _ plan: ScanPlan, of keys: GroupKeys
    ) throws(QueryError) -> [StateColumn] {
        let kinds = plan.aggregates.map(\.kind)
        guard part.count > 0, keys.count > 0 else {
            return kinds.map { StateColumn(empty: $0, count: keys.count) }
        }
        guard part.keys.columns.count == keys.columns.count, part.states.map(\.kind) == kinds else {
            throw Self.misfit
        }
        let wanted: [UInt32]
        do throws(AggregateError) { wanted = try keys.indexes(in: part.keys) } catch {
            throw QueryError(.tooLarge, error.description)
        }
        // Groups that the answer has not are those after its last.
        return part.states.map { column in
            var column = column
            column.appendEmpty()
            return column.picking(wanted)
        }
    }

    private static let misfit = QueryError(
        .internalError, "a shard's answer does not fit the query")

    /// Parses and plans in one go.
    package init(
        analysis: AnalysisName, project: ProjectID, parameters: Parameters, now: Timestamp,
        zones: ZoneLookup
    ) throws(QueryError) {
        let request = try QueryRequest(
            analysis: analysis, project: project, parameters: parameters, zones: zones)
        try self.init(request, now: now)
    }

    /// The whole JSON answer. `partial` is what all shards gave for all plans; `elapsed` goes into
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
        guard partial.count > 0 else { return }
        let buckets = 0..<Int32(clamping: request.interval == nil ? 1 : bucketCount)
        guard partial.keys.buckets.allSatisfy({ buckets.contains($0) }),
            partial.keys.columns.count == plan.groupBy.count, partial.states.map(\.kind) == kinds,
            zip(partial.keys.columns, request.groupings).allSatisfy({ Self.fits($0.values, $1) })
        else { throw Self.misfit }
    }

    private static func fits(_ values: DistinctValues, _ grouping: Grouping) -> Bool {
        guard case .ranges(let ranges) = grouping else { return true }
        return values.ints.allSatisfy { ranges.indices.contains(Int(clamping: $0)) }
    }
}
