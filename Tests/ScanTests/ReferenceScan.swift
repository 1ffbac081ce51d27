import Aggregate
import Foundation
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
            let key = plan.groupBy.enumerated().map { place, path in
                group(event[path] ?? .null, place)
            }
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
        return PartialResult(groups: groups).groups
    }

    private func group(_ value: Value, _ place: Int) -> Value {
        guard !plan.groupings.isEmpty, case .numbers(let size) = plan.groupings[place] else {
            return value.canonical
        }
        if case .int(let number) = value.canonical, let size = Int64(exactly: size) {
            let rest = (number % size + size) % size
            if number >= .min + size { return .int(number - rest) }
        }
        guard let number = value.number else { return .null }
        return .double((number / size).rounded(.down) * size).canonical
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
        case .matches: preconditionFailure("patterns have tests of their own")
        case .within(let path, let circle):
            isPlace(event[path] ?? .null, circle)
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

    /// By the law of cosines, on another radius that is the same to a millimetre.
    private func isPlace(_ stored: Value, _ circle: GeoCircle) -> Bool {
        let place = elements(of: stored).prefix(2).map(\.number)
        guard place.count == 2, let east = place[0], let north = place[1] else { return false }
        let (a, b) = (north * .pi / 180, circle.latitude * .pi / 180)
        let cosine =
            sin(a) * sin(b) + cos(a) * cos(b) * cos((east - circle.longitude) * .pi / 180)
        return acos(max(min(cosine, 1), -1)) * 6371.0088 / 1.609344 <= circle.radiusMiles
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
