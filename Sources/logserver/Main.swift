// millrace-log: the log server. Wiring only.

import ArgumentParser
import Base
import EventLoop
import LogServer
import Logging
import Runtime
import ServiceLifecycle

/// The command: the server, unless a subcommand says otherwise.
@main
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-log",
        abstract: "Keeps the log: a Kafka broker for one machine.",
        version: Build.version, subcommands: [LogServerCommand.self, Inspect.self, Check.self],
        defaultSubcommand: LogServerCommand.self)
}

/// Serves the log.
struct LogServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the log (what happens without a subcommand).")

    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT to listen on for Kafka clients.")
    var logServerListen: String?
    @Option(help: "HOST:PORT that clients are told, if it is another.")
    var logServerAdvertised: String?
    @Option(help: "HOST:PORT to listen on for Kafka clients with TLS.")
    var logServerTlsListen: String?
    @Option(help: "HOST:PORT that clients with TLS are told, if it is another.")
    var logServerTlsAdvertised: String?
    @Option(help: "PEM file of the certificate, followed by those that signed it.")
    var logServerTlsCertificate: String?
    @Option(help: "PEM file of its key.")
    var logServerTlsKey: String?
    @Option(help: "PEM file of who signs the certificates that clients then need.")
    var logServerTlsClientCa: String?
    @Option(help: "File with lines 'name: password' of those who may use the server.")
    var logServerUsersFile: String?
    @Option(help: "Directory of the data.")
    var logServerData: String?
    @Option(help: "When records are on the disk: always, interval or never.")
    var logServerFsync: String?
    @Option(help: "Size at which a segment is closed.")
    var logServerSegmentBytes: String?
    @Option(help: "Milliseconds that records are kept by default, -1 for ever.")
    var logServerRetentionMs: String?
    @Option(help: "Bytes of a partition that are kept by default, -1 for all.")
    var logServerRetentionBytes: String?
    @Option(help: "Age at which a segment is closed, milliseconds.")
    var logServerSegmentMs: String?
    @Option(help: "Milliseconds between two looks for old segments.")
    var logServerRetentionCheckIntervalMs: String?
    @Option(help: "Milliseconds between two looks for partitions to compact.")
    var logServerCompactionIntervalMs: String?
    @Option(help: "Whether an unknown topic is made on first use: true or false.")
    var logServerAutoCreateTopics: String?
    @Option(help: "Partitions of a topic that is made without a number.")
    var logServerPartitions: String?
    @Option(help: "Milliseconds that a new group waits for further members.")
    var logServerGroupInitialRebalanceDelayMs: String?
    @Option(help: "Milliseconds that a transaction may stay open at most.")
    var logServerTransactionMaxTimeoutMs: String?
    @Option(help: "Milliseconds for which an unused transactional id is remembered.")
    var logServerTransactionalIdExpirationMs: String?
    @Option(help: "HOST:PORT of /healthz, /readyz and /metrics.")
    var adminListen: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        keepFreedMemory()
        await ProcessMain.run(
            name: "log", configurationFile: configurationFile,
            flags: [
                "log_server.listen": logServerListen,
                "log_server.advertised": logServerAdvertised,
                "log_server.tls_listen": logServerTlsListen,
                "log_server.tls_advertised": logServerTlsAdvertised,
                "log_server.tls_certificate": logServerTlsCertificate,
                "log_server.tls_key": logServerTlsKey,
                "log_server.tls_client_ca": logServerTlsClientCa,
                "log_server.users_file": logServerUsersFile,
                "log_server.data": logServerData,
                "log_server.fsync": logServerFsync,
                "log_server.segment_bytes": logServerSegmentBytes,
                "log_server.retention_ms": logServerRetentionMs,
                "log_server.retention_bytes": logServerRetentionBytes,
                "log_server.segment_ms": logServerSegmentMs,
                "log_server.retention_check_interval_ms": logServerRetentionCheckIntervalMs,
                "log_server.compaction_interval_ms": logServerCompactionIntervalMs,
                "log_server.auto_create_topics": logServerAutoCreateTopics,
                "log_server.partitions": logServerPartitions,
                "log_server.group_initial_rebalance_delay_ms":
                    logServerGroupInitialRebalanceDelayMs,
                "log_server.transaction_max_timeout_ms": logServerTransactionMaxTimeoutMs,
                "log_server.transactional_id_expiration_ms":
                    logServerTransactionalIdExpirationMs,
                "admin.listen": adminListen, "logging.level": loggingLevel,
                "logging.format": loggingFormat,
            ], build)
    }
}

/// Builds the services, first started first.
private func build(_ context: ProcessContext) async throws -> [any Service] {
    let listeners = try Listeners(context.settings)
    let configuration = try configuration(context.settings)
    context.readiness.declare("log")
    let group = try EventLoopGroup()
    let opened = OpenedServer()
    let admin = try await AdminServer(context, group: group) { opened.mount(on: &$0) }
    let server = try openServer(configuration, group, context.logger)
    opened.set(server)
    var metadata = try await listeners.start(server)
    context.readiness.set("log", isReady: true)
    metadata["log.directory"] = "\(configuration.directory)"
    context.logger.notice("listening", metadata: metadata)
    let stop = StopService {
        context.readiness.drain()
        await server.stop(grace: .seconds(10))
    }
    let reload = listeners.reload(context.settings, context.logger)
    let services: [any Service] = [StopService { await group.shutdown() }, admin, stop]
    return services + [reload].compactMap(\.self)
}

/// The settings of this process, with their defaults.
private func configuration(_ settings: Settings) throws -> LogServerConfiguration {
    var configuration = LogServerConfiguration(directory: try settings.string("log_server.data"))
    let policy = try settings.choice(
        "log_server.fsync", default: FsyncPolicy.always.rawValue,
        of: FsyncPolicy.allCases.map(\.rawValue))
    configuration.fsync = FsyncPolicy(rawValue: policy) ?? .always
    configuration.segmentBytes = try settings.integer(
        "log_server.segment_bytes", default: Limits.logSegmentBytesDefault,
        in: 1 << 20...Limits.logSegmentBytesMax)
    try setCleaning(&configuration, settings)
    configuration.autoCreatesTopics = try settings.bool(
        "log_server.auto_create_topics", default: true)
    configuration.defaultPartitions = try settings.integer(
        "log_server.partitions", default: 4, in: 1...Limits.logPartitionsMax)
    configuration.groups.initialRebalanceDelay = try settings.milliseconds(
        "log_server.group_initial_rebalance_delay_ms", default: 3000, in: 0...60_000)
    configuration.transactions.timeoutMax = Int64(
        try settings.integer(
            "log_server.transaction_max_timeout_ms", default: 900_000, in: 1...Int(Int32.max)))
    configuration.transactions.idExpiration = Int64(
        try settings.integer(
            "log_server.transactional_id_expiration_ms", default: 604_800_000,
            in: 1...Int(Int32.max)))
    if try settings.optionalString("log_server.advertised") != nil {
        configuration.advertised = try settings.hostPort("log_server.advertised")
    }
    if try settings.optionalString("log_server.tls_advertised") != nil {
        configuration.advertisedTLS = try settings.hostPort("log_server.tls_advertised")
    }
    configuration.users = try users(settings)
    return configuration
}

/// How old records go.
private func setCleaning(
    _ configuration: inout LogServerConfiguration, _ settings: Settings
) throws {
    configuration.retention = try settings.integer(
        "log_server.retention_ms", default: configuration.retention, in: -1...Int.max)
    configuration.retentionBytes = try settings.integer(
        "log_server.retention_bytes", default: configuration.retentionBytes, in: -1...Int.max)
    configuration.segmentAge = try settings.integer(
        "log_server.segment_ms", default: configuration.segmentAge, in: 1...Int.max)
    configuration.retentionCheckInterval = try settings.milliseconds(
        "log_server.retention_check_interval_ms", default: 300_000, in: 100...86_400_000)
    configuration.compactionInterval = try settings.milliseconds(
        "log_server.compaction_interval_ms", default: 15_000, in: 100...86_400_000)
}

/// A log that cannot be opened ends the process with the status of the reason.
private func openServer(
    _ configuration: LogServerConfiguration, _ group: EventLoopGroup, _ logger: Logger
) throws -> LogServer {
    do {
        return try LogServer(configuration: configuration, group: group, logger: logger)
    } catch let error as LogStorageError {
        switch error.code {
        case .damaged, .newerFormat: fatal(.damagedData, error.message)
        case .disk: fatal(.disk, error.message)
        case .locked: fatal(.unavailable, error.message)
        }
    }
}
