import Aggregate
import Base
import Columns
import Crypto
import EventLoop
import EventStore
import Logging
import Model
import Plan
import RPC
import StoreService
import Testing
import Wire

/// A node as its peers see it: over a real connection, with the real store behind it.
@Suite struct StoreServiceTests {
    /// A running node and a client of it.
    private struct Node {
        let directory: TemporaryDirectory
        let group: EventLoopGroup
        let service: StoreService
        let server: RPCServer
        let client: StoreClient

        init() async throws {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            directory = try TemporaryDirectory()
            group = try EventLoopGroup(count: 1)
            let store = try EventStore(directory: directory.path + "/store", logger: logger)
            let service = try StoreService(store: store, logger: logger)
            let secret = try ClusterSecret("a secret of the test cluster")
            server = RPCServer(group: group, secret: secret, logger: logger) { service.handle($0) }
            let port = try await server.start(host: "127.0.0.1", port: 0)
            client = StoreClient(
                RPCClient(
                    address: HostPort(host: "127.0.0.1", port: port), secret: secret,
                    loop: group.next(), logger: logger))
            self.service = service
        }

        func stop() async {
            await client.client.close()
            await server.drain(deadline: .seconds(5))
            await service.shutdown()
            await group.shutdown()
        }
    }

    private func withNode(_ body: (StoreClient) async throws -> Void) async throws {
        let node = try await Node()
        do { try await body(node.client) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    private func name() throws -> CollectionID {
        CollectionID(project: try ProjectID("p"), collection: try CollectionName("c"))
    }

    private func batch(shard: Int32, from: Int64, rows: Int64) throws -> ApplyBatch {
        var builder = BlockBuilder()
        for row in 0..<rows {
            builder.beginRow(timestamp: row)
            builder.appendInt(from + row, to: builder.column("n"))
            builder.endRow()
        }
        return ApplyBatch(
            shard: ShardID(shard), fromOffset: from, toOffset: from + rows,
            blocks: [CollectionBlock(collection: try name(), bytes: builder.encode())],
            rollups: [RollupDelta(collection: try name(), hour: 0, count: rows)])
    }

    @Test func applyThenAskEverything() async throws {
        try await withNode { client in
            for shard in 0..<5 as Range<Int32> {
                let outcome = try await client.apply(batch(shard: shard, from: 0, rows: 10))
                #expect(outcome == .applied(next: 10))
            }
            let more = try [batch(shard: 1, from: 0, rows: 10), batch(shard: 2, from: 10, rows: 5)]
            let outcomes = try await client.apply(more)
            #expect(outcomes == [.alreadyApplied(next: 10), .applied(next: 15)])
            let offsets = try await client.appliedOffsets()
            #expect(offsets.map(\.offset) == [10, 10, 15, 10, 10])
            let unknown = try await client.appliedOffsets([ShardID(77)])
            #expect(unknown == [AppliedOffset(shard: ShardID(77), offset: 0)])

            let plan = ScanPlan(
                collection: try name(),
                aggregates: [
                    AggregateRequest(kind: .count),
                    AggregateRequest(kind: .sum, target: try PropertyPath("n")),
                ])
            let result = try await client.scan(plan, shards: (0..<5).map { ShardID($0) })
            #expect(result.groups.count == 1)
            #expect(result.groups.first?.states[0] == .count(55))
            #expect(result.groups.first?.states[1].result == .int(5 * 45 + 60))
            let schema = try await client.schema(project: try ProjectID("p"))
            #expect(schema.map(\.eventCount) == [55])
        }
    }

    @Test func aWrongBatchIsABadRequestAndTheNodeGoesOn() async throws {
        try await withNode { client in
            var wrong = try batch(shard: 0, from: 0, rows: 10)
            wrong.blocks[0].bytes[20] ^= 1
            let error = await #expect(throws: RPCError.self) { try await client.apply(wrong) }
            #expect(error?.status == .badRequest)
            #expect(error?.message.contains("block 0 of the batch at offset 0") == true)
            let right = try batch(shard: 0, from: 0, rows: 10)
            #expect(try await client.apply(right) == .applied(next: 10))
        }
    }

    @Test func garbageBodiesAreBadRequests() async throws {
        try await withNode { client in
            let methods: [RPCMethod] = [
                .apply, .appliedOffsets, .scan, .schema, .tables, .get, .slice, .put,
            ]
            for method in methods {
                let error = await #expect(throws: RPCError.self) {
                    try await client.client.call(
                        method, body: [0xFF, 0xFF, 0xFF], timeout: .seconds(10))
                }
                #expect(error?.status == .badRequest)
            }
        }
    }

    @Test func rowsCanBeWrittenAndReadPageByPage() async throws {
        try await withNode { client in
            _ = try await client.apply(batch(shard: 2, from: 0, rows: 10))
            let table = TableReference(keyspace: "user", table: "t")
            let shard = ShardID(2)
            func key(_ number: Int64) -> [UInt8] {
                var key = KeyWriter([1])
                key.append(number)
                return key.bytes
            }
            try await client.put(
                TableChanges(
                    shard: shard, table: table,
                    changes: (0..<25).map {
                        .put(key: key($0), value: [UInt8($0)], expiresAt: $0 == 7 ? 1 : nil)
                    }))
            var slice = TableSlice(
                table: table, shard: shard, range: .all, isDescending: true, limit: 10)
            var read: [UInt8] = []
            repeat {
                let page = try await client.slice(slice)
                read += page.cells.flatMap(\.value)
                slice.cursor = page.next
            } while slice.cursor != nil
            #expect(read == (0..<25).reversed().filter { $0 != 7 })
            #expect(try await client.get(table, shard: shard, key: key(3))?.value == [3])
            #expect(try await client.get(table, shard: shard, key: key(7)) == nil)
            let tables = try await client.tables()
            #expect(tables.isComplete && tables.tables.last?.reference == table)

            func status(_ body: () async throws -> Void) async -> RPCStatus? {
                let error = await #expect(throws: RPCError.self) { try await body() }
                return error?.status
            }
            let own = TableReference(keyspace: "store", table: "offsets")
            #expect(
                await status { _ = try await client.get(own, shard: ShardID(9), key: []) }
                    == .notFound)
            #expect(
                await status {
                    _ = try await client.get(
                        TableReference(keyspace: "store", table: "x"), shard: shard, key: [])
                } == .notFound)
            #expect(
                await status {
                    try await client.put(
                        TableChanges(
                            shard: shard, table: own, changes: [.delete(key: key(1))]))
                } == .badRequest)
            #expect(
                await status {
                    try await client.put(
                        TableChanges(
                            shard: shard, table: table,
                            changes: [
                                .put(
                                    key: key(1),
                                    value: [UInt8](
                                        repeating: 0, count: Limits.rowValueBytesMax + 1),
                                    expiresAt: nil)
                            ]))
                } == .resourceExhausted)
            let offset = try await client.get(own, shard: shard, key: [])
            #expect(offset?.fields == [TableCell.Field("offset", .int(10))])
        }
    }

    @Test func aScanOfNoShardIsEmpty() async throws {
        try await withNode { client in
            let plan = ScanPlan(
                collection: try name(), groupBy: [try PropertyPath("n")],
                aggregates: [AggregateRequest(kind: .count)])
            #expect(try await client.scan(plan, shards: []).groups == [])
            #expect(try await client.scan(plan, shards: [ShardID(4)]).groups == [])
        }
    }

    /// Many scans share the threads by block: large ones are split, small ones pass them by, those
    /// whose client is gone end, and every answer is exact.
    @Test func scansShareTheThreads() async throws {
        try await withNode { client in
            for from in stride(from: 0 as Int64, to: 80_000, by: 4000) {
                _ = try await client.apply(batch(shard: 0, from: from, rows: 4000))
            }
            _ = try await client.apply(batch(shard: 1, from: 0, rows: 10))
            let n = try PropertyPath("n")
            let large = ScanPlan(
                collection: try name(), filters: [.compare(n, .greaterOrEqual, .int(100))],
                groupBy: [n], aggregates: [AggregateRequest(kind: .sum, target: n)])
            let small = ScanPlan(
                collection: try name(), aggregates: [AggregateRequest(kind: .sum, target: n)])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let found = try await client.scan(large, shards: [ShardID(0), ShardID(1)])
                        #expect(found.groups.count == 79_900)
                        #expect(found.statistics.rowsMatched == 79_900)
                        #expect(found.groups.first?.key == [.int(100)])
                    }
                    group.addTask {
                        let found = try await client.scan(small, shards: [ShardID(1)])
                        #expect(found.groups.first?.states == [try sum(45)])
                    }
                    group.addTask {
                        let error = await #expect(throws: RPCError.self) {
                            try await client.scan(
                                large, shards: [ShardID(0)], timeout: .milliseconds(1))
                        }
                        #expect(error?.status == .deadlineExceeded)
                    }
                }
                try await group.waitForAll()
            }
        }
        @Sendable func sum(_ value: Int64) throws -> AggregateState {
            var total = NumberSum()
            try total.add(value)
            return .sum(total)
        }
    }
}
