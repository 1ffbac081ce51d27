// Values that cross from one task to another.

import Import
import Synchronization

/// The summary of an import that ran inside another task.
final class Outcome: Sendable {
    private let content = Mutex<ImportSummary?>(nil)
    func set(_ summary: ImportSummary) { content.withLock { $0 = summary } }
    var summary: ImportSummary? { content.withLock { $0 } }
}

/// The latest progress that was reported.
final class LastProgress: Sendable {
    private let content = Mutex<ImportProgress?>(nil)
    func set(_ progress: ImportProgress) {
        content.withLock { last in
            // Reports come from several deliveries and may overtake each other.
            if let known = last, known.totals.events > progress.totals.events { return }
            last = progress
        }
    }
    var progress: ImportProgress? { content.withLock { $0 } }
}

/// Something that has happened.
final class Marker: Sendable {
    private let content = Mutex(false)
    func mark() { content.withLock { $0 = true } }
    var isMarked: Bool { content.withLock { $0 } }
}
