import Base
import Model
import RowStore
import Synchronization
import Testing

@testable import EventStore

/// A merge that cannot be done leaves everything as it was, and costs nobody else anything.
@Suite struct MergeTroubleTests {
    private let directory: TemporaryDirectory
    private let names = [collection("a"), collection("b"), collection("c")]
    init() throws { directory = try TemporaryDirectory() }

    private var segments: String { directory.path + "/store/segments" }

    private func fill(_ store: EventStore, seed: UInt64) throws -> [PlainEvent] {
        var random = PRNG(seed: seed)
        var events: [PlainEvent] = []
        for _ in 0..<20 {
            let added = randomEvents(30, collections: names, random: &random)
            _ = try store.apply(batch(added, from: Int64(events.count)))
            events += added
        }
        return events
    }

    @Test func aFullDiskKeepsNoPartsOfFiles() throws {
        let disk = FullDisk()
        let store = try open(directory, disk: disk)
        let events = try fill(store, seed: 1)
        for isFull in [true, true, false] {
            disk.isFull.store(isFull, ordering: .relaxed)
            for step in ["create", "rename"] {
                guard isFull else { continue }
                disk.step.withLock { $0 = step }
                let error = #expect(throws: EventStoreError.self) {
                    while store.hasMergeWork { _ = try store.mergeOnce() }
                }
                #expect(error?.code == .disk)
                #expect(try LocalDisk().names(in: segments) == [], "\(step)")
                try expectEqual(store, events, "\(step) failed")
            }
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        #expect(store.freshRowCount < events.count)
        try expectEqual(store, events, "after the trouble")
    }

    @Test func damageOfOneCollectionLeavesTheOthersMerging() throws {
        var options = smallPolicy()
        options.mergePolicy.smallRows = 0
        let store = try open(directory, options: options)
        let events = try fill(store, seed: 2)
        let row = StoreTables.row(ShardID(0), names[0])
        var damaged: [[UInt8]] = []
        try store.rows.forEach(StoreTables.tail, in: .beginning(with: row)) { cell in
            damaged.append(cell.key)
            return damaged.count < 2
        }
        let key = try #require(damaged.last)
        let whole = try #require(try store.rows.get(StoreTables.tail, key: key))
        var changes = store.rows.makeBatch()
        changes.put(StoreTables.tail, key: key, value: Array(whole.dropLast()) + [0x5A, 0x5A])
        try store.rows.write(changes, sync: false)
        for _ in 0..<4 {
            let error = #expect(throws: EventStoreError.self) { _ = try store.mergeOnce() }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains(hexadecimal(key)) == true)
        }
        for name in names[1...] {
            #expect(try answer(store, name) == expected(events, name))
        }
        let fresh = store.allShards[0].state.withLock { $0.fresh.mapValues(\.count) }
        #expect(fresh[names[0], default: 0] > 16)
        #expect(fresh[names[1], default: 0] < 8 && fresh[names[2], default: 0] < 8)
        // What was damaged was not thrown away: repaired, it counts again.
        changes = store.rows.makeBatch()
        changes.put(StoreTables.tail, key: key, value: whole)
        try store.rows.write(changes, sync: false)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        try expectEqual(store, events, "repaired")
    }

    @Test func verifyHoldsCountsAgainstEvents() throws {
        let store = try open(directory)
        _ = try fill(store, seed: 4)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        #expect(try store.verify().damages == [])
        for table in [StoreTables.totals, StoreTables.rollups] {
            let row = StoreTables.row(ShardID(0), names[1])
            let key = table == StoreTables.totals ? row : StoreTables.rollupKey(row, hour: 3)
            for amount in [1, -1] as [Int64] {
                var changes = store.rows.makeBatch()
                changes.add(table, key: key, amount)
                try store.rows.write(changes, sync: false)
                #expect(try store.verify().damages.count == (amount > 0 ? 1 : 0), "\(table)")
            }
        }
    }

    /// Thirty-nine bytes an event: fifty of them fit.
    @Test(arguments: [100, 100_000])
    func aMergeIsBoundedByMemory(sealRows: Int) throws {
        var options = smallPolicy()
        options.mergePolicy.sealRows = min(sealRows, 65_536)
        options.mergePolicy.memoryBytes = 4000
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        let events = try fill(store, seed: 3)
        var sealed = MergeReport()
        while store.hasMergeWork {
            let report = try store.mergeOnce()
            sealed.sealedBlocks += report.sealedBlocks
            sealed.sealedRows += report.sealedRows
        }
        #expect(sealed.sealedBlocks > 2 && sealed.sealedRows < sealed.sealedBlocks * 100)
        try expectEqual(store, events, "bounded merges")
    }
}

/// A disk that is full while it is told so: `create` leaves half a file, as the system does.
private final class FullDisk: Disk {
    let isFull = Atomic(false)
    let step = Mutex("create")
    private let disk = LocalDisk()

    private func check(_ step: String, _ path: String) throws(DiskError) {
        guard isFull.load(ordering: .relaxed), self.step.withLock({ $0 }) == step else { return }
        throw DiskError(operation: step, path: path, code: 28, reason: "No space left on device")
    }

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        do { try check("create", path) } catch {
            try disk.create(path, pieces: Array(pieces.prefix(1)))
            throw error
        }
        try disk.create(path, pieces: pieces)
    }
    func rename(_ path: String, to target: String) throws(DiskError) {
        try check("rename", path)
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
