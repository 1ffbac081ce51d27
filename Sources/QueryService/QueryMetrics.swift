// What the query service counts. Handles are made once.

internal import CoreMetrics
internal import Metrics
internal import Query

/// How a query ended.
enum QueryOutcome: String, CaseIterable, Sendable {
    case answered
    /// The request was wrong (400).
    case invalid
    /// The answer would pass a limit (400).
    case tooLarge = "too_large"
    /// Too many queries run and wait (503).
    case refused
    /// A storage node or the log cannot be reached (503).
    case unavailable
    /// The deadline passed (504).
    case timedOut = "timed_out"
    /// Something within Millrace is wrong (500).
    case failed
}

struct QueryMetrics: Sendable {
    let running = Meter(label: "query_running")
    let waiting = Meter(label: "query_waiting")
    private let analyses: [AnalysisName: AnalysisMetrics]

    private struct AnalysisMetrics: Sendable {
        let duration: CoreMetrics.Timer
        let outcomes: [QueryOutcome: Counter]

        init(_ analysis: AnalysisName) {
            let name = ("analysis", analysis.rawValue)
            duration = CoreMetrics.Timer(label: "query_seconds", dimensions: [name])
            outcomes = Dictionary(
                uniqueKeysWithValues: QueryOutcome.allCases.map { outcome in
                    let dimensions = [name, ("outcome", outcome.rawValue)]
                    return (outcome, Counter(label: "query_requests_total", dimensions: dimensions))
                })
        }
    }

    init() {
        analyses = Dictionary(
            uniqueKeysWithValues: AnalysisName.allCases.map { ($0, AnalysisMetrics($0)) })
    }

    /// Waiting included in the duration.
    func record(_ analysis: AnalysisName, _ outcome: QueryOutcome, _ duration: Duration) {
        guard let metrics = analyses[analysis] else { return }
        metrics.outcomes[outcome]?.increment()
        metrics.duration.record(duration: duration)
    }
}
