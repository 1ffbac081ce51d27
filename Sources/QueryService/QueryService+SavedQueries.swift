// Saved queries: definitions in the catalog, so that every query server knows them.
//
//   GET    /3.0/projects/P/queries/saved                the definitions; master key
//   GET    /3.0/projects/P/queries/saved/NAME           one of them; master key
//   GET    /3.0/projects/P/queries/saved/NAME/result    with its result; read key
//   PUT    /3.0/projects/P/queries/saved/NAME           makes, replaces or renames; master key
//   DELETE /3.0/projects/P/queries/saved/NAME           master key

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import LogClient
internal import Model
internal import Query

extension QueryService {
    func mountSavedQueries(on router: inout Router) {
        let saved = "/3.0/projects/:project/queries/saved"
        serve(.get, saved, on: &router) { try $0.savedQueries($1) }
        serve(.get, saved + "/:name", on: &router) {
            let query = try $0.savedQuery($1, for: .master)
            return .json(JSONValue.object($0.described(query).definition()).encoded)
        }
        serve(.get, saved + "/:name/result", on: &router) { try await $0.savedResult($1) }
        serve(.put, saved + "/:name", on: &router) { try await $0.putSavedQuery($1) }
        serve(.delete, saved + "/:name", on: &router) { try await $0.deleteSavedQuery($1) }
    }

    private func savedQueries(_ context: QueryContext) throws -> HTTPResponse {
        let project = try project(context, for: .master).id
        let queries = try catalogState().savedQueries[project, default: [:]].values
            .sorted { $0.name < $1.name }
        return .json(
            JSONValue.array(queries.map { .object(described($0).definition()) }).encoded)
    }

    /// The query that the path names, if the request's key allows what `kind` says.
    private func savedQuery(_ context: QueryContext, for kind: KeyKind) throws -> SavedQuery {
        let project = try project(context, for: kind).id
        guard let query = try catalogState().savedQueries[project]?[context.part("name")] else {
            throw QueryError(.notFound, "Resource not found: there is no saved query of that name")
        }
        return query
    }

    private func described(_ query: SavedQuery) -> SavedQueryAnswer {
        SavedQueryAnswer(query: query, run: cachedQueries.run(of: query))
    }

    private func savedResult(_ context: QueryContext) async throws -> HTTPResponse {
        let query = try savedQuery(context, for: .read)
        let kept = keptResult(of: query)
        let answer = if let kept { kept } else { try await run(query, context.time) }
        let isFunnel = try AnalysisName(savedQuery: query.query).isFunnel
        return .json(described(query).result(answer, isFunnel: isFunnel))
    }

    // MARK: Changes

    private func putSavedQuery(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .master).id
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
            // A later change is told from an earlier one even within a millisecond.
            modified: max(now, known[name]?.modified.next ?? now))
        try checkRoom(for: query, replacing: name, among: known)
        try await publish(query, newName, project)
        if newName != name, known[name] != nil { try await publish(nil, name, project) }
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
        let query = try savedQuery(context, for: .master)
        try await publish(nil, query.name, query.project)
        await untilKnown { $0.savedQueries[query.project]?[query.name] == nil }
        return HTTPResponse(status: 204)
    }

    private func publish(
        _ query: SavedQuery?, _ name: String, _ project: ProjectID
    ) async throws {
        guard let publish = configuration.publishQuery else {
            throw QueryError(.notSupported, "this server cannot write to the log")
        }
        do { try await publish(query, name, project) } catch let error as LogError {
            throw QueryFailure.logUnavailable("\(error)")
        }
    }

    /// The log has the change; whoever asks this server next shall see it. A log that is slow to
    /// give it back must not make a client wait for ever.
    private func untilKnown(_ isKnown: (CatalogState) -> Bool) async {
        let deadline = ContinuousClock.now + Self.knownPatience
        while !Task.isCancelled, ContinuousClock.now < deadline {
            if let state = try? catalogState(), isKnown(state) { return }
            // Cancelled: the loop's condition says so.
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private static let knownPatience = Duration.seconds(5)
}

extension Timestamp {
    fileprivate var next: Timestamp { Timestamp(milliseconds: milliseconds + 1) }
}
