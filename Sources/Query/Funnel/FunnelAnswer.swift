// Puts a funnel's scans together. Pure; what it holds in memory is bounded.
//
//   {"result": [3, 1], "steps": [{...}, {...}], "actors": [null, ["ana"]]}
//
// `actors` is there if a step asked for it.

internal import Aggregate
internal import Base
internal import JSON
internal import Model
package import Plan

/// Collects the scans of one funnel, in whatever order they come.
package struct FunnelAnswer {
    private let funnel: PreparedFunnel
    /// The actors that each plan found; nil until it has.
    private var actors: [DistinctValues?]
    /// The same for a funnel in which the order counts.
    private var times: [ActorTimes]
    private var actorCount = 0
    private var statistics = ScanStatistics()

    package init(_ funnel: PreparedFunnel) {
        self.funnel = funnel
        actors = Array(repeating: nil, count: funnel.plans.count)
        times = Array(repeating: [:], count: funnel.plans.count)
    }

    /// Adds the merge of what all shards gave for the plan at `index`. Throws if all plans together
    /// found more actors than `Limits.funnelActorsMax`.
    package mutating func add(
        _ partial: consuming PartialResult, at index: Int
    ) throws(QueryError) {
        statistics.add(partial.statistics)
        if funnel.order != nil {
            times[index] = try OrderedFunnel.times(partial)
            return try count(times[index].reduce(0) { $0 + $1.value.count })
        }
        var found = DistinctValues()
        switch partial.groups.first?.states.first {
        case nil where partial.groups.isEmpty: break
        case .selectUnique(let distinct)? where partial.groups.count == 1: found = distinct
        default: throw QueryError(.internalError, "a shard's answer does not fit the funnel")
        }
        actors[index] = found
        try count(found.count)
    }

    /// Actors, or the instants at which they were seen.
    private mutating func count(_ more: Int) throws(QueryError) {
        actorCount += more
        guard actorCount <= Limits.funnelActorsMax else {
            throw QueryError(
                .tooLarge,
                "the steps of the funnel have more than \(Limits.funnelActorsMax) actors together: "
                    + "choose fewer events with filters or shorter timeframes")
        }
    }

    /// The whole JSON answer; every plan must have been added. `elapsed` goes into the metadata, if
    /// the request wanted any.
    package consuming func finish(elapsed: Duration = .zero) -> [UInt8] {
        let reached =
            funnel.order?.reached(funnel.steps, funnel.planOfStep.map { times[$0] })
            ?? reachedInAnyOrder()
        let lists = zip(funnel.steps, reached).map { $0.listsActors ? $1.sorted : nil }
        return write(reached.map(\.count), lists, elapsed: elapsed)
    }

    private func reachedInAnyOrder() -> [DistinctValues] {
        var all: [DistinctValues] = []
        var remaining: DistinctValues?
        for (step, plan) in zip(funnel.steps, funnel.planOfStep) {
            let reached = Self.reached(actors[plan] ?? DistinctValues(), step, of: remaining)
            all.append(reached)
            if !step.isOptional { remaining = reached }
        }
        return all
    }

    /// The actors that reach a step, of those that reached all required steps before it (nil: it is
    /// the first).
    private static func reached(
        _ actors: DistinctValues, _ step: FunnelStep, of remaining: DistinctValues?
    ) -> DistinctValues {
        guard let remaining else { return actors }
        return step.isInverted
            ? remaining.subtracting(actors) : remaining.intersection(actors)
    }

    private func write(
        _ counts: [Int], _ lists: [[Value]?], elapsed: Duration
    ) -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        json.key("result")
        json.beginArray()
        for count in counts { json.int(count) }
        json.endArray()
        json.key("steps")
        json.value(.array(funnel.steps.map(\.echo)))
        if funnel.steps.contains(where: \.listsActors) {
            json.key("actors")
            json.beginArray()
            for (step, list) in zip(funnel.steps, lists) {
                json.actors(list, areTimes: step.actorIsTime)
            }
            json.endArray()
        }
        if funnel.includesMetadata {
            var paths: Set<PropertyPath> = []
            for step in funnel.steps { paths.insert(step.actor) }
            for plan in funnel.plans {
                plan.filters.forEach { $0.collectPaths(into: &paths) }
                if plan.timeframe != nil || funnel.order != nil { paths.insert(.timestamp) }
            }
            json.writeMetadata(statistics, propertyCount: paths.count, elapsed: elapsed)
        }
        json.endObject()
        return json.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func actors(_ list: [Value]?, areTimes: Bool) {
        guard let list else { return null() }
        beginArray()
        for actor in list {
            switch actor {
            case .null: null()
            case .bool(let bool): self.bool(bool)
            case .int(let number):
                if areTimes {
                    string(utf8: Timestamp(milliseconds: number).iso8601)
                } else {
                    int(number)
                }
            case .double(let number): self.number(number)
            case .string(let text): string(text)
            case .json(let text): raw(text.utf8)
            }
        }
        endArray()
    }
}
