// Retention: of those who did something for the first time in a period, how many did something in
// each period from then on.
//
//   {"first": {step}, "returning": {step}, "timeframe": …, "interval": "weekly", "periods": 8}
//
// Each step is one scan that gives the distinct actors of every period. The shards know the actors
// of their events only, so who came first when is worked out here, on what all of them gave.

internal import Aggregate
internal import Base
internal import JSON
package import Model
package import Plan

/// A retention analysis ready to run: what to ask the shards, and how to write what they give.
package struct PreparedRetention: Sendable {
    /// What to scan: one plan if both steps are the same, else the first step's and the returning
    /// one's.
    package let plans: [ScanPlan]
    private let actors: Set<PropertyPath>
    private let zone: Zone
    /// Periods that are told of each cohort, its own included.
    private let periods: Int
    private let includesMetadata: Bool

    private var boundaries: [Timestamp] { plans[0].boundaries }
    private var bucketCount: Int { max(boundaries.count - 1, 0) }

    /// Checks the parameters and works out every instant. `now` is what relative timeframes count
    /// from.
    package init(
        project: ProjectID, parameters: Parameters, now: Timestamp, zones: ZoneLookup
    ) throws(QueryError) {
        try parameters.checkRetention()
        zone = try Zone.parameter(parameters, lookup: zones)
        guard let timeframe = try parameters.timeframe() else {
            throw QueryError(.missingParameter, "retention needs a timeframe")
        }
        if case .absolute(nil, _) = timeframe {
            throw QueryError(.timeframe, "retention needs a timeframe with a start")
        }
        guard let text = try parameters.string("interval") else {
            throw QueryError(.missingParameter, "retention needs an interval")
        }
        let range = try timeframe.range(now: now, zone: zone)
        let boundaries = try Interval(text).boundaries(of: range, zone: zone)
        let whole = RetentionStep.Whole(
            project: project, timeframe: range, boundaries: boundaries, zone: zone)
        let steps = [
            try RetentionStep(parameters, "first", whole),
            try RetentionStep(parameters, "returning", whole),
        ]
        plans = steps[0].plan == steps[1].plan ? [steps[0].plan] : steps.map(\.plan)
        actors = Set(steps.map(\.actor))
        let count = max(boundaries.count - 1, 0)
        periods = min(try parameters.positiveInteger("periods") ?? count, count)
        includesMetadata = try parameters.bool("include_metadata") ?? false
        guard count * periods <= Limits.queryCellsMax else {
            throw QueryError(
                .tooLarge,
                "the answer would have more than \(Limits.queryCellsMax) figures: use a longer "
                    + "interval, a shorter timeframe or fewer periods")
        }
    }

    /// The whole JSON answer, of the plans' results in their order.
    package func finish(
        _ parts: [PartialResult], elapsed: Duration = .zero
    ) throws(QueryError) -> [UInt8] {
        var count = 0
        var seen: [[[Value]]] = []
        for part in parts { seen.append(try actors(of: part, count: &count)) }
        guard let first = seen.first, let returning = seen.last else {
            throw QueryError(.internalError, "a plan was not answered")
        }
        var cohorts: [Value: Int] = [:]
        for (bucket, actors) in first.enumerated() {
            for actor in actors where cohorts[actor] == nil { cohorts[actor] = bucket }
        }
        var sizes = [Int](repeating: 0, count: bucketCount)
        for bucket in cohorts.values { sizes[bucket] += 1 }
        var returned = (0..<bucketCount).map {
            [Int](repeating: 0, count: min(periods, bucketCount - $0))
        }
        for (bucket, actors) in returning.enumerated() {
            for actor in actors {
                guard let cohort = cohorts[actor], cohort <= bucket, bucket - cohort < periods
                else { continue }
                returned[cohort][bucket - cohort] += 1
            }
        }
        var statistics = ScanStatistics()
        for part in parts { statistics.add(part.statistics) }
        return write(sizes, returned, statistics, elapsed)
    }

    /// The actors of each bucket. `count` adds up those of all buckets and plans.
    private func actors(
        of partial: PartialResult, count: inout Int
    ) throws(QueryError) -> [[Value]] {
        var actors = [[Value]](repeating: [], count: bucketCount)
        for group in partial.groups {
            guard actors.indices.contains(Int(group.bucket)), group.key.isEmpty,
                group.states.count == 1, case .selectUnique(let distinct) = group.states[0]
            else { throw QueryError(.internalError, "a shard's answer does not fit the query") }
            count += distinct.values.count
            guard count <= Limits.funnelActorsMax else {
                throw QueryError(
                    .tooLarge,
                    "more than \(Limits.funnelActorsMax) actors in all periods together: choose "
                        + "fewer events with filters, a longer interval or a shorter timeframe")
            }
            actors[Int(group.bucket)] = distinct.values
        }
        return actors
    }

    private func write(
        _ sizes: [Int], _ returned: [[Int]], _ statistics: ScanStatistics, _ elapsed: Duration
    ) -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        json.key("result")
        json.beginArray()
        for (bucket, size) in sizes.enumerated() {
            json.beginObject()
            json.writeTimeframe(boundaries, bucket, zone)
            json.key("value")
            json.beginObject()
            json.key("actors")
            json.int(size)
            json.key("returned")
            json.beginArray()
            for count in returned[bucket] { json.int(count) }
            json.endArray()
            json.endObject()
            json.endObject()
        }
        json.endArray()
        if includesMetadata {
            var paths = actors
            for plan in plans { plan.filters.forEach { $0.collectPaths(into: &paths) } }
            paths.insert(.timestamp)
            json.writeMetadata(statistics, propertyCount: paths.count, elapsed: elapsed)
        }
        json.endObject()
        return json.bytes
    }
}

/// What being seen means.
private struct RetentionStep {
    /// What both steps have in common.
    struct Whole {
        let project: ProjectID
        let timeframe: Range<Timestamp>
        let boundaries: [Timestamp]
        let zone: Zone
    }

    let actor: PropertyPath
    /// Gives the distinct values of the actor property in each period.
    let plan: ScanPlan

    init(_ parameters: Parameters, _ name: String, _ whole: Whole) throws(QueryError) {
        guard let value = parameters.value(name) else {
            throw QueryError(.missingParameter, "retention needs the step '\(name)'")
        }
        guard let object = value.object else {
            throw QueryError(
                .invalidParameter, "'\(name)' must be an object, not \(value.kindName)")
        }
        do throws(QueryError) {
            try self.init(Parameters(object), whole)
        } catch { throw QueryError(error.code, "'\(name)': \(error.message)") }
    }

    private init(_ step: Parameters, _ whole: Whole) throws(QueryError) {
        for name in ["timeframe", "timezone", "inverted", "optional", "with_actors"]
        where step.value(name) != nil {
            throw QueryError(.invalidParameter, "a step of a retention has no \(name)")
        }
        actor = try step.actor()
        plan = ScanPlan(
            collection: CollectionID(project: whole.project, collection: try step.collection()),
            timeframe: whole.timeframe,
            filters: try FilterParser(zone: whole.zone).filters(step.value("filters")),
            boundaries: whole.boundaries,
            aggregates: [AggregateRequest(kind: .selectUnique, target: actor)])
    }
}

extension Parameters {
    /// What stands in the steps is not asked of the whole; empty lists say nothing.
    fileprivate func checkRetention() throws(QueryError) {
        for name in ["group_by", "order_by", "filters", "steps"] {
            guard let value = value(name), value.array?.isEmpty != true else { continue }
            throw QueryError(
                .invalidParameter,
                name == "filters"
                    ? "the filters of a retention stand in its steps" : "a retention has no \(name)"
            )
        }
    }
}
