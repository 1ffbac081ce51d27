// Saved queries: definitions in the catalog, so that every query server knows them.
//
//   GET    /3.0/projects/P/queries/saved                the definitions; master or access key
//   GET    /3.0/projects/P/queries/saved/NAME           one of them; master or access key
//   GET    /3.0/projects/P/queries/saved/NAME/result    with its result; read key
//   PUT    /3.0/projects/P/queries/saved/NAME           makes, replaces or renames; master key
//   DELETE /3.0/projects/P/queries/saved/NAME           master key

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import Model
internal import Query

extension QueryService {
    func mountSavedQueries(on router: inout Router) {
        let saved = "/3.0/projects/:project/queries/saved"
        serve(.get, saved, on: &router) { try $0.savedQueries($1) }
        serve(.get, saved + "/:name", on: &router) {
            let query = try $0.savedQuery($1, for: .masterOr(.savedQueries)).query
            return .json(JSONValue.object($0.described(query).definition()).encoded)
        }
        serve(.get, saved + "/:name/result", on: &router) { try await $0.savedResult($1) }
        serve(.put, saved + "/:name", on: &router) { try await $0.putSavedQuery($1) }
        serve(.delete, saved + "/:name", on: &router) { try await $0.deleteSavedQuery($1) }
    }

    private func savedQueries(_ context: QueryContext) throws -> HTTPResponse {
        let grant = try grant(context, for: .masterOr(.savedQueries))
        let queries = try catalogState().savedQueries[grant.project.id, default: [:]].values
            .filter { grant.rules?.savedQueries.allows($0.name) ?? true }
            .sorted { $0.name < $1.name }
        return .json(
            JSONValue.array(queries.map { .object(described($0).definition()) }).encoded)
    }

    /// The query that the path names, if the request's key allows what `need` says.
    private func savedQuery(
        _ context: QueryContext, for need: AccessNeed
    ) throws -> (query: SavedQuery, grant: Grant) {
        let grant = try grant(context, for: need)
        let name = context.part("name")
        guard let query = try catalogState().savedQueries[grant.project.id]?[name] else {
            throw QueryError(.notFound, "Resource not found: there is no saved query of that name")
        }
        if case .masterOr(.savedQueries) = need {
            guard grant.rules?.savedQueries.allows(name) ?? true else {
                throw AccessError.forbidden("this saved query")
            }
        }
        return (query, grant)
    }

    private func described(_ query: SavedQuery) -> SavedQueryAnswer {
        SavedQueryAnswer(query: query, run: cachedQueries.run(of: query))
    }

    /// The kept result of a cached query, for whoever may have it; else the query is run, with the
    /// filters that the key imposes, and the answer is not kept.
    private func savedResult(_ context: QueryContext) async throws -> HTTPResponse {
        let (query, grant) = try savedQuery(context, for: .anyOf([.savedQueries, .cachedQueries]))
        let mayHaveKept =
            query.isCached && grant.permits(.cachedQueries)
            && grant.rules?.cachedQueries.allows(query.name) ?? true
        guard mayHaveKept || grant.permits(.savedQueries),
            mayHaveKept || grant.rules?.savedQueries.allows(query.name) ?? true
        else { throw AccessError.forbidden("the result of this saved query") }
        let analysis = try AnalysisName(savedQuery: query.query)
        let kept = mayHaveKept ? keptResult(of: query) : nil
        if kept == nil {
            try admit(analysis == .extraction ? .extraction : .query, query.project)
        }
        let answer: [UInt8]
        if let kept {
            answer = kept
        } else if !mayHaveKept, let rules = grant.rules {
            let parameters = Parameters(query.query)
                .restricted(by: rules.savedFilters, in: analysis)
            answer = try await measured(analysis, context.time) {
                try await self.answer(analysis, parameters, query.project, context.time)
            }
        } else {
            answer = try await run(query, context.time)
        }
        return .json(described(query).result(answer, analysis))
    }

    // MARK: Changes

    private func putSavedQuery(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .master).id
        try admit(.change, project)
        let name = context.part("name")
        let request = try SavedQueryRequest(body: context.request.body)
        let newName = request.newName ?? name
        guard SavedQuery.isName(name), SavedQuery.isName(newName) else {
            throw QueryError(
                .invalidParameter,
                "a saved query's name has 1 to \(Limits.savedQueryNameBytesMax) letters, digits, "
                    + "'_' or '-'")
        }
        try check(request.analysis, Parameters(request.query), project)
        let known = try catalogState().savedQueries[project, default: [:]]
        let now = configuration.now()
        let query = SavedQuery(
            project: project, name: newName, refreshSeconds: request.refreshSeconds,
            query: request.query, metadata: request.metadata, created: known[name]?.created ?? now,
            modified: later(than: known[name]?.modified))
        try checkRoom(for: query, replacing: name, among: known)
        try await publish(CatalogRecord(putting: query))
        if newName != name, let old = known[name] {
            try await publish(CatalogRecord(removing: old))
        }
        await untilKnown { state in
            let queries = state.savedQueries[project, default: [:]]
            return queries[newName].map { $0.modified >= query.modified } ?? false
                && (newName == name || queries[name] == nil)
        }
        let isNew = known[name] == nil
        let definition = described(query).definition(created: isNew)
        return .json(status: isNew ? 201 : 200, JSONValue.object(definition).encoded)
    }

    private func checkRoom(
        for query: SavedQuery, replacing name: String, among known: [String: SavedQuery]
    ) throws(QueryError) {
        if query.name != name, known[query.name] != nil {
            throw QueryError(
                .invalidParameter, "there is another saved query named '\(query.name)'")
        }
        let others = known.values.filter { $0.name != name }
        guard others.count < Limits.savedQueriesPerProjectMax else {
            throw QueryError(
                .tooLarge,
                "a project has at most \(Limits.savedQueriesPerProjectMax) saved queries")
        }
        let cachedMax = Limits.cachedQueriesPerProjectMax
        guard !query.isCached || others.count(where: \.isCached) < cachedMax else {
            throw QueryError(
                .tooManyCachedQueries,
                "a project has at most \(cachedMax) saved queries with a refresh_rate")
        }
        guard query.encoded.count <= Limits.savedQueryBytesMax else {
            throw QueryError(
                .tooLarge, "a saved query has at most \(Limits.savedQueryBytesMax) bytes")
        }
    }

    private func deleteSavedQuery(_ context: QueryContext) async throws -> HTTPResponse {
        let query = try savedQuery(context, for: .master).query
        try admit(.change, query.project)
        try await publish(CatalogRecord(removing: query))
        await untilKnown { $0.savedQueries[query.project]?[query.name] == nil }
        return HTTPResponse(status: 204)
    }
}
