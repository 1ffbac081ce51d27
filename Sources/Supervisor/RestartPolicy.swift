// How long a process that died stays down before it is started again.

/// Exponential backoff from 50 ms to 5 s (a choice: a crash loop must not eat a core, and one
/// crash must not be noticed), forgotten once the process has stayed up for ten seconds.
package struct RestartPolicy: Sendable, Equatable {
    private var failures = 0

    package init() {}

    /// The wait after a process that had run for `uptime` died.
    package mutating func delay(afterUptime uptime: Duration) -> Duration {
        failures = uptime >= .seconds(10) ? 0 : failures + 1
        let doublings = min(max(failures - 1, 0), 7)
        return min(.milliseconds(50 << doublings), .seconds(5))
    }
}
