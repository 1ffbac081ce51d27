// Funnels: the scans of all steps at once, their actors put together here.

internal import Model
internal import Plan
internal import Query

extension QueryService {
    /// Throws whatever `QueryFailure` knows; the first failure ends the other scans.
    func funnel(
        _ parameters: Parameters, _ project: ProjectID, _ time: QueryTime
    ) async throws -> [UInt8] {
        let funnel = try PreparedFunnel(
            project: project, parameters: parameters, now: configuration.now(), zones: zones)
        let answer = try await withThrowingTaskGroup(of: (Int, PartialResult).self) { group in
            for (index, plan) in funnel.plans.enumerated() {
                group.addTask { [cluster] in
                    (index, try await cluster.scan(plan, until: time.deadline))
                }
            }
            var answer = FunnelAnswer(funnel)
            for try await (index, partial) in group { try answer.add(partial, at: index) }
            return answer
        }
        return answer.finish(elapsed: .now - time.started)
    }
}
