// Keeps a log readable when one cause produces many lines: lets one through an interval.

internal import Base

/// Lets one line through an interval and counts those in between. Time comes in.
struct LogGate: Sendable {
    private let interval: Duration
    private var next: Duration?
    private var count = 0

    init(every interval: Duration) { self.interval = interval }

    /// How often it happened since the last line, this time included, if a line is due; else nil.
    mutating func pass(_ times: Int, now: Duration) -> Int? {
        count += times
        if let next, now < next { return nil }
        next = now + interval
        defer { count = 0 }
        return count
    }
}

/// Time since an arbitrary moment, by a clock that never goes back.
func monotonicTime() -> Duration { .nanoseconds(Int64(monotonicNanoseconds())) }
