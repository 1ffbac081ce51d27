// How much a project may ask for in a minute. Pure but for its lock; time comes in.

internal import Model
internal import Synchronization

/// What is counted, each by itself.
package enum RequestKind: String, Sendable, CaseIterable {
    /// Analyses, and saved queries that are run when they are asked for.
    case query = "queries"
    case extraction = "extractions"
    /// Of saved queries, datasets and access keys.
    case change = "changes"
    /// Of events, properties and collections.
    case delete = "deletes"
}

/// Counts the requests of the minute. Any thread.
final class RateCounter: Sendable {
    private struct Key: Hashable {
        var project: ProjectID
        var kind: RequestKind
    }

    private struct State {
        var minute: Int64 = 0
        /// Of this minute: as many as there are projects at most, of each kind.
        var counts: [Key: Int] = [:]
    }

    private static let milliseconds: Int64 = 60_000

    /// Without an entry a kind has no limit.
    private let limits: [RequestKind: Int]
    private let state = Mutex(State())

    init(limits: [RequestKind: Int]) { self.limits = limits }

    /// Counts one more, or throws if those of this minute have been. `project` is one that exists.
    func admit(
        _ kind: RequestKind, _ project: ProjectID, at now: Timestamp
    ) throws(QueryFailure) {
        guard let limit = limits[kind] else { return }
        let (minute, passed) = now.milliseconds.quotientAndRemainder(
            dividingBy: Self.milliseconds)
        let isAdmitted = state.withLock { state in
            // Also when the clock is set back.
            if state.minute != minute {
                state.minute = minute
                state.counts.removeAll(keepingCapacity: true)
            }
            let key = Key(project: project, kind: kind)
            let count = state.counts[key, default: 0]
            guard count < limit else { return false }
            state.counts[key] = count + 1
            return true
        }
        guard !isAdmitted else { return }
        throw QueryFailure(
            status: 429, code: "RateLimitExceededError",
            message: "the project's \(limit) \(kind.rawValue) of this minute have been used up",
            outcome: .refused, retryAfterSeconds: Int(Self.milliseconds - passed + 999) / 1000)
    }
}
