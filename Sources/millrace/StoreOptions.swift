// How `millrace store` finds the storage nodes and talks to them.

import ArgumentParser
import Base
import Crypto
import EventLoop
import Foundation
import Logging
import Model
import RPC
import Runtime
import Wire

/// Options of the commands that ask running storage nodes.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: .init(
            "Data directory of `millrace up`, which names the stores and has the secret.",
            valueName: "dir"))
    var dataDirectory = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"
    @Option(
        help: .init(
            "The storage nodes, in the order of store.addresses (instead of --data).",
            valueName: "host:port,…"))
    var store: String?
    @Option(
        name: .customLong("config"),
        help: .init("YAML file with settings (instead of --data).", valueName: "file"))
    var configurationFile: String?
    @Option(help: .init("File with the cluster's secret.", valueName: "file"))
    var clusterSecretFile: String?

    /// Where the nodes are, and their secret: from flags, environment and file, or from `up`.
    private func places() throws -> (addresses: [HostPort], secret: ClusterSecret) {
        do {
            if store != nil || configurationFile != nil {
                let flags = [
                    "store.addresses": store, "cluster.secret_file": clusterSecretFile,
                ].compactMapValues(\.self)
                let settings = try Settings(
                    flags: flags, environment: ProcessInfo.processInfo.environment,
                    file: configurationFile)
                return (try settings.hostPorts("store.addresses"), try settings.clusterSecret())
            }
            let stores = try EndpointsFile(in: dataDirectory).texts("stores")
            let addresses = stores.compactMap { HostPort($0) }
            guard !addresses.isEmpty, addresses.count == stores.count else {
                throw CommandFailure("endpoints.json names no stores")
            }
            let file =
                try clusterSecretFile ?? "\(Places.dataDirectory(dataDirectory))/secret"
            let settings = try Settings(
                flags: ["cluster.secret_file": file], environment: [:], file: nil)
            return (addresses, try settings.clusterSecret())
        } catch let error as SettingsError { throw CommandFailure.usage("\(error)") }
    }

    /// Calls `body` with the nodes. A node's refusal becomes this command's.
    func asking(_ body: (StoreNodes) async throws -> Void) async throws {
        let (addresses, secret) = try places()
        let loop = try EventLoop(name: "store")
        let logger = Logger(label: "millrace") { _ in SwiftLogNoOpLogHandler() }
        let clients = addresses.map {
            StoreClient(RPCClient(address: $0, secret: secret, loop: loop, logger: logger))
        }
        var failure: (any Error)?
        do { try await body(StoreNodes(clients: clients)) } catch { failure = error }
        for client in clients { await client.client.close() }
        await loop.shutdown()
        guard let failure else { return }
        guard let error = failure as? RPCError else { throw failure }
        let isAway = error.isRetriable || error.status == .unauthenticated
        throw CommandFailure(
            error.message, status: isAway ? FatalReason.unavailable.rawValue : 1)
    }
}

/// The nodes of a cluster, and their tables as people name them.
struct StoreNodes {
    let clients: [StoreClient]

    /// The node of a shard; the first one for what has none.
    func client(of shard: ShardID?) -> StoreClient {
        clients[shard?.nodeIndex(among: clients.count) ?? 0]
    }

    /// The tables of all nodes by name, and whether these are all.
    func tables() async throws -> (tables: [TableDescription], isComplete: Bool) {
        var tables: [TableDescription] = []
        var isComplete = true
        for client in clients {
            let answer = try await client.tables()
            tables += answer.tables.filter { !tables.contains($0) }
            isComplete = isComplete && answer.isComplete
        }
        return (tables, isComplete)
    }

    /// The shards that some node has something of.
    func shards() async throws -> [ShardID] {
        var shards: [ShardID] = []
        for client in clients { shards += try await client.appliedOffsets().map(\.shard) }
        return shards.sorted()
    }

    /// A table by `KEYSPACE/NAME`. One that no node lists may be one of users without rows yet;
    /// the node knows.
    func table(_ text: String) async throws -> NamedTable {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw CommandFailure.usage("table '\(text)': KEYSPACE/NAME is wanted")
        }
        let reference = TableReference(keyspace: parts[0], table: parts[1])
        let known = try await tables().tables.first { $0.reference == reference }
        return NamedTable(
            description: known
                ?? TableDescription(
                    reference: reference, hasShard: true, parts: [KeyPart("key", .tagged)],
                    cells: "bytes", isWritable: true))
    }
}

/// A table, with keys as people write them: the shard is the first part.
struct NamedTable {
    let description: TableDescription

    var reference: TableReference { description.reference }

    private var notation: KeyText {
        let shard = description.hasShard ? [KeyPart("shard", .int32)] : []
        return KeyText(shard + description.parts)
    }

    /// Shard and key, or the beginning of one.
    func parse(_ text: String) throws -> (shard: ShardID?, key: [UInt8]) {
        do {
            let bytes = try notation.parse(text)
            guard description.hasShard else { return (nil, bytes) }
            var reader = KeyReader(bytes)
            let shard = try reader.readInt32()
            guard shard >= 0 else {
                throw CommandFailure.usage("key '\(text)': a shard is not negative")
            }
            return (ShardID(shard), Array(bytes[reader.offset...]))
        } catch let error as KeyTextError {
            throw CommandFailure.usage("key '\(text)': \(error)")
        } catch is KeyError {
            throw CommandFailure.usage("key '\(text)': it begins with the number of its shard")
        }
    }

    func show(_ key: [UInt8], _ shard: ShardID?) -> String {
        var bytes = KeyWriter()
        if let shard { bytes.append(shard.number) }
        return notation.show(bytes.bytes + key)
    }
}
