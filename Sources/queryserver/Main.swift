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
    let maker = FileMaker(queries: queries, loop: group.next())
    return [StopService { await group.shutdown() }, stop, preparation, refresher, maker]
}

/// Where extractions become files; nil: nowhere.
private func extractionFiles(_ context: ProcessContext) throws -> ExtractionFiles? {
    let settings = context.settings
    guard let directory = try settings.optionalString("query.files") else {
        for key in ["query.mail_command", "query.public_url"] {
            guard try settings.optionalString(key) == nil else {
                throw SettingsError("setting \(key) needs query.files, which is not set")
            }
        }
        return nil
    }
    var files = ExtractionFilesConfiguration(directory: directory)
    files.bytesMax = try settings.integer(
        "query.files_bytes", default: Limits.filesBytesDefault, in: (1 << 20)...(1 << 50))
    files.age = try settings.milliseconds(
        "query.files_age_ms", default: Limits.filesAgeMilliseconds, in: 1000...31_536_000_000)
    let url = try settings.optionalString("query.public_url") ?? ""
    guard url.isEmpty || url.hasPrefix("http://") || url.hasPrefix("https://") else {
        throw SettingsError(
            "setting query.public_url: '\(url)' does not begin with http:// or https://")
    }
    files.publicURL = url.hasSuffix("/") ? String(url.dropLast()) : url
    let command = try settings.optionalString("query.mail_command") ?? ""
    files.mailCommand = command.split(separator: " ").map(String.init)
    guard files.mailCommand.isEmpty || !url.isEmpty else {
        throw SettingsError("setting query.mail_command needs query.public_url: mails have a link")
    }
    return try ExtractionFiles(files)
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
    for kind in RequestKind.allCases {
        let perMinute = try context.settings.integer(
            "query.\(kind.rawValue)_per_minute", default: 0, in: 0...1_000_000)
        if perMinute > 0 { configuration.perMinute[kind] = perMinute }
    }
    let controls = ControlPublisher(connection: connection, logger: context.logger)
    configuration.publishControl = {
        try await controls.publish($0, partitionCount: $1, timeout: .seconds(10))
    }
    let writer = try CatalogWriter(connection: connection, logger: context.logger)
    configuration.publish = { try await writer.publish($0, timeout: .seconds(10)) }
    let zones = ZoneLibrary(logger: context.logger)
    if zones.zone(named: "Europe/London") == nil {
        context.logger.warning(
            "no time zones on this machine: install tzdata",
            metadata: ["zone.directory": "\(ZoneLibrary.systemDirectory)"])
    }
    return QueryService(
        cluster: cluster, catalog: { catalog.isCurrent ? catalog.state : nil },
        zones: { zones.zone(named: $0) }, configuration: configuration,
        files: try extractionFiles(context), logger: context.logger)
}
