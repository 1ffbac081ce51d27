// millrace-collector: takes events in over HTTP. Wiring only.

import ArgumentParser
import Base
import Catalog
import EventLoop
import HTTP
import Ingest
import LogClient
import Logging
import Runtime
import ServiceLifecycle

@main
struct Collector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-collector",
        abstract: "Takes events in over HTTP and answers when the log has them.",
        version: Build.version)

    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT to listen on.")
    var collectorListen: String?
    @Option(help: "Events that wait for the log at most.")
    var collectorBufferEvents: String?
    @Option(help: "HOST:PORT,... of the log's brokers.")
    var logBrokers: String?
    @Option(help: "Partitions that millrace.events gets if it does not exist yet.")
    var eventsPartitions: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        await ProcessMain.run(
            name: "collector", configurationFile: configurationFile,
            flags: [
                "collector.listen": collectorListen,
                "collector.buffer_events": collectorBufferEvents,
                "log.brokers": logBrokers, "events.partitions": eventsPartitions,
                "logging.level": loggingLevel, "logging.format": loggingFormat,
            ], build)
    }
}

/// Builds the services, first started first.
private func build(_ context: ProcessContext) async throws -> [any Service] {
    let settings = context.settings
    let address = try settings.hostPort("collector.listen")
    let connection = LogConnection(
        brokers: try settings.strings("log.brokers"),
        security: try settings.logSecurity())
    let partitions = try settings.integer("events.partitions", default: 4, in: 1...10_000)
    var configuration = IngestConfiguration()
    configuration.trustsForwardedFor = try context.settings.bool(
        "collector.trust_forwarded_for", default: false)
    configuration.bufferEventsMax = try settings.integer(
        "collector.buffer_events", default: configuration.bufferEventsMax, in: 1...10_000_000)
    context.readiness.declare("catalog")
    context.readiness.declare("log")
    let catalog = try CatalogFollower(connection: connection, logger: context.logger)
    let ingest = try IngestService(
        connection: connection, catalog: catalog, configuration: configuration,
        logger: context.logger)
    let group = try EventLoopGroup()
    var router = Router()
    ingest.mount(on: &router)
    VersionRoutes.mount(on: &router)
    AdminRoutes.mount(on: &router, readiness: context.readiness, metrics: context.metrics)
    let server = HTTPServer(router: router, group: group, logger: context.logger)
    let port = try await server.start(host: address.host, port: address.port)
    context.logger.notice(
        "listening", metadata: ["listen.address": "\(address.host):\(port)"])
    let stop = StopService {
        context.readiness.drain()
        await server.drain(grace: .seconds(15))
        await ingest.drain(deadline: .seconds(10))
        await catalog.close()
    }
    let start = StartService(context.logger) {
        let admin = try LogAdmin(connection: connection, logger: context.logger)
        try await MillraceTopics.ensure(
            with: admin, eventPartitions: Int32(partitions), timeout: .seconds(60))
        try await ingest.waitUntilReady(timeout: .seconds(60))
        context.readiness.set("log", isReady: true)
        try await catalog.waitUntilCurrent(timeout: .seconds(60))
        context.readiness.set("catalog", isReady: true)
    }
    return [StopService { await group.shutdown() }, stop, start]
}

/// Waits for what the process needs from others, as long as that takes.
private struct StartService: Service {
    let logger: Logger
    let start: @Sendable () async throws -> Void

    init(_ logger: Logger, _ start: @escaping @Sendable () async throws -> Void) {
        self.logger = logger
        self.start = start
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await start()
                    logger.notice("ready")
                    break
                } catch {
                    logger.warning("not ready yet", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
        // A service that ends would end the process.
        try? await gracefulShutdown()
    }
}
