// The analyses by the names they have in URLs and in saved queries.

package import Aggregate

/// Every analysis of the HTTP API.
package enum AnalysisName: String, Sendable, Hashable, CaseIterable {
    case count
    case countUnique = "count_unique"
    case minimum
    case maximum
    case sum
    case average
    case median
    case percentile
    case standardDeviation = "standard_deviation"
    case selectUnique = "select_unique"
    case extraction
    case multiAnalysis = "multi_analysis"
    case funnel
    /// The name of `funnel` in 2012.
    case progression
    /// Ours: who comes back, by the period in which he came first.
    case retention

    /// What the shards are asked for; nil for what is no single figure.
    package var aggregate: AggregateKind? {
        switch self {
        case .count: .count
        case .countUnique: .countUnique
        case .minimum: .minimum
        case .maximum: .maximum
        case .sum: .sum
        case .average: .average
        case .selectUnique: .selectUnique
        case .median, .percentile: .numbers
        case .standardDeviation: .standardDeviation
        case .extraction, .multiAnalysis, .funnel, .progression, .retention: nil
        }
    }

    /// Whether it gives figures of events, which an interval and groups can divide.
    package var hasIntervals: Bool { aggregate != nil || self == .multiAnalysis }

    /// Whether it asks for actors from step to step, by its present or its first name.
    package var isFunnel: Bool { self == .funnel || self == .progression }

    /// Whether the analysis reads a property.
    package var needsTarget: Bool { self != .count && self != .multiAnalysis }

    /// The key under which the list of analyses names it: a mixture in the original, kept.
    package var listKey: String {
        switch self {
        case .count, .countUnique, .selectUnique, .extraction, .funnel, .retention:
            rawValue + "_url"
        default: rawValue
        }
    }
}
