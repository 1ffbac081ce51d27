import Base
import Crypto
import EventLoop
import Foundation
import HTTP
import Lag
import LagService
import LogClient
import Logging
import MockLog
import Model
import RPC
import TestSupport
import Testing
import Wire

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A log with a topic of two partitions: 5 and 3 records, of which a group has committed 2 and none.
private struct Fixture {
    let log = MockLog(topics: ["t": 2, "other": 1])
    let group: EventLoopGroup
    let server: HTTPServer
    let port: UInt16

    init(stores: [StoreClient] = [], group: EventLoopGroup) async throws {
        self.group = group
        let connection = LogConnection(brokers: log.brokers)
        let producer = try LogProducer(configuration: .init(connection: connection), logger: quiet)
        let topic = try producer.topic("t")
        for (partition, count) in [(0, 5), (1, 3)] as [(Int32, Int)] {
            for _ in 0..<count {
                _ = try await topic.publish(partition: partition, key: [], value: [1])
            }
        }
        await producer.close()
        let (assigned, signal) = AsyncStream.makeStream(of: [TopicPartition].self)
        let consumer = try LogConsumer(
            configuration: .init(connection: connection, group: "g", topics: ["t"]), logger: quiet
        ) { if case .assigned(let partitions) = $0 { signal.yield(partitions) } }
        for await partitions in assigned {
            consumer.assign(
                partitions.map { PartitionOffset($0, offset: PartitionOffset.end) })
            break
        }
        try await consumer.commitAndWait([PartitionOffset(topic: "t", partition: 0, offset: 2)])
        await consumer.close()
        let source = try LogLagSource(
            connection: connection, stores: stores, timeout: .seconds(5), logger: quiet)
        var router = Router()
        LagRoutes.mount(
            on: &router, monitor: LagMonitor(source: source),
            question: LagQuestion(group: "g", topics: ["t"])
        ) { "own_total 1\n" }
        server = HTTPServer(router: router, group: group, logger: quiet)
        port = try await server.start(host: "127.0.0.1", port: 0)
    }

    func get(_ path: String) throws -> Answer {
        try SocketClient(port: port).request("GET", path)
    }

    func json(_ path: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(try get(path).text.utf8))
        return object as? [String: Any] ?? [:]
    }

    func close() async {
        await server.drain(grace: .seconds(1))
        await group.shutdown()
    }
}

/// The monitor tells of a real log what it is, in each form, for any group.
@Suite struct LagRoutesTests {
    @Test func theLagOfAnyGroupInEachForm() async throws {
        let fixture = try await Fixture(group: try EventLoopGroup(count: 1))
        let rows = try fixture.json("/lag.json")["partitions"] as? [[String: Any]] ?? []
        #expect(rows.map { $0["delta"] as? Int } == [3, nil])
        #expect(rows.map { $0["depth"] as? Int } == [5, 3])
        #expect(rows.map { $0["current"] as? Int } == [2, nil])
        #expect(rows[0]["broker"] as? String == fixture.log.brokers[0])
        #expect(rows[1]["status"] as? String == "no commit")

        let others = try fixture.json("/lag.json?group=nobody&topic=other")
        #expect((others["partitions"] as? [[String: Any]])?.count == 1)
        let unknown = try fixture.get("/lag.json?topic=nope")
        #expect(unknown.status == 404)
        #expect(unknown.text.contains("the log has no topic 'nope'"))

        let page = try fixture.get("/")
        #expect(page.header("content-type") == "text/html; charset=utf-8")
        #expect(page.text.contains("<td class=\"n\">3</td>"))
        #expect(page.text.contains("total delta <strong>3</strong>"))

        let metrics = try fixture.get("/metrics").text
        #expect(metrics.contains("own_total 1\n"))
        #expect(metrics.contains("lag_log_up 1\n"))
        #expect(
            metrics.contains(#"lag_delta_offsets{group="g",topic="t",partition="0"} 3"# + "\n"))
        #expect(!metrics.contains(#"lag_delta_offsets{group="g",topic="t",partition="1"}"#))
        await fixture.close()
    }

    @Test func aDeadLogIsSaidAndTheProcessStillAnswers() async throws {
        let group = try EventLoopGroup(count: 1)
        let source = try LogLagSource(
            connection: LogConnection(brokers: ["127.0.0.1:1"]), stores: [],
            timeout: .milliseconds(200), logger: quiet)
        var router = Router()
        LagRoutes.mount(
            on: &router, monitor: LagMonitor(source: source), question: LagQuestion()
        ) { "own_total 1\n" }
        let server = HTTPServer(router: router, group: group, logger: quiet)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        let json = try SocketClient(port: port).request("GET", "/lag.json")
        #expect(json.status == 503)
        #expect(json.text.contains("the log cannot be asked"))
        #expect(try SocketClient(port: port).request("GET", "/").status == 503)
        let metrics = try SocketClient(port: port).request("GET", "/metrics")
        #expect(metrics.status == 200 && metrics.text.contains("lag_log_up 0\n"))
        await server.drain(grace: .seconds(1))
        await group.shutdown()
    }

    @Test func storesThatAnswerAndStoresThatDoNot() async throws {
        let group = try EventLoopGroup(count: 1)
        let secret = try ClusterSecret("a secret of the test cluster")
        let node = RPCServer(group: group, secret: secret, logger: quiet) { call in
            call.reply(AppliedOffsetsResponse([AppliedOffset(shard: ShardID(1), offset: 7)]))
        }
        let port = try await node.start(host: "127.0.0.1", port: 0)
        let clients = [port, 1].map {
            StoreClient(
                RPCClient(
                    address: HostPort(host: "127.0.0.1", port: $0), secret: secret,
                    loop: group.next(), logger: quiet))
        }
        let source = try LogLagSource(
            connection: LogConnection(brokers: ["127.0.0.1:1"]), stores: clients,
            timeout: .milliseconds(500), logger: quiet)
        let applied = try #require(await source.applied())
        #expect(applied.offsets == [1: 7])
        #expect(applied.failures.count == 1)
        #expect(applied.failures[0].contains("store 127.0.0.1:1 does not answer"))
        for client in clients { await client.client.close() }
        await node.drain(deadline: .zero)
        await group.shutdown()
    }
}
