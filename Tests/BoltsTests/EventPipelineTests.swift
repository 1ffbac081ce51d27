// The real worker between a real log client and a real store: events published as JSON are counted
// by a scan.

import Aggregate
import Base
import Bolts
import Crypto
import EventLoop
import EventStore
import InMemoryLogging
import LogClient
import Logging
import MockLog
import Model
import Plan
import RPC
import StoreService
import Synchronization
import TestSupport
import Testing
import Topology
import Wire

/// A storage node that can be out of reach for a while, and come back with or without its data.
private final class Node: Sendable {
    static let secret = "a secret of the test cluster"
    private struct State {
        var service: StoreService
        var retired: [StoreService] = []
        var server: RPCServer?
        var port: UInt16 = 0
    }

    private let group: EventLoopGroup
    private let directory: String
    private let state: Mutex<State>

    init(group: EventLoopGroup, directory: String) async throws {
        self.group = group
        self.directory = directory
        state = Mutex(State(service: try Self.service(directory)))
        try await listen()
    }

    private static func service(_ directory: String) throws -> StoreService {
        try StoreService(store: try EventStore(directory: directory, logger: quiet), logger: quiet)
    }

    var address: HostPort { HostPort(host: "127.0.0.1", port: state.withLock { $0.port }) }

    func listen() async throws {
        let service = state.withLock { $0.service }
        let server = RPCServer(
            group: group, secret: try ClusterSecret(Self.secret), logger: quiet
        ) { service.handle($0) }
        let port = try await server.start(host: "127.0.0.1", port: address.port)
        state.withLock { state in
            state.port = port
            state.server = server
        }
    }

    func hangUp() async {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        await server?.drain(deadline: .zero)
    }

    /// The next `listen` serves an empty store.
    func loseEverything() throws {
        let service = try Self.service(directory + "-new")
        state.withLock { state in
            state.retired.append(state.service)
            state.service = service
        }
    }

    func stop() async {
        await hangUp()
        for service in state.withLock({ $0.retired + [$0.service] }) { await service.shutdown() }
    }
}

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A log, two storage nodes, and clients of both.
private struct System {
    static let partitions: Int32 = 3
    let directory: TemporaryDirectory
    let log = MockLog(
        topics: [MillraceTopics.events: Self.partitions, MillraceTopics.dead: Self.partitions])
    let group: EventLoopGroup
    let nodes: [Node]
    let clients: [StoreClient]
    let producer: LogProducer
    let topic: ProducerTopic
    let lines = InMemoryLogHandler()
    let status = Shared(EventPipelineStatus())

    var connection: LogConnection { LogConnection(brokers: log.brokers) }
    var logger: Logger { Logger(label: "test") { [lines] _ in lines } }

    init() async throws {
        let directory = try TemporaryDirectory()
        let group = try EventLoopGroup(count: 2)
        self.directory = directory
        self.group = group
        var nodes: [Node] = []
        for index in 0..<2 {
            nodes.append(
                try await Node(group: group, directory: "\(directory.path)/store-\(index)"))
        }
        self.nodes = nodes
        let secret = try ClusterSecret(Node.secret)
        clients = nodes.map {
            StoreClient(
                RPCClient(
                    address: $0.address, secret: secret, loop: group.next(), logger: quiet))
        }
        producer = try LogProducer(
            configuration: .init(connection: LogConnection(brokers: log.brokers)), logger: quiet)
        topic = try producer.topic(MillraceTopics.events)
    }

    func pipeline() throws -> EventPipeline {
        var configuration = EventPipelineConfiguration(connection: connection, seed: 1)
        configuration.limits.batchRecordsMax = 50
        configuration.surveyEvery = .milliseconds(200)
        configuration.sessionTimeout = .seconds(6)
        return try EventPipeline(
            configuration: configuration, store: RemoteShardStore(clients), logger: logger
        ) { [status] in status.set($0) }
    }

    func publish(_ value: String, partition: Int32, key: String = "p/c") async throws {
        _ = try await topic.publish(
            partition: partition, key: Array(key.utf8), value: Array(value.utf8))
    }

    func publish(_ numbers: Range<Int>) async throws {
        let topic = topic
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in numbers {
                tasks.addTask {
                    _ = try await topic.publish(
                        partition: Int32(number) % Self.partitions, key: Array("p/c".utf8),
                        value: Array(Self.event(number).utf8))
                }
            }
            try await tasks.waitForAll()
        }
    }

    static func event(_ number: Int) -> String {
        #"{"n": \#(number), "keen": {"timestamp": "2024-01-01T00:00:00Z"}}"#
    }

    /// Count and sum of a property over all shards.
    func answer(of target: String = "n") async throws -> (count: Int64, sum: Int64) {
        let plan = ScanPlan(
            collection: CollectionID(
                project: try ProjectID("p"), collection: try CollectionName("c")),
            aggregates: [
                AggregateRequest(kind: .count),
                AggregateRequest(kind: .sum, target: try PropertyPath(target)),
            ])
        var count: Int64 = 0
        var sum: Int64 = 0
        for (index, client) in clients.enumerated() {
            let shards = (0..<Self.partitions).filter { Int($0) % clients.count == index }
            let result = try await client.scan(
                plan, shards: shards.map { ShardID($0) }, timeout: .seconds(5))
            guard let group = result.groups.first else { continue }
            if case .count(let one) = group.states[0] { count += one }
            if case .int(let one) = group.states[1].result { sum += one }
        }
        return (count, sum)
    }

    func committed() async throws -> [Int64] {
        let admin = try LogAdmin(connection: connection, logger: logger)
        let partitions = (0..<Self.partitions).map {
            TopicPartition(topic: MillraceTopics.events, partition: $0)
        }
        return try await admin.committedOffsets(
            group: MillraceTopics.workerGroup, of: partitions, timeout: .seconds(10)
        ).map(\.offset)
    }

    func close() async {
        await producer.close()
        for client in clients { await client.client.close() }
        for node in nodes { await node.stop() }
        await group.shutdown()
    }
}

/// A value that several threads set and read.
private final class Shared<Value: Sendable>: Sendable {
    private let storage: Mutex<Value>
    init(_ value: Value) { storage = Mutex(value) }
    var value: Value { storage.withLock { $0 } }
    func set(_ value: Value) { storage.withLock { $0 = value } }
}

private let ready = EventPipelineStatus(group: nil, stores: nil, partitions: nil)

@Suite(.serialized) struct EventPipelineTests {
    /// Events are counted once although a store goes away in the middle and comes back, records
    /// that are no events stop nobody, an orderly stop commits everything, and a new worker goes on.
    @Test func eventsAreCountedOnceAcrossRestartsOfStoreAndWorker() async throws {
        let system = try await System()
        let first = try system.pipeline()
        async let run: Void = first.run()
        await eventually("the worker is ready") { system.status.value == ready }
        try await system.publish(0..<300)
        try await system.publish("no event", partition: 0)
        try await system.publish(System.event(9), partition: 1, key: "nokey")
        await eventually("300 are counted") { try await system.answer().count == 300 }

        await system.nodes[0].hangUp()
        try await system.publish(300..<600)
        await eventually("it says so") { system.status.value.stores != nil }
        try await system.nodes[0].listen()
        await eventually("600 are counted") { try await system.answer() == (600, 599 * 300) }
        await eventually("it is ready again") { system.status.value == ready }

        first.stop()
        try await run
        #expect(try await system.committed() == [201, 201, 200])
        let skipped = system.lines.entries.filter { "\($0.message)".contains("no events") }
        #expect(skipped.count == 2, "each partition says once what it skips")

        let second = try system.pipeline()
        async let again: Void = second.run()
        try await system.publish(600..<900)
        await eventually("900 are counted") { try await system.answer() == (900, 899 * 450) }
        second.stop()
        try await again
        #expect(try await system.committed() == [301, 301, 300])
        await system.close()
    }

    /// Events of one token are stored once, also by another worker, and their add-ons are done.
    @Test func tokensAndAddonsGoThroughTheWholeWorker() async throws {
        let event = """
            {"at": "2024-01-01T05:00:00Z", "keen": {"timestamp": "2024-01-01T00:00:00Z", \
            "created_at": "2024-01-01T00:00:00Z", "uniqueness_token": "one", "addons": [{"name": \
            "keen:date_time_parser", "input": {"date_time": "at"}, "output": "time"}]}}
            """
        let system = try await System()
        for round in 1...2 {
            let pipeline = try system.pipeline()
            async let run: Void = pipeline.run()
            for _ in 0..<3 { try await system.publish(event, partition: 1) }
            try await system.publish(System.event(7), partition: 1)
            await eventually("round \(round)") {
                try await system.answer() == (Int64(round) + 1, Int64(round) * 7)
            }
            #expect(try await system.answer(of: "time.hour").sum == 5)
            pipeline.stop()
            try await run
        }
        await system.close()
    }

    /// A store that comes back without what it had applied gets it again, without a further event.
    @Test func aStoreThatLostItsDataIsRefilled() async throws {
        let system = try await System()
        let pipeline = try system.pipeline()
        async let run: Void = pipeline.run()
        try await system.publish(0..<120)
        await eventually("they are counted") { try await system.answer() == (120, 119 * 60) }
        await system.nodes[1].hangUp()
        try system.nodes[1].loseEverything()
        try await system.nodes[1].listen()
        await eventually("they are counted again") { try await system.answer() == (120, 119 * 60) }
        pipeline.stop()
        try await run
        await system.close()
    }

    /// A log that ends before what was applied is another log: its records are not taken for later
    /// ones, and the worker is not ready.
    @Test func aLogThatEndsEarlyIsRefused() async throws {
        let system = try await System()
        let batch = ApplyBatch(
            shard: ShardID(2), fromOffset: 0, toOffset: 50, blocks: [], rollups: [])
        #expect(try await system.clients[0].apply(batch) == .applied(next: 50))
        try await system.publish(0..<30)
        let pipeline = try system.pipeline()
        async let run: Void = pipeline.run()
        await eventually("the others are counted") { try await system.answer().count == 20 }
        await eventually("it says so") {
            system.status.value.partitions?.contains("[2]") == true
        }
        #expect(system.lines.entries.contains { $0.level == .error })
        pipeline.stop()
        try await run
        await system.close()
    }
}
