// The analyses by the names they have in URLs and in saved queries.

package import Aggregate

/// Every analysis of the HTTP API, also those that are not answered yet.
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
        case .extraction, .multiAnalysis, .funnel, .progression: nil
        }
    }

    /// Whether it is answered.
    package var isAnswered: Bool {
        aggregate != nil || self == .extraction || self == .multiAnalysis || isFunnel
    }

    /// Whether it asks for actors from step to step, by its present or its first name.
    package var isFunnel: Bool { self == .funnel || self == .progression }

    /// Whether the analysis reads a property.
    package var needsTarget: Bool { self != .count && self != .multiAnalysis }

    /// The key under which the list of analyses names it: a mixture in the original, kept.
    package var listKey: String {
        switch self {
        case .count, .countUnique, .selectUnique, .extraction, .funnel: rawValue + "_url"
        default: rawValue
        }
    }
}
