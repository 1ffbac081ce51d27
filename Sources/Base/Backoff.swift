// How long to wait before trying again: the one rule for retries, with the randomness passed in.

/// Exponential backoff with jitter. Each wait is drawn from the upper half of a bound that doubles
/// from `first` to `limit`, so that many clients of one dead server do not come back in step.
package struct Backoff: Sendable {
    private let first: Duration
    private let limit: Duration
    /// Waits handed out since the last success.
    package private(set) var attempts = 0

    package init(first: Duration, limit: Duration) {
        precondition(first > .zero && first <= limit, "backoff from \(first) to \(limit)")
        self.first = first
        self.limit = limit
    }

    /// The next wait.
    package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        var bound = first
        for _ in 0..<attempts where bound < limit { bound *= 2 }
        bound = min(bound, limit)
        attempts += 1
        return bound / 2 + (bound / 2) * Double.random(in: 0...1, using: &random)
    }

    /// Something worked: the next wait is short again.
    package mutating func reset() { attempts = 0 }
}
