import LogClient
import Logging
import MockLog
import Synchronization
import Testing

/// What a handler was told, for tests to look at.
final class Recorder<Element: Sendable>: Sendable {
    private let storage = Mutex<[Element]>([])
    func append(_ element: Element) { storage.withLock { $0.append(element) } }
    func append(contentsOf elements: [Element]) {
        storage.withLock { $0.append(contentsOf: elements) }
    }
    var all: [Element] { storage.withLock { $0 } }
}

/// Waits until the condition holds; fails the test after the deadline.
func eventually(
    within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("not within \(limit)", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension Recorder where Element == LogConsumerEvent {
    var records: [LogRecord] {
        all.flatMap { event -> [LogRecord] in
            if case .records(let records) = event { return records }
            return []
        }
    }
    var assigned: [TopicPartition] {
        var current: [TopicPartition] = []
        for event in all {
            if case .assigned(let partitions) = event { current = partitions }
            if case .revoked = event { current = [] }
        }
        return current
    }
}
