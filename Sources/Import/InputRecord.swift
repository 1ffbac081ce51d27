// What the readers of the two formats make of the input: records with the line they begin on.

/// One record of the input.
enum InputRecord: Equatable {
    /// An event as JSON text.
    case event(line: Int, json: [UInt8])
    /// A record that is no event, and why.
    case rejected(RejectedLine)

    var line: Int {
        switch self {
        case .event(let line, _): line
        case .rejected(let rejected): rejected.line
        }
    }
}

/// A line that was not taken.
package struct RejectedLine: Sendable, Equatable {
    /// Of its first line, counted from 1.
    package var line: Int
    package var reason: String
    /// The record as it was, as far as it was kept.
    package var text: [UInt8]

    package init(line: Int, reason: String, text: [UInt8]) {
        self.line = line
        self.reason = reason
        self.text = text
    }
}

/// What a file holds.
package enum ImportFormat: String, Sendable, CaseIterable {
    case ndjson, csv

    /// By the file's name: `.csv` and `.csv.gz` are CSV, everything else is ndjson.
    package init(path: String) {
        let name = path.lowercased()
        self = name.hasSuffix(".csv") || name.hasSuffix(".csv.gz") ? .csv : .ndjson
    }
}
