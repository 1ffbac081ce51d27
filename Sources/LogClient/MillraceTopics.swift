// The topics that Millrace needs, by name.

/// Names that stay put: scripts and other Kafka tools rely on them.
package enum MillraceTopics {
    /// One record an event; key `project/collection`, value the event's JSON.
    package static let events = "millrace.events"
    /// One partition, compacted: projects, keys and other metadata.
    package static let catalog = "millrace.catalog"
    /// Records of `events` that are no events, with the reason in their headers.
    package static let dead = "millrace.dead"
    /// The group whose members turn events into what the store keeps.
    package static let workerGroup = "millrace.workers"

    /// Makes the topics unless they exist, trying until the log answers or the deadline passes.
    /// Returns how many partitions `events` has, which may differ from what was asked for.
    @discardableResult
    package static func ensure(
        with admin: LogAdmin, eventPartitions: Int32, replication: Int32 = 1, timeout: Duration
    ) async throws -> Int32 {
        let deadline = ContinuousClock.now + timeout
        while true {
            do {
                return try await ensureOnce(admin, eventPartitions, replication)
            } catch let error as LogError where error.isRetriable && ContinuousClock.now < deadline
            {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private static func ensureOnce(
        _ admin: LogAdmin, _ eventPartitions: Int32, _ replication: Int32
    ) async throws -> Int32 {
        let wait = Duration.seconds(5)
        let existing = try await admin.topics(timeout: wait)
        if !existing.contains(where: { $0.name == catalog }) {
            try await admin.createTopic(
                catalog, partitions: 1, replication: replication,
                settings: ["cleanup.policy": "compact"], timeout: wait)
        }
        if let events = existing.first(where: { $0.name == events && !$0.partitions.isEmpty }) {
            return Int32(clamping: events.partitions.count)
        }
        try await admin.createTopic(
            events, partitions: eventPartitions, replication: replication, timeout: wait)
        return eventPartitions
    }
}
