import Catalog
import EventLoop
import HTTP
import InMemoryLogging
import JSON
import LogClient
import Logging
import MockLog
import Model
import Synchronization
import TestSupport
import Testing

@testable import Ingest

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A collector in the test's own process on a mock log, ended by `stop`.
struct Fixture {
    let log: MockLog
    let project: Project
    let service: IngestService
    let server: HTTPServer
    let port: UInt16
    /// What the service logged.
    private let logged = InMemoryLogHandler()
    private let catalog: CatalogFollower
    private let group: EventLoopGroup

    init(
        brokers: Int32 = 1, partitions: Int32 = 4, loops: Int = 1,
        _ change: (inout IngestConfiguration) -> Void = { _ in }
    ) async throws {
        log = MockLog(
            brokers: brokers,
            topics: [MillraceTopics.events: partitions, MillraceTopics.catalog: 1])
        for partition in 0..<partitions {
            log.setLeader(
                of: MillraceTopics.events, partition: partition, broker: partition % brokers + 1)
        }
        let connection = LogConnection(brokers: log.brokers)
        project = Project.new(id: nil, name: "test", now: Timestamp(milliseconds: 0))
        try await CatalogWriter(connection: connection, logger: quiet)
            .put(project, timeout: .seconds(10))
        catalog = try CatalogFollower(connection: connection, logger: quiet)
        try await catalog.waitUntilCurrent(timeout: .seconds(10))
        var configuration = IngestConfiguration()
        configuration.linger = .milliseconds(1)
        change(&configuration)
        service = try IngestService(
            connection: connection, catalog: catalog, configuration: configuration,
            logger: Logger(label: "test") { [logged] _ in logged })
        try await service.waitUntilReady(timeout: .seconds(10))
        group = try EventLoopGroup(count: loops)
        var router = Router()
        service.mount(on: &router)
        VersionRoutes.mount(on: &router)
        server = HTTPServer(router: router, group: group, logger: quiet)
        port = try await server.start(host: "127.0.0.1", port: 0)
    }

    func stop() async {
        await server.drain(grace: .seconds(5))
        await service.drain(deadline: .seconds(5))
        await catalog.close()
        await group.shutdown()
    }

    /// How often the service logged this message.
    func loggedCount(of message: String) -> Int {
        logged.entries.count { "\($0.message)" == message }
    }

    // MARK: Requests

    var path: String { "/3.0/projects/\(project.id)/events" }

    func client() throws -> SocketClient { try SocketClient(port: port) }

    /// One POST on a connection of its own.
    func post(_ body: String, to tail: String = "/c") throws -> Answer {
        try client().request(
            "POST", path + tail, key: project.writeKey, body: Array(body.utf8))
    }

    /// A whole request as bytes, to be sent and not yet answered.
    func requestBytes(_ body: String, to tail: String = "/c") -> [UInt8] {
        Array(
            """
            POST \(path)\(tail) HTTP/1.1\r\nHost: a\r\nAuthorization: \(project.writeKey)\r\n\
            Content-Length: \(body.utf8.count)\r\n\r\n\(body)
            """.utf8)
    }

    // MARK: The log

    /// Everything that the events topic holds once it has `count` records.
    func records(
        count: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [LogRecord] {
        let found = Mutex<[LogRecord]>([])
        var tails: [LogTail] = []
        let connection = LogConnection(brokers: log.brokers)
        let partitions =
            try await LogAdmin(connection: connection, logger: quiet)
            .metadata(of: MillraceTopics.events, timeout: .seconds(10))?.partitions.count ?? 0
        for partition in 0..<Int32(partitions) {
            tails.append(
                try LogTail(
                    connection: connection,
                    topicPartition: .init(topic: MillraceTopics.events, partition: partition),
                    logger: quiet
                ) { event in
                    guard case .records(let records) = event else { return }
                    found.withLock { $0 += records }
                })
        }
        await eventually("\(count) records", sourceLocation: sourceLocation) {
            found.withLock { $0.count } >= count
        }
        for tail in tails { await tail.close() }
        return found.withLock { $0 }
    }
}

extension Answer {
    /// The body as JSON.
    var json: JSONValue { get throws { try JSONValue(parsing: body) } }
    /// The envelope's code; empty if there is none.
    var errorCode: String { ((try? json)?["error_code"]?.string) ?? "" }
}
