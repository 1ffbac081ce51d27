// When each cached query ran last here and how that went: what says which is due, and what a
// definition's `run_information` tells. Pure but for its lock; time comes in.

internal import Base
internal import Catalog
internal import JSON
internal import Model
internal import Synchronization

/// Runs of saved queries that have a refresh rate. Any thread.
final class CachedQueries: Sendable {
    /// Another query of that name, or the same one changed, begins anew.
    struct Identity: Hashable, Sendable {
        var project: ProjectID
        var name: String
        var modified: Timestamp

        init(_ query: SavedQuery) {
            project = query.project
            name = query.name
            modified = query.modified
        }
    }

    struct Run: Sendable {
        var last: Timestamp
        /// Why the last run failed.
        var failure: String?
    }

    private let runs = Mutex<[Identity: Run]>([:])

    func run(of query: SavedQuery) -> Run? { runs.withLock { $0[Identity(query)] } }

    func record(_ query: SavedQuery, at time: Timestamp, failure: String? = nil) {
        runs.withLock { $0[Identity(query)] = Run(last: time, failure: failure) }
    }

    /// The cached queries that are to run, those waiting longest first, and forgets what is gone.
    func due(_ queries: [SavedQuery], at now: Timestamp) -> [SavedQuery] {
        let cached = queries.filter(\.isCached)
        let known = Set(cached.map { Identity($0) })
        let runs = runs.withLock { runs in
            runs = runs.filter { known.contains($0.key) }
            return runs
        }
        let dated = cached.map { query in
            (query: query, due: runs[Identity(query)].map { Self.next($0, query) })
        }
        return dated.filter { $0.due.map { $0 <= now } ?? true }
            .sorted { ($0.due?.milliseconds ?? .min) < ($1.due?.milliseconds ?? .min) }
            .map(\.query)
    }

    /// When a query runs again.
    static func next(_ run: Run, _ query: SavedQuery) -> Timestamp {
        let seconds =
            run.failure == nil ? query.refreshSeconds : Limits.cachedQueryRetrySeconds
        return Timestamp(milliseconds: run.last.milliseconds + Int64(seconds) * 1000)
    }
}
