// millrace-query: answers queries, and takes events in for clients that know one address. Wiring
// only.

import ArgumentParser
import Base
import Catalog
import EventLoop
import HTTP
import Ingest
import LogClient
import Logging
import QueryService
import RPC
import Runtime
import ServiceLifecycle

@main
struct QueryServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-query",
        abstract: "Answers queries over HTTP; also takes events in, as a collector does.",
        version: Build.version)

    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT to listen on.")
    var queryListen: String?
    @Option(help: "How long a query may take, in milliseconds.")
    var queryTimeoutMs: String?
    @Option(help: "HOST:PORT,... of all storage nodes, in the same order everywhere.")
    var storeAddresses: String?
    @Option(help: "HOST:PORT,... of the log's brokers.")
    var logBrokers: String?
    @Option(help: "Partitions that millrace.events gets if it does not exist yet.")
    var eventsPartitions: String?
    @Option(help: "File with the cluster's secret.")
    var clusterSecretFile: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        await ProcessMain.run(
            name: "query", configurationFile: configurationFile,
            flags: [
                "query.listen": queryListen, "query.timeout_ms": queryTimeoutMs,
                "store.addresses": storeAddresses, "log.brokers": logBrokers,
                "events.partitions": eventsPartitions, "cluster.secret_file": clusterSecretFile,
                "logging.level": loggingLevel, "logging.format": loggingFormat,
            ], build)
    }
}

/// Builds the services, first started first.
private func build(_ context: ProcessContext) async throws -> [any Service] {
    let address = try context.settings.hostPort("query.listen")
    let connection = LogConnection(
        brokers: try context.settings.strings("log.brokers"),
        security: try context.settings.logSecurity())
    let group = try EventLoopGroup()
    let cluster = try storeCluster(context, group)
    let catalog = try CatalogFollower(connection: connection, logger: context.logger)
    var writes = IngestConfiguration()
    writes.trustsForwardedFor = try context.settings.bool(
        "collector.trust_forwarded_for", default: false)
    let ingest = try IngestService(
        connection: connection, catalog: catalog, configuration: writes, logger: context.logger)
    let preparation = try Preparation(context, connection, cluster, catalog, ingest)
    let queries = try queryService(context, connection, cluster, catalog)
    var router = Router()
    // Writes first: a GET with data is one, on the path of a schema.
    ingest.mount(on: &router)
    queries.mount(on: &router)
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
        await cluster.close()
    }
    let refresher = CachedQueryRefresher(queries: queries, loop: group.next())
    return [StopService { await group.shutdown() }, stop, preparation, refresher]
}

private func storeCluster(
    _ context: ProcessContext, _ group: EventLoopGroup
) throws -> StoreCluster {
    let secret = try context.settings.clusterSecret()
    return StoreCluster(
        try context.settings.hostPorts("store.addresses").map { address in
            StoreClient(
                RPCClient(
                    address: address, secret: secret, loop: group.next(), logger: context.logger))
        })
}

private func queryService(
    _ context: ProcessContext, _ connection: LogConnection, _ cluster: StoreCluster,
    _ catalog: CatalogFollower
) throws -> QueryService {
    var configuration = QueryServiceConfiguration()
    configuration.timeout = try context.settings.milliseconds(
        "query.timeout_ms", default: 60_000, in: 100...600_000)
    let controls = ControlPublisher(connection: connection, logger: context.logger)
    configuration.publishControl = {
        try await controls.publish($0, partitionCount: $1, timeout: .seconds(10))
    }
    let writer = try CatalogWriter(connection: connection, logger: context.logger)
    configuration.publishQuery = { query, name, project in
        if let query {
            try await writer.put(query, timeout: .seconds(10))
        } else {
            try await writer.removeQuery(name, of: project, timeout: .seconds(10))
        }
    }
    let zones = ZoneLibrary(logger: context.logger)
    if zones.zone(named: "Europe/London") == nil {
        context.logger.warning(
            "no time zones on this machine: install tzdata",
            metadata: ["zone.directory": "\(ZoneLibrary.systemDirectory)"])
    }
    return QueryService(
        cluster: cluster, catalog: { catalog.isCurrent ? catalog.state : nil },
        zones: { zones.zone(named: $0) }, configuration: configuration, logger: context.logger)
}
