import Base
import Dispatch
import EventStore
import Foundation
import Model
import Plan
import Synchronization
import Testing
import Wire

/// A delete reads beside everything else: batches are applied and queries answered meanwhile, and
/// it takes exactly what came before it.
@Suite struct DeleteBesideTests {
    private let name = collection("a")
    private let shard = ShardID(0)

    private func events(_ count: Int, from: Int64) -> [PlainEvent] {
        (0..<Int64(count)).map {
            PlainEvent(
                collection: name, time: (from + $0) % 40 * hour, number: from + $0,
                word: "w\((from + $0) % 5)")
        }
    }

    private func words(_ word: String) throws -> ControlCommand {
        .deleteEvents(
            timeframe: nil,
            filters: [.compare(try PropertyPath("word"), .equal, .string(word))])
    }

    /// 500 events in sealed blocks, nothing of them opened.
    private func sealed(_ directory: TemporaryDirectory, disk: any Disk) throws -> EventStore {
        do {
            let store = try open(directory)
            for start in stride(from: Int64(0), to: 500, by: 10) {
                _ = try store.apply(batch(events(10, from: start), from: start))
            }
            while store.hasMergeWork { _ = try store.mergeOnce() }
        }
        return try open(directory, disk: disk)
    }

    /// While a delete opens a segment, another thread applies a batch of the same shard, asks where
    /// it stands and queries it.
    @Test func batchesAreAppliedWhileADeleteReads() throws {
        let directory = try TemporaryDirectory()
        let disk = WatchedDisk()
        let store = try sealed(directory, disk: disk)
        #expect(try store.accept(control(words("w1"), name, from: 500)) == .applied(next: 501))
        let seen = Mutex<[String]>([])
        let late = batch(events(10, from: 501), from: 501)
        let (name, shard) = (name, shard)
        disk.onMap {
            let done = DispatchSemaphore(value: 0)
            Thread {
                let applied = Result { try store.apply(late) }
                let count = Result { try rollupCounts(store, name)[0] ?? 0 }
                seen.withLock {
                    $0 = ["\(applied)", "\(store.appliedOffset(shard))", "\(count)"]
                }
                done.signal()
            }.start()
            // A lock held by the delete would let this end without an answer.
            _ = done.wait(timeout: .now() + 20)
        }
        try store.finishDeletes()
        let applied: Result<ApplyOutcome, any Error> = .success(.applied(next: 511))
        let count: Result<Int64, any Error> = .success(510)
        #expect(seen.withLock { $0 } == ["\(applied)", "500", "\(count)"])
        #expect(store.appliedOffset(shard) == 511)
        // The late batch has two of the word, which stay.
        let left = events(500, from: 0).filter { $0.word != "w1" } + events(10, from: 501)
        try expectEqual(store, left, "after the delete")
        while store.hasMergeWork { _ = try store.mergeOnce() }
        while try store.mergeOnce().rewrittenBlocks > 0 {}
        try expectEqual(store, left, "rewritten")
    }

    /// What has been accepted is carried out after a stop too, once, and takes nothing that came
    /// later; merges leave both sides apart.
    @Test(arguments: [false, true]) func acceptedDeletesOutliveAStop(closes: Bool) throws {
        let directory = try TemporaryDirectory()
        var store: EventStore? = try open(directory)
        var left: [PlainEvent] = []
        var next: Int64 = 0
        for turn in 0..<6 {
            try live(turn, try #require(store), &next, &left)
            if closes { try store?.close() }
            store = nil
            store = try open(directory)
        }
        let opened = try #require(store)
        #expect(opened.hasMergeWork)
        try opened.finishDeletes()
        #expect(opened.appliedOffset(shard) == next)
        try expectEqual(opened, left, "closes: \(closes)")
        while opened.hasMergeWork { _ = try opened.mergeOnce() }
        try expectEqual(opened, left, "merged, closes: \(closes)")
    }

    /// Batches, a delete of a word, and a batch behind it.
    private func live(
        _ turn: Int, _ store: EventStore, _ next: inout Int64, _ left: inout [PlainEvent]
    ) throws {
        func apply(_ count: Int) throws {
            let added = events(count, from: next)
            _ = try store.accept(batch(added, from: next))
            left += added
            next += Int64(count)
        }
        for _ in 0..<12 { try apply(next % 3 == 0 ? 3 : 10) }
        let word = "w\(turn % 5)"
        let before = store.appliedOffset(shard)
        _ = try store.accept(control(words(word), name, from: next))
        #expect(store.appliedOffset(shard) == min(before, next))
        left.removeAll { $0.word == word }
        next += 1
        try apply(3)
        if turn == 3 { _ = try store.mergeOnce() }
    }

    /// A property that is deleted and comes again is in the schema, and in the later events only.
    @Test func aPropertyComesAgainWhileItIsBeingDeleted() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        _ = try store.accept(batch(events(40, from: 0), from: 0))
        _ = try store.accept(words("w1"), name, from: 40)
        _ = try store.accept(.deleteProperty(PropertyPath("word")), name, from: 41)
        _ = try store.accept(batch(events(20, from: 42), from: 42))
        try store.finishDeletes()
        let schema = try store.schema(project: name.project, collection: name.collection)
        #expect(schema[0].properties.contains { $0.path.text == "word" })
        #expect(schema[0].eventCount == 52)
        let read = try store.extract(ExtractionPlan(collection: name, limit: 100), shards: [shard])
        {}.events.map { String(decoding: $0.json, as: UTF8.self) }
        #expect(read.count { $0.contains("word") } == 20)
        #expect(read.count { !$0.contains("word") } == 32)
    }

    /// A collection that is deleted while deletes wait takes them along.
    @Test func theCollectionGoesFirst() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        _ = try store.accept(batch(events(40, from: 0), from: 0))
        _ = try store.accept(words("w1"), name, from: 40)
        _ = try store.accept(.deleteCollection, name, from: 41)
        #expect(store.appliedOffset(shard) == 42)
        _ = try store.accept(batch(events(20, from: 42), from: 42))
        try store.finishDeletes()
        try expectEqual(store, events(20, from: 42), "after the collection")
    }

    /// More deletes than may wait are put off, and taken when some are done.
    @Test func deletesThatWaitAreBounded() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        _ = try store.accept(batch(events(40, from: 0), from: 0))
        for number in 0..<Int64(Limits.waitingDeletesMax) {
            _ = try store.accept(words("w1"), name, from: 40 + number)
        }
        let next = 40 + Int64(Limits.waitingDeletesMax)
        let error = #expect(throws: EventStoreError.self) {
            try store.accept(words("w1"), name, from: next)
        }
        #expect(error?.code == .busy)
        try store.finishDeletes()
        #expect(try store.accept(words("w2"), name, from: next) == .applied(next: next + 1))
    }
}

extension EventStore {
    fileprivate func accept(
        _ command: ControlCommand, _ collection: CollectionID, from: Int64
    ) throws -> ApplyOutcome {
        try accept(control(command, collection, from: from))
    }
}

/// A disk that calls somebody once, when it opens a file.
private final class WatchedDisk: Disk {
    private let disk = LocalDisk()
    private let watcher = Mutex<(@Sendable () -> Void)?>(nil)

    func onMap(_ body: @escaping @Sendable () -> Void) { watcher.withLock { $0 = body } }

    func map(_ path: String) throws(DiskError) -> MappedFile {
        let body = watcher.withLock { watcher in
            defer { watcher = nil }
            return watcher
        }
        body?()
        return try disk.map(path)
    }
    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
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
    func read(_ path: String) throws(DiskError) -> [UInt8]? { try disk.read(path) }
}
