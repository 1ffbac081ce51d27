import Aggregate
import Base
import EventStore
import Model
import Plan
import Synchronization
import Testing
import Wire

/// A delete that comes while a merge is writing what it read before wins: the merge is thrown away
/// and done again.
@Suite struct DeleteDuringMergeTests {
    private let name = collection("a")

    @Test(arguments: [0, 1, 2], [false, true])
    func theDeleteWins(kind: Int, whileRewriting: Bool) throws {
        let directory = try TemporaryDirectory()
        let disk = InterruptedDisk()
        let store = try open(directory, disk: disk)
        var random = PRNG(seed: 21)
        var events = randomEvents(250, collections: [name], random: &random)
        for start in stride(from: 0, to: 250, by: 10) {
            _ = try store.apply(batch(Array(events[start..<start + 10]), from: Int64(start)))
        }
        let first = try filter("w2")
        if whileRewriting {
            while store.hasMergeWork { _ = try store.mergeOnce() }
            _ = try store.apply(control(first, name, from: 250))
            events.removeAll { $0.word == "w2" }
        }
        let from = store.appliedOffset(ShardID(0))
        let command: ControlCommand =
            switch kind {
            case 0: try filter("w1")
            case 1: .deleteProperty(try PropertyPath("number"))
            default: .deleteCollection
            }
        let name = name
        disk.interrupt {
            do { _ = try store.apply(control(command, name, from: from)) } catch {
                Issue.record("\(error)")
            }
        }
        _ = try store.mergeOnce()
        #expect(store.appliedOffset(ShardID(0)) == from + 1)
        switch kind {
        case 0: events.removeAll { $0.word == "w1" }
        case 1: break
        default: events = []
        }
        for round in 0..<3 {
            let plan = ExtractionPlan(collection: name, limit: 1000)
            let read = try store.extract(plan, shards: [ShardID(0)]) {}.events
            #expect(read.count == events.count, "round \(round)")
            let texts = read.map { String(decoding: $0.json, as: UTF8.self) }
            #expect(kind != 1 || texts.allSatisfy { !$0.contains("number") }, "round \(round)")
            #expect(try rollupCounts(store, name)[0] ?? 0 == Int64(events.count))
            #expect(try store.verify().damages == [], "round \(round)")
            _ = try store.mergeOnce()
        }
        #expect(try store.mergeOnce().rewrittenBlocks == 0)
    }

    private func filter(_ word: String) throws -> ControlCommand {
        .deleteEvents(
            timeframe: nil,
            filters: [.compare(try PropertyPath("word"), .equal, .string(word))])
    }

    /// Events years late or early are found, and others' blocks are not read for them.
    @Test func lateAndEarlyEvents() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        let year = 8766 * hour
        var events: [PlainEvent] = []
        for index in 0..<600 {
            var time = Int64(index) * 60_000
            if index % 100 == 50 { time += Int64(index / 100 - 3) * 20 * year }
            events.append(
                PlainEvent(collection: name, time: time, number: Int64(index), word: "w"))
        }
        for start in stride(from: 0, to: 600, by: 10) {
            _ = try store.apply(batch(Array(events[start..<start + 10]), from: Int64(start)))
        }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        for years in [-60, -40, -20, 0, 20, 40] {
            let start = Int64(years) * year
            let frame = Timestamp(milliseconds: start)..<Timestamp(milliseconds: start + year)
            #expect(
                try answer(store, name, timeframe: frame)
                    == expected(events, name, timeframe: frame), "\(years)")
        }
        var plan = ScanPlan(
            collection: name,
            timeframe: Timestamp(milliseconds: -60 * year)..<Timestamp(milliseconds: -50 * year),
            aggregates: [.init(kind: .sum, target: try PropertyPath("number"))])
        let late = try store.scan(plan, shards: [ShardID(0)]) {}
        #expect(late.statistics.blocksRead == 1 && late.statistics.blocksSkipped >= 5)
        plan.timeframe = Timestamp(milliseconds: 90 * year)..<Timestamp(milliseconds: 99 * year)
        #expect(try store.scan(plan, shards: [ShardID(0)]) {}.statistics.blocksRead == 0)
    }
}

/// A disk that calls somebody once, before it writes a file.
private final class InterruptedDisk: Disk {
    private let disk = LocalDisk()
    private let interruption = Mutex<(@Sendable () -> Void)?>(nil)

    func interrupt(_ body: @escaping @Sendable () -> Void) { interruption.withLock { $0 = body } }

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        let body = interruption.withLock { interruption in
            defer { interruption = nil }
            return interruption
        }
        body?()
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
