// How long a client waits between attempts to connect.

internal import Base

/// Doubles from `base` to `limit` with every failure in a row; each wait is somewhere in the upper
/// half of its range, so that many clients of a restarted server do not come at the same moment.
struct Backoff {
    private let base: Duration
    private let limit: Duration
    private var random: PRNG
    /// Failures since the last success.
    private(set) var failureCount = 0

    init(base: Duration = .milliseconds(50), limit: Duration = .seconds(2), random: PRNG) {
        self.base = base
        self.limit = limit
        self.random = random
    }

    /// The wait after a connection that worked and then broke.
    mutating func succeeded() { failureCount = 0 }

    mutating func failed() { failureCount += 1 }

    /// The wait before the next attempt.
    mutating func next() -> Duration {
        var range = base
        for _ in 1..<max(failureCount, 1) where range < limit { range = range * 2 }
        range = min(range, limit)
        return range / 2 + range / 2 * Double.random(in: 0...1, using: &random)
    }
}
