// One step of a funnel as it was asked: which events, whose, and what being among them means.

internal import Aggregate
internal import Base
internal import JSON
internal import Model
internal import Plan

/// A step, checked and with every instant worked out.
struct FunnelStep: Sendable {
    /// Gives the actors: the distinct values of the step's actor property, or, if the order counts,
    /// a group for each of them with the distinct instants of its events.
    let plan: ScanPlan
    let actor: PropertyPath
    /// Keeps the actors that are *not* in the step.
    let isInverted: Bool
    /// Counts without restricting later steps.
    let isOptional: Bool
    /// Whether the answer lists who reached the step.
    let listsActors: Bool
    /// How the answer repeats the step.
    let echo: JSONValue

    /// Whether the actors are instants, written as such.
    var actorIsTime: Bool { actor.isTime }

    /// What the whole funnel says for the steps that do not.
    struct Defaults {
        let project: ProjectID
        let parameters: Parameters
        let now: Timestamp
        let zones: ZoneLookup
        /// Whether the order of events counts.
        let isOrdered: Bool
    }

    /// `number` counts from 1, for messages.
    init(_ value: JSONValue, number: Int, _ defaults: Defaults) throws(QueryError) {
        guard let object = value.object else {
            throw QueryError(
                .invalidParameter, "step \(number) must be an object, not \(value.kindName)")
        }
        do {
            try self.init(Parameters(object), isFirst: number == 1, defaults)
        } catch {
            throw QueryError(error.code, "step \(number): \(error.message)")
        }
    }

    private init(
        _ step: Parameters, isFirst: Bool, _ defaults: Defaults
    ) throws(QueryError) {
        let collection = try step.collection()
        actor = try step.actor()
        let timed = step.value("timeframe") == nil ? defaults.parameters : step
        let zoned = step.value("timezone") == nil ? defaults.parameters : step
        let zone = try Zone.parameter(zoned, lookup: defaults.zones)
        let timeframe = try timed.timeframe().map { timeframe throws(QueryError) in
            try timeframe.range(now: defaults.now, zone: zone)
        }
        isInverted = try step.bool("inverted") ?? false
        isOptional = try step.bool("optional") ?? false
        listsActors = try step.bool("with_actors") ?? false
        guard !isFirst || !(isInverted || isOptional) else {
            throw QueryError(
                .invalidParameter, "the first step cannot be inverted or optional")
        }
        guard !(defaults.isOrdered && isInverted) else {
            throw QueryError(.invalidParameter, "an ordered funnel has no inverted steps")
        }
        plan = ScanPlan(
            collection: CollectionID(project: defaults.project, collection: collection),
            timeframe: timeframe,
            filters: try FilterParser(zone: zone).filters(step.value("filters")),
            groupBy: defaults.isOrdered ? [actor] : [],
            aggregates: [
                AggregateRequest(
                    kind: .selectUnique, target: defaults.isOrdered ? .timestamp : actor)
            ])
        echo = [
            "event_collection": .string(collection.name), "actor_property": .string(actor.text),
            "filters": step.value("filters") ?? [],
            "timeframe": timed.value("timeframe") ?? .null,
            "timezone": zoned.value("timezone") ?? .null, "inverted": .bool(isInverted),
            "optional": .bool(isOptional), "with_actors": .bool(listsActors),
        ]
    }
}

extension Parameters {
    /// A property; in 2012 it came in a list.
    func actor() throws(QueryError) -> PropertyPath {
        guard let value = value("actor_property") else {
            throw QueryError(.missingParameter, "actor_property is missing")
        }
        let elements = value.array ?? [value]
        guard elements.count == 1, let text = elements[0].string else {
            throw QueryError(.invalidParameter, "actor_property must be one property name")
        }
        return try PropertyPath(parameter: text)
    }
}
