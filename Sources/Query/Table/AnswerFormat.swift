// In which form an answer is wanted: the parameter `content_type` says it, or else the header
// `Accept`.

/// JSON, or a table.
package enum AnswerFormat: Sendable {
    case json
    case csv

    package init(_ parameters: Parameters, accept: String?) throws(QueryError) {
        switch try parameters.string("content_type") {
        case nil: self = Self.accepted(accept ?? "")
        case "application/json": self = .json
        case "text/csv": self = .csv
        case let other?:
            throw QueryError(
                .invalidParameter,
                "content_type is application/json or text/csv, not '\(other.shortened)'")
        }
    }

    /// The first type in the header that there is; its weights are not looked at.
    private static func accepted(_ header: String) -> AnswerFormat {
        for part in header.split(separator: ",") {
            let type = part.split(separator: ";").first?.filter { $0 != " " }.lowercased() ?? ""
            switch type {
            case "text/csv": return .csv
            case "application/json", "application/*", "*/*": return .json
            default: continue
            }
        }
        return .json
    }
}
