// How a long run is asked for (`make sim`, `make fuzz`): MILLRACE_LONG names its kind,
// MILLRACE_SECONDS its length, MILLRACE_SEED where it begins.

import Foundation

public enum LongRun {
    /// Whether this is a long run of that kind.
    public static func isAsked(_ kind: String) -> Bool {
        ProcessInfo.processInfo.environment["MILLRACE_LONG"] == kind
    }

    /// The seeds of a test: `short` of them in an ordinary run; in a long run of that kind as many
    /// as about fill its time at `perSecond`.
    public static func seeds(_ kind: String, short: Int, perSecond: Int) -> Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 1
        guard environment["MILLRACE_LONG"] == kind else { return first..<first + UInt64(short) }
        let seconds = environment["MILLRACE_SECONDS"].flatMap { Int($0) } ?? 60
        return first..<first + UInt64(max(seconds * perSecond, 1))
    }
}
