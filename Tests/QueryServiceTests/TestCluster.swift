import Base
import Bolts
import Catalog
import Crypto
import EventLoop
import EventStore
import Foundation
import HTTP
import JSON
import Logging
import Model
import Query
import QueryService
import RPC
import StoreService
import Wire

/// Two storage nodes and a query server in one process, over real connections.
final class TestCluster: Sendable {
    static let projectPath = "/3.0/projects/5f00000000000000000000a1"
    static let project = "5f00000000000000000000a1"
    static let secret = "a secret of the test cluster"
    static let partitionCount: Int32 = 5
    /// Wednesday, 10:30 in London (summer time), 05:30 in New York.
    static let now = "2020-04-01T09:30:00.000Z"

    let group: EventLoopGroup
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let client: HTTPClient
    private let directory: String
    private let nodes: [Node]
    let cluster: StoreCluster
    let service: QueryService
    private let server: HTTPServer
    let port: UInt16

    private struct Node: Sendable {
        var service: StoreService
        var server: RPCServer
        var client: StoreClient
    }

    init(
        configuration: QueryServiceConfiguration? = nil, partitionCount: Int32 = partitionCount,
        catalog: (@Sendable () -> CatalogState?)? = nil,
        files: ExtractionFilesConfiguration? = nil
    ) async throws {
        group = try EventLoopGroup(count: 2)
        client = HTTPClient(loop: group.next())
        directory =
            FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        var nodes: [Node] = []
        for number in 0..<2 {
            nodes.append(try await Self.node("\(directory)/store-\(number)", group, logger))
        }
        self.nodes = nodes
        cluster = StoreCluster(nodes.map(\.client))
        cluster.partitionCount = partitionCount
        let state = Self.catalog
        var settings = configuration ?? Self.configuration
        let clients = nodes.map(\.client)
        settings.publishControl = { try await Self.apply($0, to: clients, partitionCount: $1) }
        let zones = ZoneLibrary(logger: logger)
        service = QueryService(
            cluster: cluster, catalog: catalog ?? { state },
            zones: { zones.zone(named: $0) },
            configuration: settings, files: try files.map { try ExtractionFiles($0) },
            logger: logger)
        var router = Router()
        service.mount(on: &router)
        server = HTTPServer(router: router, group: group, logger: logger)
        port = try await server.start(host: "127.0.0.1", port: 0)
    }

    static var configuration: QueryServiceConfiguration {
        var configuration = QueryServiceConfiguration()
        let now = Timestamp(iso8601: Self.now.utf8) ?? Timestamp(milliseconds: 0)
        configuration.now = { now }
        return configuration
    }

    private static func node(
        _ directory: String, _ group: EventLoopGroup, _ logger: Logger
    ) async throws -> Node {
        var options = EventStoreOptions()
        // Small enough that the tests' events make sealed blocks too.
        options.mergePolicy.sealRows = 100
        options.rowStore.memtableBytes = 8 << 20
        let store = try EventStore(directory: directory, options: options, logger: logger)
        let service = try StoreService(store: store, logger: logger)
        let secret = try ClusterSecret(secret)
        let server = RPCServer(group: group, secret: secret, logger: logger) { service.handle($0) }
        let port = try await server.start(host: "127.0.0.1", port: 0)
        let client = RPCClient(
            address: HostPort(host: "127.0.0.1", port: port), secret: secret, loop: group.next(),
            logger: logger, jitterSeed: 1)
        return Node(service: service, server: server, client: StoreClient(client))
    }

    /// One project whose keys are the words, and another.
    static var catalog: CatalogState {
        var state = CatalogState()
        for (id, suffix) in [(project, ""), ("p2", "2")] {
            let json: JSONValue = [
                "id": .string(id), "name": .string("shop\(suffix)"),
                "master_key": .string("MASTER\(suffix)"), "write_key": .string("WRITE\(suffix)"),
                "read_key": .string("READ\(suffix)"), "created": "2020-01-01T00:00:00.000Z",
            ]
            state.apply(key: Array("project/\(id)".utf8), value: json.encoded)
        }
        return state
    }

    func stop() async {
        // First: a server waits for its clients.
        client.close()
        await server.drain(grace: .seconds(1))
        await cluster.close()
        for node in nodes {
            await node.server.drain(deadline: .seconds(1))
            await node.service.shutdown()
        }
        await group.shutdown()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs a test with a cluster and takes it down whatever happens.
    static func with(
        configuration: QueryServiceConfiguration? = nil, partitionCount: Int32 = partitionCount,
        catalog: (@Sendable () -> CatalogState?)? = nil,
        files: ExtractionFilesConfiguration? = nil,
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let cluster = try await TestCluster(
            configuration: configuration, partitionCount: partitionCount, catalog: catalog,
            files: files)
        do { try await body(cluster) } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    /// Where the storage nodes are, as `store.addresses` says it.
    var storeAddresses: String { nodes.map(\.client.address.description).joined(separator: ",") }

    // MARK: Events

    /// Stores events as the worker does: event i goes to partition i mod the number of partitions.
    /// Each partition may be filled once.
    func store(_ events: [JSONValue], collection: String = "orders") async throws {
        try await store(events.map { (collection, $0) })
    }

    func store(_ events: [(collection: String, event: JSONValue)]) async throws {
        for partition in 0..<Int(Self.partitionCount) {
            let mine = stride(from: partition, to: events.count, by: Int(Self.partitionCount))
                .map { events[$0] }
            let shard = ShardID(Int32(partition))
            let node = nodes[partition % nodes.count].client
            // Several batches, so that a shard has several blocks.
            for start in stride(from: 0, to: mine.count, by: 70) {
                let part = Array(mine[start..<min(start + 70, mine.count)])
                _ = try await node.apply(Self.batch(part, shard: shard, from: Int64(start)))
            }
        }
    }

    private static func batch(
        _ events: [(collection: String, event: JSONValue)], shard: ShardID, from: Int64
    ) -> ApplyBatch {
        let decoder = EventDecoder()
        var decoded = DecodedEvents()
        for (index, (collection, event)) in events.enumerated() {
            decoder.decode(
                offset: from + Int64(index), key: Array("\(project)/\(collection)".utf8),
                value: event.encoded, into: &decoded)
        }
        precondition(decoded.rejected.isEmpty, "\(decoded.rejected)")
        return ApplyBatch(
            shard: shard, fromOffset: from, toOffset: from + Int64(events.count),
            blocks: decoded.blocks(), rollups: decoded.rollups)
    }

    /// What the log and the workers do with a control record.
    private static func apply(
        _ control: CollectionControl, to nodes: [StoreClient], partitionCount: Int32
    ) async throws -> [ShardID: Int64] {
        var offsets: [ShardID: Int64] = [:]
        for partition in 0..<partitionCount {
            let shard = ShardID(partition)
            let node = nodes[Int(partition) % nodes.count]
            let from = try await node.appliedOffsets([shard]).first?.offset ?? 0
            _ = try await node.apply(
                ApplyBatch(shard: shard, fromOffset: from, toOffset: from + 1, control: control))
            offsets[shard] = from + 1
        }
        return offsets
    }

    // MARK: Requests

    func send(
        _ method: HTTPMethod = .get, _ target: String, key: String? = "READ",
        body: String = "", headers: [(name: String, value: String)] = []
    ) async throws -> TestAnswer {
        var all = headers
        if let key { all.append((name: "Authorization", value: key)) }
        let response = try await client.send(
            method: method, url: "http://127.0.0.1:\(port)\(target)", headers: all,
            body: Array(body.utf8), timeout: .seconds(60))
        return TestAnswer(response: response)
    }

    /// A query by POST, as most clients send it.
    func query(_ analysis: String, _ body: String) async throws -> TestAnswer {
        try await send(.post, "\(Self.projectPath)/queries/\(analysis)", body: body)
    }
}

/// An answer with its JSON.
struct TestAnswer: CustomStringConvertible {
    let response: HTTPResponse

    var status: Int { response.status }
    var text: String { String(decoding: response.body, as: UTF8.self) }
    var json: JSONValue? { try? JSONValue(parsing: response.body) }
    var result: JSONValue? { json?["result"] }
    var code: String? { json?["error_code"]?.string }
    var description: String { "\(status) \(text.prefix(2000))" }
}

/// `a=1&b=x+y`, as `application/x-www-form-urlencoded`.
func form(_ pairs: [(String, String)], plus: Bool = true) -> String {
    pairs.map { "\(formEncoded($0, plus))=\(formEncoded($1, plus))" }.joined(separator: "&")
}

private func formEncoded(_ text: String, _ plus: Bool) -> String {
    text.utf8.map { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F:
            String(UnicodeScalar(byte))
        case 0x20 where plus: "+"
        default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }.joined()
}

/// JSON as Python's `json.dumps` writes it: with spaces after commas and colons.
func pythonJSON(_ value: JSONValue) -> String {
    switch value {
    case .array(let elements):
        return "[" + elements.map(pythonJSON).joined(separator: ", ") + "]"
    case .object(let object):
        let members = object.map { name, value in
            "\(pythonJSON(.string(name))): \(pythonJSON(value))"
        }
        return "{" + members.joined(separator: ", ") + "}"
    default: return String(decoding: value.encoded, as: UTF8.self)
    }
}
