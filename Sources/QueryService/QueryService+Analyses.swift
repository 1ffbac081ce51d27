// Analyses: `GET|POST /3.0/projects/P/queries/NAME`, and the list of them.

internal import Access
internal import Catalog
internal import CoreMetrics
internal import HTTP
internal import JSON
internal import Model
internal import Plan
internal import Query

extension QueryService {
    func mountAnalyses(on router: inout Router) {
        serve(.get, "/3.0/projects/:project/queries", on: &router) { try $0.analyses($1) }
        for method in [HTTPMethod.get, .post] {
            serve(method, "/3.0/projects/:project/queries/:analysis", on: &router) {
                try await $0.analysis($1)
            }
        }
    }

    /// The analyses that are answered, by the names of the original, and where they are.
    private func analyses(_ context: QueryContext) throws -> HTTPResponse {
        let project = try project(context, for: .read)
        let members = AnalysisName.allCases.filter(\.isAnswered).map { analysis in
            let url = "\(ResourcePath.queries(of: project.id))/\(analysis.rawValue)"
            return (key: analysis.listKey, value: JSONValue.string(url))
        }
        return .json(JSONValue.object(JSONObject(members)).encoded)
    }

    private func analysis(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .read)
        let name = context.part("analysis")
        guard let analysis = AnalysisName(rawValue: name) else {
            throw QueryError(.notFound, "Resource not found: there is no analysis of that name")
        }
        do {
            let response = try await run(analysis, project.id, context)
            metrics.record(analysis, .answered, .now - context.started)
            return response
        } catch {
            metrics.record(analysis, QueryFailure(error).outcome, .now - context.started)
            throw error
        }
    }

    private func run(
        _ analysis: AnalysisName, _ project: ProjectID, _ context: QueryContext
    ) async throws -> HTTPResponse {
        metrics.waiting.increment()
        do { try await gate.enter(until: context.deadline, on: context.loop) } catch {
            metrics.waiting.decrement()
            throw error
        }
        metrics.waiting.decrement()
        metrics.running.increment()
        defer {
            metrics.running.decrement()
            gate.leave()
        }
        let request = context.request
        let parameters = try Parameters(pairs: request.query.pairs, body: request.body)
        if analysis == .extraction { return try await extract(parameters, project, context) }
        let query = try PreparedQuery(
            analysis: analysis, project: project, parameters: parameters,
            now: configuration.now(), zones: zones)
        let scanned = try await cluster.scan(
            query.plan, until: context.deadline, allowsPartial: query.request.allowsPartial)
        return .json(
            try query.finish(
                scanned.result, elapsed: .now - context.started,
                missing: scanned.failures.map(\.missing)))
    }

    private func extract(
        _ parameters: Parameters, _ project: ProjectID, _ context: QueryContext
    ) async throws -> HTTPResponse {
        let extraction = try PreparedExtraction(
            project: project, parameters: parameters, now: configuration.now(), zones: zones)
        let result = try await cluster.extract(extraction.plan, until: context.deadline)
        return .json(extraction.finish(result, elapsed: .now - context.started))
    }
}
