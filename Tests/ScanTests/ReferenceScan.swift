import Aggregate
import JSON
import Model
import Plan

/// One event as the reference sees it. Absent: the event does not have the property.
typealias Event = [PropertyPath: Value]

/// The meaning of a plan, written as plainly as possible: event by event, value by value.
struct ReferenceScan {
    let plan: ScanPlan

    func run(_ events: [Event]) throws -> [PartialGroup] {
        var groups: [PartialGroup] = []
        for event in events where isSelected(event) {
            let bucket = bucket(of: event)
            let key = plan.groupBy.map { (event[$0] ?? .null).canonical }
            var index = groups.firstIndex { $0.bucket == bucket && $0.key == key }
            if index == nil {
                index = groups.count
                groups.append(
                    PartialGroup(
                        bucket: bucket, key: key,
                        states: plan.aggregates.map { AggregateState(empty: $0.kind) }))
            }
            for (position, request) in plan.aggregates.enumerated() {
                let value = request.target.flatMap { event[$0] }
                try groups[index!].states[position].add(value)
            }
        }
        return groups.sorted()
    }

    private func time(_ event: Event) -> Int64 {
        guard case .int(let milliseconds)? = event[.timestamp] else { return 0 }
        return milliseconds
    }

    private func isSelected(_ event: Event) -> Bool {
        let time = Timestamp(milliseconds: time(event))
        if let timeframe = plan.timeframe, !timeframe.contains(time) { return false }
        if let first = plan.boundaries.first, let last = plan.boundaries.last, first != last {
            if time < first || time >= last { return false }
        }
        return plan.filters.allSatisfy { holds($0, event) }
    }

    private func bucket(of event: Event) -> Int32 {
        let time = Timestamp(milliseconds: time(event))
        for index in plan.boundaries.indices.dropLast()
        where plan.boundaries[index] <= time && time < plan.boundaries[index + 1] {
            return Int32(index)
        }
        return 0
    }

    func holds(_ filter: Filter, _ event: Event) -> Bool {
        switch filter {
        case .compare(let path, .equal, let value): equals(event[path], value)
        case .compare(let path, .notEqual, let value): !equals(event[path], value)
        case .compare(let path, let comparison, let value):
            compares(event[path], comparison, value)
        case .among(let path, let values): values.contains { equals(event[path], $0) }
        case .exists(let path, let wanted): (event[path] ?? .null != .null) == wanted
        case .contains(let path, let value): contains(event[path], value)
        case .not(let inner): !holds(inner, event)
        case .all(let inner): inner.allSatisfy { holds($0, event) }
        case .any(let inner): inner.contains { holds($0, event) }
        }
    }

    private func equals(_ stored: Value?, _ literal: Value) -> Bool {
        let stored = stored ?? .null
        if stored.canonical == literal.canonical { return true }
        return elements(of: stored).contains(literal.canonical)
    }

    private func compares(
        _ stored: Value?, _ comparison: ComparisonOperator, _ literal: Value
    ) -> Bool {
        switch (stored, literal) {
        case (.int, .int), (.int, .double), (.double, .int), (.double, .double),
            (.string, .string):
            guard let stored else { return false }
            switch comparison {
            case .less: return stored < literal
            case .lessOrEqual: return !(literal < stored)
            case .greater: return literal < stored
            case .greaterOrEqual: return !(stored < literal)
            case .equal, .notEqual: return false
            }
        default: return false
        }
    }

    private func contains(_ stored: Value?, _ literal: Value) -> Bool {
        guard let stored else { return false }
        if case .string(let text) = stored {
            guard case .string(let part) = literal else { return false }
            return Array(text.utf8).containsRun(Array(part.utf8))
        }
        return elements(of: stored).contains(literal.canonical)
    }

    private func elements(of value: Value) -> [Value] {
        guard case .json(let text) = value, let array = try? JSONValue(parsing: text).array else {
            return []
        }
        return array.map { element in
            switch element {
            case .null: .null
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): Value.double(value).canonical
            case .string(let value): .string(value)
            case .array, .object: .json(String(decoding: element.encoded, as: UTF8.self))
            }
        }
    }
}

extension [UInt8] {
    fileprivate func containsRun(_ part: [UInt8]) -> Bool {
        guard part.count <= count else { return false }
        return (0...(count - part.count)).contains { start in
            part.indices.allSatisfy { self[start + $0] == part[$0] }
        }
    }
}
