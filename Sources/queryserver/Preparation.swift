// What a query server needs from others before it is ready, and what it keeps watching: how many
// partitions, and so shards, there are.

import Base
import Catalog
import Ingest
import LogClient
import Logging
import QueryService
import Runtime
import ServiceLifecycle

/// Waits for the log, the catalog and the storage nodes, as long as that takes; then looks at the
/// number of partitions from time to time.
struct Preparation: Service {
    /// A topic that is given more partitions is noticed within this time (a choice): until then
    /// the events in the new ones are missing from answers.
    private static let watchInterval = Duration.seconds(5)

    private let readiness: Readiness
    private let logger: Logger
    private let cluster: StoreCluster
    private let catalog: CatalogFollower
    private let ingest: IngestService
    private let admin: LogAdmin
    /// As the settings say; nil if they say nothing.
    private let configuredPartitions: Int32?
    private let defaultPartitions: Int32

    init(
        _ context: ProcessContext, _ connection: LogConnection, _ cluster: StoreCluster,
        _ catalog: CatalogFollower, _ ingest: IngestService
    ) throws {
        readiness = context.readiness
        logger = context.logger
        self.cluster = cluster
        self.catalog = catalog
        self.ingest = ingest
        let count = try context.settings.integer("events.partitions", default: 4, in: 1...10_000)
        defaultPartitions = Int32(count)
        let isConfigured = try context.settings.optionalString("events.partitions") != nil
        configuredPartitions = isConfigured ? Int32(count) : nil
        admin = try LogAdmin(connection: connection, logger: context.logger)
        for component in ["log", "catalog", "stores"] { readiness.declare(component) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await prepare("log") {
                let count = try await MillraceTopics.ensure(
                    with: admin, eventPartitions: defaultPartitions, timeout: .seconds(10))
                usePartitions(count)
                try await ingest.waitUntilReady(timeout: .seconds(10))
            }
            await prepare("catalog") { try await catalog.waitUntilCurrent(timeout: .seconds(10)) }
            await prepare("stores") { try await cluster.probe(until: .now + .seconds(5)) }
            if !Task.isCancelled { logger.notice("ready") }
            await watchPartitions()
        }
        // A service that ends would end the process.
        try? await gracefulShutdown()
    }

    /// Tries until it succeeds or the process is asked to stop; says once what it waits for.
    private func prepare(_ component: String, _ step: () async throws -> Void) async {
        var isFirst = true
        while !Task.isCancelled {
            do {
                try await step()
                return readiness.set(component, isReady: true)
            } catch {
                readiness.set(component, isReady: false, reason: "\(error)")
                logger.log(
                    level: isFirst ? .warning : .debug, "not ready yet",
                    metadata: ["component": "\(component)", "reason": "\(error)"])
                isFirst = false
                // Cancelled: the loop's condition says so.
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func watchPartitions() async {
        while !Task.isCancelled {
            // Cancelled: the loop's condition says so.
            try? await Task.sleep(for: Self.watchInterval)
            // A log that is away changes nothing about the shards; its own clients report it.
            let topic = try? await admin.metadata(of: MillraceTopics.events, timeout: .seconds(5))
            if let topic { usePartitions(Int32(clamping: topic.partitions.count)) }
        }
    }

    private func usePartitions(_ count: Int32) {
        let before = cluster.partitionCount
        guard count != before else { return }
        cluster.partitionCount = count
        if before == 0, let configured = configuredPartitions, configured != count {
            logger.warning(
                "the log has another number of partitions than the settings; the log's is used",
                metadata: [
                    "events.partition_count": "\(count)",
                    "events.partition_count_configured": "\(configured)",
                ])
        } else if before != 0 {
            logger.notice(
                "the number of partitions has changed",
                metadata: [
                    "events.partition_count": "\(count)",
                    "events.partition_count_before": "\(before)",
                ])
        }
    }
}
