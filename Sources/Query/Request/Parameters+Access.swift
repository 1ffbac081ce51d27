// What others add to a request's parameters: the filters of an access key, the index and timeframe
// of a dataset's results. A request that is malformed stays so: its reader says it.

package import JSON

extension Parameters {
    /// With filters that must hold besides those that were asked for, in every step where there are
    /// steps.
    package func restricted(by filters: [JSONValue], in analysis: AnalysisName) -> Parameters {
        guard !filters.isEmpty else { return self }
        var restricted = self
        for name in analysis.stepParameters {
            guard let value = value(name) else { continue }
            let steps = value.array?.map { Self.step($0, with: filters) }
            restricted.set(name, steps.map { .array($0) } ?? Self.step(value, with: filters))
        }
        if analysis.stepParameters.isEmpty {
            restricted.set("filters", Self.list(value("filters"), with: filters))
        }
        return restricted
    }

    private static func step(_ step: JSONValue, with filters: [JSONValue]) -> JSONValue {
        guard var object = step.object else { return step }
        object["filters"] = list(object["filters"], with: filters)
        return .object(object)
    }

    /// What is no list stays as it is, and is refused.
    private static func list(_ value: JSONValue?, with filters: [JSONValue]) -> JSONValue {
        guard let value, !value.isNull else { return .array(filters) }
        return value.array.map { .array($0 + filters) } ?? value
    }
}

extension AnalysisName {
    /// The parameters that hold steps, or one, each with filters of its own; none: the filters are
    /// those of the whole.
    var stepParameters: [String] {
        switch self {
        case .funnel, .progression: ["steps"]
        case .retention: ["first", "returning"]
        default: []
        }
    }
}
