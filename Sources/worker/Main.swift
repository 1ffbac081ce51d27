// millrace-worker: turns the events of the log into what the stores keep. Wiring only.

import ArgumentParser
import Base
import Bolts
import Enrich
import EventLoop
import GeoIP
import LogClient
import Logging
import RPC
import Runtime
import ServiceLifecycle
import Topology

@main
struct Worker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-worker",
        abstract: "Reads the events of the log and has the stores apply them, exactly once.",
        discussion: """
            A member of the consumer group millrace.workers: start as many as there is work for, \
            up to the number of partitions. Where to go on is what the stores say they have \
            applied; the group's committed offsets follow, so that any Kafka tool shows the lag.
            """,
        version: Build.version)

    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT,… of the log.")
    var logBrokers: String?
    @Option(help: "HOST:PORT,… of all storage nodes, the same list everywhere.")
    var storeAddresses: String?
    @Option(help: "HOST:PORT of /healthz, /readyz and /metrics.")
    var adminListen: String?
    @Option(help: "Records that go to a storage node in one batch at most.")
    var workerBatchRecords: String?
    @Option(
        help: "Name that no other worker has: started again under it, gets its partitions back.")
    var workerInstanceID: String?
    @Option(help: "Partitions of millrace.events, to be checked against the log.")
    var eventsPartitions: String?
    @Option(help: "File with the cluster's secret.")
    var clusterSecretFile: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        await ProcessMain.run(
            name: "worker", configurationFile: configurationFile,
            flags: [
                "log.brokers": logBrokers, "store.addresses": storeAddresses,
                "worker.batch_records": workerBatchRecords,
                "worker.instance_id": workerInstanceID, "events.partitions": eventsPartitions,
                "admin.listen": adminListen, "cluster.secret_file": clusterSecretFile,
                "logging.level": loggingLevel, "logging.format": loggingFormat,
            ], build)
    }
}

/// Builds the services, first started first.
private func build(_ context: ProcessContext) async throws -> [any Service] {
    let settings = context.settings
    let brokers = try settings.strings("log.brokers")
    let addresses = try settings.hostPorts("store.addresses")
    let secret = try settings.clusterSecret()
    let seed = monotonicNanoseconds()
    var configuration = EventPipelineConfiguration(
        connection: LogConnection(
            brokers: brokers, security: try settings.logSecurity()), seed: seed)
    configuration.limits.batchRecordsMax = try settings.integer(
        "worker.batch_records", default: configuration.limits.batchRecordsMax,
        in: 1...Limits.blockRowsMax)
    if try settings.optionalString("events.partitions") != nil {
        configuration.topicPartitions = Int32(
            try settings.integer("events.partitions", in: 1...1024))
    }
    configuration.sessionTimeout = .milliseconds(
        try settings.integer("worker.session_timeout_ms", default: 10_000, in: 1_000...1_800_000))
    var options = EventOptions()
    if let path = try settings.optionalString("worker.geo_database") {
        do { options.geo = try GeoDatabase(path: path) } catch {
            throw SettingsError("setting worker.geo_database: \(error)")
        }
    }
    let keepsDead = try settings.bool("worker.dead_letters", default: true)
    options.deadLetterTopic =
        keepsDead
        ? try settings.optionalString("worker.dead_letter_topic") ?? MillraceTopics.dead : nil
    configuration.instanceID = try settings.optionalString("worker.instance_id")
    let group = try EventLoopGroup()
    let statistics = TopologyStatistics()
    let admin = try await AdminServer(context, group: group) {
        TopologyRoute.mount(on: &$0, statistics)
    }
    let cluster = RemoteShardStore(
        addresses.map { address in
            StoreClient(
                RPCClient(
                    address: address, secret: secret, loop: group.next(),
                    logger: context.logger))
        })
    let readiness = context.readiness
    let show = { @Sendable (status: EventPipelineStatus) in
        let parts = [
            ("group", status.group), ("stores", status.stores), ("partitions", status.partitions),
        ]
        for (part, reason) in parts {
            readiness.set(part, isReady: reason == nil, reason: reason ?? "")
        }
    }
    show(EventPipelineStatus())
    let pipeline = try EventPipeline(
        configuration: configuration, options: options, store: cluster, statistics: statistics,
        logger: context.logger, report: show)
    context.logger.notice(
        "working",
        metadata: [
            "log.brokers": "\(brokers.joined(separator: ","))",
            "store.addresses": "\(addresses.map(\.description).joined(separator: ","))",
        ])
    let stop = StopService {
        await cluster.close()
        await group.shutdown()
    }
    return [stop, admin, PipelineService(pipeline: pipeline, readiness: readiness)]
}

/// Runs the pipeline; an orderly stop finishes what is under way.
private struct PipelineService: Service {
    let pipeline: EventPipeline
    let readiness: Readiness

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await pipeline.run()
        } onGracefulShutdown: {
            readiness.drain()
            pipeline.stop()
        }
    }
}
