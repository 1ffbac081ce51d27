// Funnels: how many actors go from step to step. Each step is a scan of its own that gives the
// distinct values of its actor property; which of them are left at each step is set arithmetic on
// what all shards together gave, because the events of one actor lie in any of them.

internal import Base
internal import JSON
package import Model
package import Plan

/// A funnel ready to run: what to ask the shards, and how to write what they give.
package struct PreparedFunnel: Sendable {
    /// What to scan, each plan once; several steps may share one.
    package let plans: [ScanPlan]
    let steps: [FunnelStep]
    /// The plan of each step, by its place in `plans`.
    let planOfStep: [Int]
    /// nil: the order of events does not count.
    let order: OrderedFunnel?
    let includesMetadata: Bool

    /// Checks the parameters and works out every instant. `now` is what relative timeframes count
    /// from.
    package init(
        project: ProjectID, parameters: Parameters, now: Timestamp, zones: @escaping ZoneLookup
    ) throws(QueryError) {
        try parameters.checkFunnel()
        order = try OrderedFunnel(parameters)
        guard let written = parameters.value("steps") else {
            throw QueryError(.missingParameter, "a funnel needs steps")
        }
        guard let elements = written.array, !elements.isEmpty else {
            throw QueryError(.invalidParameter, "steps must be a list of at least one step")
        }
        guard elements.count <= Limits.funnelStepsMax else {
            throw QueryError(.tooLarge, "a funnel has at most \(Limits.funnelStepsMax) steps")
        }
        let defaults = FunnelStep.Defaults(
            project: project, parameters: parameters, now: now, zones: zones,
            isOrdered: order != nil)
        var steps: [FunnelStep] = []
        var plans: [ScanPlan] = []
        var places: [ScanPlan: Int] = [:]
        for (index, element) in elements.enumerated() {
            let step = try FunnelStep(element, number: index + 1, defaults)
            if places[step.plan] == nil {
                places[step.plan] = plans.count
                plans.append(step.plan)
            }
            steps.append(step)
        }
        self.steps = steps
        self.plans = plans
        planOfStep = steps.map { places[$0.plan] ?? 0 }
        includesMetadata = try parameters.bool("include_metadata") ?? false
    }
}

extension Parameters {
    /// What stands in the steps is not asked of the whole; empty lists say nothing.
    fileprivate func checkFunnel() throws(QueryError) {
        for name in ["interval", "group_by", "order_by", "filters"] {
            guard let value = value(name), value.array?.isEmpty != true else { continue }
            throw QueryError(
                .invalidParameter,
                name == "filters"
                    ? "a funnel's filters stand in its steps" : "a funnel has no \(name)")
        }
    }
}
