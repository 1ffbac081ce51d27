import Aggregate
import Base
import Crypto
import EventLoop
import Logging
import Model
import Plan
import RPC
import TestSupport
import Testing
import Wire

/// The typed calls carry their messages both ways, and a wrong message is an error of its side.
@Suite struct StoreClientTests {
    private func withStore(_ body: (StoreClient) async throws -> Void) async throws {
        let group = try EventLoopGroup(count: 1)
        let secret = try ClusterSecret(Fixture.secret)
        let logger = Logger(label: "rpc") { _ in SwiftLogNoOpLogHandler() }
        let server = RPCServer(group: group, secret: secret, logger: logger) { call in
            do throws(RPCError) {
                try Self.answer(call)
            } catch {
                call.fail(error)
            }
        }
        let port = try await server.start(host: "127.0.0.1", port: 0)
        let client = RPCClient(
            address: HostPort(host: "127.0.0.1", port: port), secret: secret, loop: group.next(),
            logger: logger)
        do {
            try await body(StoreClient(client))
        } catch {
            Issue.record(error)
        }
        await client.close()
        await server.drain(deadline: .seconds(5))
        await group.shutdown()
    }

    private static func answer(_ call: RPCCall) throws(RPCError) {
        switch call.method {
        case .apply:
            let request = try call.message(ApplyRequest.self)
            call.reply(ApplyResponse(request.batches.map { .applied(next: $0.toOffset) }))
        case .appliedOffsets:
            let request = try call.message(AppliedOffsetsRequest.self)
            call.reply(
                AppliedOffsetsResponse(request.shards.map { AppliedOffset(shard: $0, offset: 5) }))
        case .scan:
            let request = try call.message(ScanRequest.self)
            let group = PartialGroup(
                bucket: 0, key: [], states: [.count(Int64(request.shards.count))])
            call.reply(ScanResponse(PartialResult(groups: [group])))
        case .schema: call.reply([0xFF])
        default: call.failUnknownMethod()
        }
    }

    @Test func everyMethod() async throws {
        try await withStore { store in
            let batch = ApplyBatch(
                shard: ShardID(1), fromOffset: 0, toOffset: 9, blocks: [], rollups: [])
            #expect(try await store.apply(batch) == .applied(next: 9))
            #expect(
                try await store.appliedOffsets([ShardID(4)])
                    == [AppliedOffset(shard: ShardID(4), offset: 5)])
            let plan = ScanPlan(
                collection: CollectionID(
                    project: try ProjectID("p"), collection: try CollectionName("c")),
                aggregates: [AggregateRequest(kind: .count)])
            let result = try await store.scan(plan, shards: [ShardID(0), ShardID(1)])
            #expect(result.groups.first?.states == [.count(2)])
            let malformed = await status { try await store.schema(project: try ProjectID("p")) }
            #expect(malformed == .protocolViolation)
            let bad = await status {
                try await store.client.call(.scan, body: [1, 2, 3], timeout: .seconds(20))
            }
            #expect(bad == .badRequest)
        }
    }
}
