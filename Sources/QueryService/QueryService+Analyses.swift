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
                try await $0.analysis($1, $2)
            }
        }
    }

    /// The analyses that are answered, by the names of the original, and where they are.
    private func analyses(_ context: QueryContext) throws -> HTTPResponse {
        let project = try project(context, for: .read)
        let members = AnalysisName.allCases.map { analysis in
            let url = "\(ResourcePath.queries(of: project.id))/\(analysis.rawValue)"
            return (key: analysis.listKey, value: JSONValue.string(url))
        }
        return .json(JSONValue.object(JSONObject(members)).encoded)
    }

    private func analysis(
        _ context: QueryContext, _ responder: HTTPResponder
    ) async throws -> HTTPResponse? {
        let grant = try grant(context, for: .read)
        let name = context.part("analysis")
        guard let analysis = AnalysisName(rawValue: name) else {
            throw QueryError(.notFound, "Resource not found: there is no analysis of that name")
        }
        return try await measured(analysis, context.time) {
            try admit(analysis == .extraction ? .extraction : .query, grant.project.id)
            let request = context.request
            let parameters = try Parameters(pairs: request.query.pairs, body: request.body)
                .restricted(by: grant.rules?.queryFilters ?? [], in: analysis)
            let project = grant.project.id
            if analysis == .extraction, let delivery = try ExtractionDelivery(parameters) {
                return try await extractLater(parameters, delivery, project)
            }
            let format = try AnswerFormat(parameters, accept: request.headers["accept"])
            if analysis == .extraction {
                return try await extract(parameters, format, project, context, responder)
            }
            guard case .csv = format else {
                return .json(try await answer(analysis, parameters, project, context.time))
            }
            let table = try AnswerTable(analysis, parameters, project, zones: zones)
            return .csv(
                try table.csv(await answer(analysis, parameters, project, context.time)))
        }
    }

    /// Runs a query, and counts it by its outcome.
    func measured<Answer>(
        _ analysis: AnalysisName, _ time: QueryTime, _ body: () async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await body()
            metrics.record(analysis, .answered, .now - time.started)
            return answer
        } catch {
            metrics.record(analysis, QueryFailure(error).outcome, .now - time.started)
            throw error
        }
    }

    /// An earlier answer, if `max_age` allows one; else waits for a turn and works it out.
    func answer(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID, _ time: QueryTime
    ) async throws -> [UInt8] {
        guard let key = try Self.key(analysis, parameters, project) else {
            return try await run(analysis, parameters, project, time)
        }
        if let kept = kept(key) { return kept }
        let now = configuration.now()
        let body = try await run(analysis, parameters, project, time)
        results.put(ResultCache.Entry(body: body, made: now), key.name)
        return body
    }

    /// Under which an answer is kept, and how old it may be; nil: it is to be worked out now.
    struct KeptKey {
        var name: String
        var maxAgeSeconds: Int
    }

    static func key(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID
    ) throws(QueryError) -> KeptKey? {
        guard let age = try parameters.maxAge() else { return nil }
        let normalized = String(decoding: parameters.normalized, as: UTF8.self)
        return KeptKey(
            name: "query/\(project.name)/\(analysis.rawValue)/\(normalized)", maxAgeSeconds: age)
    }

    /// An answer that is not too old.
    func kept(_ key: KeptKey) -> [UInt8]? {
        guard let kept = results.entry(key.name) else { return nil }
        let age = configuration.now().milliseconds - kept.made.milliseconds
        return age <= Int64(key.maxAgeSeconds) * 1000 ? kept.body : nil
    }

    /// Waits for a turn, which `body` then has.
    func inTurn<Answer>(
        _ time: QueryTime, _ body: () async throws -> Answer
    ) async throws -> Answer {
        metrics.waiting.increment()
        do { try await gate.enter(until: time.deadline, on: time.loop) } catch {
            metrics.waiting.decrement()
            throw error
        }
        metrics.waiting.decrement()
        metrics.running.increment()
        defer {
            metrics.running.decrement()
            gate.leave()
        }
        return try await body()
    }

    private func run(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID,
        _ time: QueryTime
    ) async throws -> [UInt8] {
        try await inTurn(time) {
            if analysis == .extraction { return try await extract(parameters, project, time) }
            if analysis.isFunnel { return try await funnel(parameters, project, time) }
            if analysis == .retention { return try await retention(parameters, project, time) }
            return try await figures(analysis, parameters, project, time)
        }
    }

    private func figures(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID,
        _ context: QueryTime
    ) async throws -> [UInt8] {
        let query = try PreparedQuery(
            analysis: analysis, project: project, parameters: parameters,
            now: configuration.now(), zones: zones)
        let scans = try await scan(
            query.plans, context, allowsPartial: query.request.allowsPartial)
        // A node that is away may be away for several scans.
        var failures: [StoreFailure] = []
        for failure in scans.flatMap(\.failures)
        where !failures.contains(where: { $0.shards == failure.shards }) {
            failures.append(failure)
        }
        return try query.finish(
            query.combine(scans.map(\.result)), elapsed: .now - context.started,
            missing: failures.map(\.missing))
    }

    /// Runs plans side by side; the first failure ends them all.
    func scan(
        _ plans: [ScanPlan], _ time: QueryTime, allowsPartial: Bool = false
    ) async throws -> [ClusterScan] {
        if plans.count == 1 {
            return [
                try await cluster.scan(
                    plans[0], until: time.deadline, allowsPartial: allowsPartial)
            ]
        }
        return try await withThrowingTaskGroup(of: (Int, ClusterScan).self) { group in
            for (index, plan) in plans.enumerated() {
                group.addTask { [cluster] in
                    let scan = try await cluster.scan(
                        plan, until: time.deadline, allowsPartial: allowsPartial)
                    return (index, scan)
                }
            }
            var scans = [ClusterScan?](repeating: nil, count: plans.count)
            for try await (index, scan) in group { scans[index] = scan }
            return scans.compactMap(\.self)
        }
    }

    /// Throws `QueryError` if the parameters are not those of such a query.
    func check(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID
    ) throws(QueryError) {
        _ = try parameters.maxAge()
        if case .csv = try AnswerFormat(parameters, accept: nil) {
            throw QueryError(.invalidParameter, "a saved query's content_type is application/json")
        }
        let now = configuration.now()
        if analysis == .extraction {
            _ = try PreparedExtraction(
                project: project, parameters: parameters, now: now, zones: zones)
        } else if analysis.isFunnel {
            _ = try PreparedFunnel(
                project: project, parameters: parameters, now: now, zones: zones)
        } else if analysis == .retention {
            _ = try PreparedRetention(
                project: project, parameters: parameters, now: now, zones: zones)
        } else {
            _ = try PreparedQuery(
                analysis: analysis, project: project, parameters: parameters, now: now,
                zones: zones)
        }
    }
}
