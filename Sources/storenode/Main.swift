// millrace-store: a storage node. Wiring only.

import ArgumentParser
import Base
import EventLoop
import EventStore
import Logging
import RPC
import Runtime
import ServiceLifecycle
import StoreService

@main
struct StoreNode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-store",
        abstract: "Stores events as columns and answers scans next to them.",
        version: Build.version,
        subcommands: [
            Serve.self, Verify.self, ExportShard.self, ImportShard.self, Checkpoint.self,
        ], defaultSubcommand: Serve.self)
}

/// Runs the node.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the storage node (what happens without a subcommand).")

    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT to listen on for workers and query servers.")
    var storeListen: String?
    @Option(help: "Directory of the data.")
    var storeData: String?
    @Option(help: "HOST:PORT of /healthz, /readyz and /metrics.")
    var adminListen: String?
    @Option(help: "File with the cluster's secret.")
    var clusterSecretFile: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        await ProcessMain.run(
            name: "store", configurationFile: configurationFile,
            flags: [
                "store.listen": storeListen, "store.data": storeData,
                "admin.listen": adminListen, "cluster.secret_file": clusterSecretFile,
                "logging.level": loggingLevel, "logging.format": loggingFormat,
            ], build)
    }
}

/// Builds the services, first started first.
private func build(_ context: ProcessContext) async throws -> [any Service] {
    let address = try context.settings.hostPort("store.listen")
    let directory = try context.settings.string("store.data")
    let secret = try context.settings.clusterSecret()
    keepFreedMemory()
    context.readiness.declare("store")
    let group = try EventLoopGroup()
    let admin = try await AdminServer(context, group: group)
    var options = EventStoreOptions()
    options.dedupeWindowMilliseconds = Int64(
        try context.settings.integer(
            "store.dedupe_window_ms", default: Int(Limits.dedupeWindowMilliseconds),
            in: 0...Limits.dedupeWindowMillisecondsMax))
    options.answerCacheBytesMax = try context.settings.integer(
        "store.answer_cache_bytes", default: Limits.scanCacheBytesMax,
        in: 0...Limits.scanCacheBytesSettingMax)
    options.dictionaryCacheBytesMax = try context.settings.integer(
        "store.dictionary_cache_bytes", default: Limits.dictionaryCacheBytesMax,
        in: 0...Limits.dictionaryCacheBytesSettingMax)
    let store = try openStore(directory, options, context.logger)
    let readiness = context.readiness
    let service = try StoreService(store: store, logger: context.logger) { reason in
        readiness.set("disk", isReady: reason == nil, reason: reason ?? "")
    }
    let server = RPCServer(group: group, secret: secret, logger: context.logger) {
        service.handle($0)
    }
    service.keepTime(on: group.next())
    let port = try await server.start(host: address.host, port: address.port)
    context.readiness.set("store", isReady: true)
    context.logger.notice(
        "listening",
        metadata: [
            "listen.address": "\(address.host):\(port)", "store.directory": "\(directory)",
            "store.shard_count": "\(store.shardIDs.count)",
        ])
    let stop = StopService {
        context.readiness.drain()
        await server.drain(deadline: .seconds(10))
        await service.shutdown()
    }
    return [StopService { await group.shutdown() }, admin, stop]
}

/// A store that cannot be opened ends the process with the status of the reason.
private func openStore(
    _ directory: String, _ options: EventStoreOptions, _ logger: Logger
) throws -> EventStore {
    try orEnd { try EventStore(directory: directory, options: options, logger: logger) }
}

/// An error of a store ends the process with the status of its reason.
func orEnd<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as EventStoreError {
        switch error.code {
        case .damaged, .newerFormat: fatal(.damagedData, error.message)
        case .disk: fatal(.disk, error.message)
        case .locked, .closed: fatal(.unavailable, error.message)
        // What the command asked for cannot be done: status 1.
        case .badBatch, .badRequest, .notFound, .tooLarge, .busy: throw error
        }
    }
}

/// Opens a store that is there: opening would make a new one of any directory.
func openExisting(_ directory: String) throws -> EventStore {
    guard try LocalDisk().read(directory + "/FORMAT") != nil else {
        fatal(.usage, "there is no store in '\(directory)'")
    }
    return try openStore(directory, EventStoreOptions(), Logger(label: "millrace-store"))
}

/// Checks stored data without a running node.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read every stored value and check it; the node must not be running.")

    @Option(help: "Directory of the data.")
    var data: String

    func run() throws {
        let store = try openExisting(data)
        let report = try store.verify()
        for damage in report.damages { print("damaged: \(damage)") }
        print(
            "\(report.rows) events in \(report.blocks) blocks, \(report.segments) segments, "
                + "\(report.damages.count) damaged")
        if !report.damages.isEmpty {
            throw ExitCode(FatalReason.damagedData.rawValue)
        }
    }
}
