// Cached queries: saved queries with a refresh rate. Every query server runs them by itself when
// they are due and keeps their results in memory, so a result is there at once when it is asked
// for; after a restart they run anew.

internal import Catalog
package import EventLoop
internal import HTTP
internal import Logging
internal import Model
internal import Query

extension QueryService {
    /// Runs cached queries as they become due, one after the other, until the task is cancelled.
    /// `loop` keeps the time.
    package func keepCachedQueriesFresh(on loop: EventLoop) async {
        while !Task.isCancelled {
            // Before the shards are known every run would fail.
            if cluster.partitionCount > 0 { await refreshCachedQueries(on: loop) }
            // Cancelled: the loop's condition says so.
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    /// Runs the cached queries that are due now, one after the other.
    package func refreshCachedQueries(on loop: EventLoop) async {
        // Not known yet: there is nothing to run.
        guard let state = try? catalogState() else { return }
        let queries = state.savedQueries.filter { state.projects[$0.key] != nil }
            .flatMap { $0.value.values }
        for query in cachedQueries.due(queries, at: configuration.now()) {
            guard !Task.isCancelled else { return }
            do { _ = try await run(query, time(on: loop)) } catch {
                // `run_information` says so too, and it is tried again.
                logger.notice(
                    "a cached query failed",
                    metadata: [
                        LogKeys.projectID: "\(query.project)", LogKeys.queryName: "\(query.name)",
                        LogKeys.reason: "\(QueryFailure(error).message)",
                    ])
            }
        }
    }

    /// The result of a cached query's latest good run, however long ago that was.
    func keptResult(of query: SavedQuery) -> [UInt8]? {
        query.isCached ? results.entry(Self.key(of: query))?.body : nil
    }

    /// Runs a saved query; keeps the answer if it is a cached one.
    func run(_ query: SavedQuery, _ time: QueryTime) async throws -> [UInt8] {
        let analysis = try AnalysisName(savedQuery: query.query)
        let began = configuration.now()
        do {
            let body = try await measured(analysis, time) {
                try await answer(analysis, Parameters(query.query), query.project, time)
            }
            guard query.isCached else { return body }
            results.put(ResultCache.Entry(body: body, made: began), Self.key(of: query))
            cachedQueries.record(query, at: began)
            return body
        } catch {
            if query.isCached {
                cachedQueries.record(query, at: began, failure: QueryFailure(error).message)
            }
            throw error
        }
    }

    private static func key(of query: SavedQuery) -> String {
        "saved/\(query.project.name)/\(query.name)/\(query.modified.milliseconds)"
    }

    /// How soon a cached query runs once it is due (a choice).
    private static let lookInterval = Duration.seconds(1)
}
