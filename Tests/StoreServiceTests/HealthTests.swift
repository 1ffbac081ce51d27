import Base
import Columns
import Crypto
import EventLoop
import EventStore
import Foundation
import Logging
import Model
import RPC
import StoreService
import Synchronization
import TestSupport
import Testing
import Wire

/// A disk that refuses writes shows in the node's health, and so does its recovery.
@Suite struct HealthTests {
    @Test func aRefusingDiskIsReportedUntilItWorksAgain() async throws {
        let directory = try TemporaryDirectory()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let disk = RefusingDisk()
        var options = EventStoreOptions()
        options.mergePolicy.sealRows = 100
        let store = try EventStore(
            directory: directory.path + "/store", options: options, disk: disk, logger: logger)
        let reports = Mutex<[String?]>([])
        let service = try StoreService(store: store, logger: logger) { reason in
            reports.withLock { $0.append(reason) }
        }
        let group = try EventLoopGroup(count: 1)
        let secret = try ClusterSecret("a secret of the test cluster")
        let server = RPCServer(group: group, secret: secret, logger: logger) { service.handle($0) }
        let port = try await server.start(host: "127.0.0.1", port: 0)
        let client = StoreClient(
            RPCClient(
                address: HostPort(host: "127.0.0.1", port: port), secret: secret,
                loop: group.next(), logger: logger))
        disk.refuses.store(true, ordering: .relaxed)
        #expect(try await client.apply(batch()) == .applied(next: 150))
        await eventually("the failure is reported") {
            reports.withLock { $0.last??.contains("No space left") ?? false }
        }
        disk.refuses.store(false, ordering: .relaxed)
        service.keepTime(on: group.next())
        await eventually(within: .seconds(20), "the recovery is reported") {
            reports.withLock { $0.last.map { $0 == nil } ?? false }
        }
        #expect(!store.hasMergeWork)
        await client.client.close()
        await server.drain(deadline: .seconds(5))
        await service.shutdown()
        await group.shutdown()
    }

    private func batch() throws -> ApplyBatch {
        let name = CollectionID(project: try ProjectID("p"), collection: try CollectionName("c"))
        var builder = BlockBuilder()
        for row in 0..<150 as Range<Int64> {
            builder.beginRow(timestamp: row)
            builder.endRow()
        }
        return ApplyBatch(
            shard: ShardID(0), fromOffset: 0, toOffset: 150,
            blocks: [CollectionBlock(collection: name, bytes: builder.encode())],
            rollups: [RollupDelta(collection: name, hour: 0, count: 150)])
    }
}

/// A disk that makes no files while it is told so.
private final class RefusingDisk: Disk {
    let refuses = Atomic(false)
    private let disk = LocalDisk()

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        guard !refuses.load(ordering: .relaxed) else {
            throw DiskError(
                operation: "create", path: path, code: 28, reason: "No space left on device")
        }
        try disk.create(path, pieces: pieces)
    }
    func rename(_ path: String, to target: String) throws(DiskError) {
        try disk.rename(path, to: target)
    }
    func syncDirectory(_ path: String) throws(DiskError) { try disk.syncDirectory(path) }
    func makeDirectory(_ path: String) throws(DiskError) { try disk.makeDirectory(path) }
    func names(in directory: String) throws(DiskError) -> [String] {
        try disk.names(in: directory)
    }
    func remove(_ path: String) throws(DiskError) { try disk.remove(path) }
    func map(_ path: String) throws(DiskError) -> MappedFile { try disk.map(path) }
    func read(_ path: String) throws(DiskError) -> [UInt8]? { try disk.read(path) }
}
