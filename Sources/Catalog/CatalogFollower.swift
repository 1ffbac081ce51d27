// How every process knows the catalog: it reads the topic from its beginning and goes on reading.

package import LogClient
package import Logging
internal import Metrics
internal import Model
internal import Synchronization

/// The catalog did not become current in time.
package struct CatalogNotCurrent: Error, Sendable, CustomStringConvertible {
    package let timeout: Duration
    /// What the log last said, if it failed.
    package let lastError: LogError?

    package var description: String {
        let reason = lastError.map { ": \($0)" } ?? ""
        return "the catalog has not been read to its end within \(timeout)\(reason)"
    }
}

/// Follows the topic `millrace.catalog`. A change is seen within a second, usually at once.
package final class CatalogFollower: Sendable {
    private let shared: Shared
    private let tail: LogTail

    /// Starts to follow. The topic and the log may come later.
    package init(connection: LogConnection, logger: Logger) throws {
        let shared = Shared(logger: logger)
        self.shared = shared
        var connection = connection
        // The end of the topic is learnt from a fetch that came back empty, after this time.
        if connection.properties[Self.fetchWait] == nil {
            connection.properties[Self.fetchWait] = "100"
        }
        tail = try LogTail(
            connection: connection,
            topicPartition: TopicPartition(topic: MillraceTopics.catalog, partition: 0),
            logger: logger
        ) { shared.handle($0) }
    }

    private static let fetchWait = "fetch.wait.max.ms"

    /// The catalog as known by now. Any thread.
    package var state: CatalogState { shared.progress.withLock { $0.state } }

    /// Whether everything that was in the topic at the start has been read. Stays true. Any thread.
    package var isCurrent: Bool { shared.progress.withLock { $0.isCurrent } }

    /// Waits until the catalog is current; throws `CatalogNotCurrent` if that takes too long.
    package func waitUntilCurrent(timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        // A start-up wait: looked at again and again, so that cancelling it needs no bookkeeping.
        while !isCurrent {
            guard ContinuousClock.now < deadline else {
                throw CatalogNotCurrent(
                    timeout: timeout, lastError: shared.progress.withLock { $0.lastError })
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Stops following; the state stays as it is.
    package func close() async { await tail.close() }

    /// What the tail's thread and the readers share.
    private final class Shared: Sendable {
        struct Progress {
            var state = CatalogState()
            var isCurrent = false
            var lastError: LogError?
        }

        let progress = Mutex(Progress())
        private let logger: Logger
        private let malformed = Counter(label: "catalog_malformed_records_total")
        private let projectCount = Gauge(label: "catalog_projects")

        init(logger: Logger) { self.logger = logger }

        /// Runs on the tail's thread.
        func handle(_ event: LogTailEvent) {
            switch event {
            case .records(let records): apply(records)
            case .caughtUp:
                let count = progress.withLock { progress in
                    progress.isCurrent = true
                    return progress.state.projects.count
                }
                logger.info(
                    "catalog is current", metadata: ["catalog.project_count": "\(count)"])
            case .failed(let error):
                let isNew = progress.withLock { progress in
                    defer { progress.lastError = error }
                    return progress.lastError?.code != error.code
                }
                // The tail goes on by itself; what it says every second is worth one line.
                logger.log(
                    level: isNew ? .warning : .debug, "catalog cannot be read now",
                    metadata: ["error": "\(error)"])
            }
        }

        private func apply(_ records: [LogRecord]) {
            var rejected: [(offset: Int64, reason: String)] = []
            let count = progress.withLock { progress in
                for record in records {
                    let value = record.isTombstone ? nil : record.value
                    let change = progress.state.apply(key: record.key, value: value)
                    if case .malformed(let reason) = change {
                        rejected.append((record.offset, reason))
                    }
                }
                progress.lastError = nil
                return progress.state.projects.count
            }
            projectCount.record(count)
            malformed.increment(by: rejected.count)
            for (offset, reason) in rejected {
                logger.warning(
                    "catalog record passed over",
                    metadata: ["record.offset": "\(offset)", "reason": "\(reason)"])
            }
        }
    }
}
