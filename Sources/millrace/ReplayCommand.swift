// millrace admin replay: fills fresh stores from the log again, and shows how far it is. It works
// as a worker in a group of its own, so it needs none, and those that run are not disturbed: what
// one of them has applied already the other passes over.

import ArgumentParser
import Base
import Bolts
import Enrich
import Foundation
import GeoIP
import LogClient
import Logging
import Model
import RPC
import Runtime
import Topology
import Wire

/// Refills stores.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fill fresh stores from the log again, up to where the log ends now.",
        discussion: """
            A shard that is empty begins where --from says; one that has something, also of a \
            replay that was interrupted, goes on where it stands. Nothing is applied twice.
            """)

    @Option(
        help: .init(
            "earliest, an offset (of every partition), or a time such as 2024-05-01T00:00:00Z.",
            valueName: "offset|time"))
    var from = "earliest"
    @Option(
        help: .init(
            "The log's addresses (instead of endpoints.json).", valueName: "host:port,…"))
    var logBrokers: String?
    @Option(help: .init("The file that workers have as worker.geo_database.", valueName: "file"))
    var geoDatabase: String?
    @OptionGroup var stores: StoreOptions

    func run() async throws {
        try await runCommand {
            guard let from = ReplayStart(from) else {
                throw CommandFailure.usage(
                    "--from \(from): earliest, an offset, or a time in ISO 8601 is wanted")
            }
            var options = EventOptions()
            // They were written when the records were read for the first time.
            options.deadLetterTopic = nil
            if let geoDatabase {
                do { options.geo = try GeoDatabase(path: geoDatabase) } catch {
                    throw CommandFailure.usage("--geo-database \(geoDatabase): \(error)")
                }
            }
            let brokers = try brokers()
            try await stores.asking { nodes in
                try await askingLog(brokers) {
                    let replay = try Replay(
                        connection: try logConnection(brokers), nodes: nodes, options: options)
                    try await replay.run(from: from)
                }
            }
        }
    }

    private func brokers() throws -> [String] {
        if let logBrokers { return try brokerList(logBrokers) }
        let listed = try EndpointsFile(in: stores.dataDirectory).texts("log")
        guard !listed.isEmpty else { throw CommandFailure("endpoints.json names no log") }
        return listed
    }
}

/// One replay into the nodes that hold the shards.
private struct Replay {
    private static let topic = MillraceTopics.events
    private static let timeout = Duration.seconds(10)

    private let connection: LogConnection
    private let nodes: StoreNodes
    private let options: EventOptions
    private let logger = Logger(label: "millrace")
    private let admin: LogAdmin

    init(connection: LogConnection, nodes: StoreNodes, options: EventOptions) throws {
        self.connection = connection
        self.nodes = nodes
        self.options = options
        admin = try LogAdmin(connection: connection, logger: logger)
    }

    func run(from: ReplayStart) async throws {
        guard let found = try await admin.metadata(of: Self.topic, timeout: Self.timeout) else {
            throw CommandFailure("the log has no topic \(Self.topic)")
        }
        var times: [Int32: Int64] = [:]
        if case .time(let time) = from {
            let places = found.partitions.map {
                TopicPartition(topic: Self.topic, partition: $0.partition)
            }
            for offset in try await admin.offsets(
                of: places, at: time.milliseconds, timeout: Self.timeout)
            {
                times[offset.partition] = offset.offset
            }
        }
        // All are looked at before one is changed.
        var parts: [ReplayPart] = []
        for partition in found.partitions.map(\.partition) {
            let applied = try await applied(partition)
            let range = try await admin.range(
                of: TopicPartition(topic: Self.topic, partition: partition), timeout: Self.timeout)
            do throws(ReplayError) {
                parts.append(
                    try ReplayPart(
                        partition, from: from, log: range, applied: applied,
                        atTime: times[partition]))
            } catch { throw CommandFailure("\(error)") }
        }
        for part in parts where part.missing > 0 {
            writeError(
                "partition \(part.partition): the log begins at offset \(part.start); what was "
                    + "before is not replayed\n")
        }
        for part in parts where part.isFresh && part.start > 0 { try await place(part) }
        try await fill(parts)
    }

    private func applied(_ partition: Int32) async throws -> Int64 {
        let shard = ShardID(partition)
        let node = nodes.client(of: shard)
        return try await node.appliedOffsets([shard]).first { $0.shard == shard }?.offset ?? 0
    }

    /// An empty batch over everything that is left out makes an empty shard begin behind it.
    private func place(_ part: ReplayPart) async throws {
        let shard = ShardID(part.partition)
        let batch = ApplyBatch(shard: shard, fromOffset: 0, toOffset: part.start)
        guard case .applied = try await nodes.client(of: shard).apply(batch) else {
            throw CommandFailure(
                "partition \(part.partition): somebody has begun to fill the shard; stop the "
                    + "workers of this store, empty it and replay again, or leave out --from")
        }
    }

    // MARK: Filling

    private func fill(_ parts: [ReplayPart]) async throws {
        var configuration = EventPipelineConfiguration(
            connection: connection, seed: monotonicNanoseconds())
        configuration.group = "millrace.replay.\(UUID().uuidString)"
        let pipeline = try EventPipeline(
            configuration: configuration, options: options, store: RemoteShardStore(nodes.clients),
            logger: logger, report: { _ in })
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await pipeline.run()
                return false
            }
            group.addTask {
                try await watch(parts)
                return true
            }
            // Whichever throws ends the other.
            while let isFilled = try await group.next() { if isFilled { pipeline.stop() } }
        }
        let count = parts.reduce(0) { $0 + $1.end - $1.start }
        let took = (ContinuousClock.now - began).components.seconds
        writeOutput("replayed \(count) offsets of \(parts.count) partitions in \(took) s")
    }

    /// Shows progress until every shard is where the log ended.
    private func watch(_ parts: [ReplayPart]) async throws {
        let total = parts.reduce(0) { $0 + $1.end - $1.start }
        let isTerminal = isatty(2) == 1
        let began = ContinuousClock.now
        var nextLine = began
        while true {
            var done: Int64 = 0
            for part in parts {
                done +=
                    min(max(try await applied(part.partition), part.start), part.end)
                    - part.start
            }
            let now = ContinuousClock.now
            if isTerminal || now >= nextLine || done == total {
                let line = progress(done, of: total, since: began)
                writeError(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
                nextLine = now + .seconds(5)
            }
            if done == total { return writeError(isTerminal ? "\n" : "") }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    private func progress(
        _ done: Int64, of total: Int64, since began: ContinuousClock.Instant
    ) -> String {
        let seconds = max(Double((ContinuousClock.now - began).components.seconds), 1)
        let rate = Double(done) / seconds
        let percent = total == 0 ? 100 : done * 100 / total
        let left = rate > 0 ? "\(Int(Double(total - done) / rate)) s left" : "waiting"
        return "\(done) of \(total) offsets (\(percent) %), \(Int(rate)) a second, \(left)"
    }
}
