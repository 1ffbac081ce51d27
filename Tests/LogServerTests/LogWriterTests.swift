// The appending thread: group commit, and what it says when the disk does not do its part.

import Base
import EventLoop
import KafkaWire
import Synchronization
import TestSupport
import Testing

@testable import LogServer

/// Outcomes in the order in which they came.
private final class Outcomes: Sendable {
    private let list = Mutex<[(index: Int, outcome: AppendOutcome)]>([])
    func add(_ index: Int, _ outcome: AppendOutcome) {
        list.withLock { $0.append((index, outcome)) }
    }
    var all: [(index: Int, outcome: AppendOutcome)] { list.withLock { $0 } }
    var codes: [KafkaErrorCode] {
        all.map { if case .refused(let code, _) = $0.outcome { code } else { .none } }
    }
}

@Suite struct LogWriterTests {
    private let disk = MemoryDisk()
    private let outcomes = Outcomes()

    private func writer(_ policy: FsyncPolicy = .always) throws -> LogWriter {
        try LogWriter(
            name: "test-writer", policy: policy, clock: { 5000 }, metrics: LogServerMetrics())
    }

    private func append(
        _ bytes: [UInt8], to log: PartitionLog, _ writer: LogWriter, index: Int = 0,
        waitsForSync: Bool = true
    ) throws {
        let outcomes = outcomes
        writer.append(
            PendingAppend(log: log, batch: try checked(bytes), waitsForSync: waitsForSync) {
                outcomes.add(index, $0)
            })
    }

    /// Holds the writer's thread, so that what is appended meanwhile becomes one round.
    private func whileHeld(_ writer: LogWriter, _ body: () throws -> Void) throws {
        let gate = Gate()
        writer.run { gate.hold() }
        gate.waitUntilHeld()
        defer { gate.open() }
        try body()
    }

    /// Many appends that wait cost one sync, and their answers come in order.
    @Test func oneSyncServesARound() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        let before = disk.syncCount
        try whileHeld(writer) {
            for index in 0..<100 { try append(batch(["\(index)"]), to: log, writer, index: index) }
        }
        await eventually("all are answered") { self.outcomes.all.count == 100 }
        #expect(disk.syncCount == before + 1)
        #expect(outcomes.all.map(\.index) == Array(0..<100))
        #expect(
            outcomes.all.map(\.outcome)
                == (0..<100).map { .appended(baseOffset: Int64($0), appendTime: nil) })
        #expect(log.highWatermark == 100)
        await writer.shutdown()
    }

    @Test func withoutAPolicyNothingWaitsForTheDisk() async throws {
        let log = try openLog(disk)
        let writer = try writer(.interval)
        let before = disk.syncCount
        for index in 0..<10 { try append(batch(["x"]), to: log, writer, index: index) }
        await eventually("all are answered") { self.outcomes.all.count == 10 }
        #expect(disk.syncCount == before)
        #expect(log.highWatermark == 10)
        writer.syncUnsynced()
        await eventually("the timer's sync has run") { self.disk.syncCount == before + 1 }
        await writer.shutdown()
    }

    /// Who asked for the write only is answered before the sync, even if that fails.
    @Test func aFailedSyncRefusesThoseWhoWaitAndAllLaterOnes() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        try append(batch(["safe"]), to: log, writer)
        await eventually("the first is answered") { self.outcomes.all.count == 1 }
        disk.change { $0.failsSyncs = true }
        try whileHeld(writer) {
            try append(batch(["waits"]), to: log, writer, index: 1)
            try append(batch(["does not"]), to: log, writer, index: 2, waitsForSync: false)
        }
        await eventually("both are answered") { self.outcomes.all.count == 3 }
        #expect(outcomes.all.map(\.index) == [0, 2, 1])
        #expect(outcomes.codes == [.none, .none, .storageError])
        #expect(log.highWatermark == 1, "what may be lost is never shown")
        // The disk works again, but what it dropped is not known: no more writes.
        disk.change { $0.failsSyncs = false }
        try append(batch(["later"]), to: log, writer, index: 3)
        await eventually("the last is answered") { self.outcomes.all.count == 4 }
        #expect(outcomes.codes.last == .storageError)
        #expect(try log.values().map(\.value) == ["safe"])
        await writer.shutdown()
    }

    /// A full disk refuses, keeps what it has, and takes more when there is room.
    @Test func aFullDiskLeavesThePartitionAsItWas() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        let good = batch(["good"], producer: (1, 0), sequence: 0)
        try append(good, to: log, writer)
        await eventually("the first is answered") { self.outcomes.all.count == 1 }
        let next = batch(["next"], producer: (1, 0), sequence: 1)
        for room in [0, 1, 60, next.count - 1] {
            disk.change { $0.bytesFree = room }
            let count = outcomes.all.count
            try append(next, to: log, writer)
            await eventually("refused") { self.outcomes.all.count == count + 1 }
            #expect(outcomes.codes.last == .storageError)
            #expect(disk["/p/00000000000000000000.log"]?.count == good.count)
        }
        disk.change { $0.bytesFree = 1000 }
        try append(next, to: log, writer)
        await eventually("taken") { self.outcomes.all.count == 6 }
        #expect(outcomes.all.last?.outcome == .appended(baseOffset: 1, appendTime: nil))
        #expect(try openLog(disk.copy()).values().map(\.value) == ["good", "next"])
        await writer.shutdown()
    }

    /// A batch and its repetition in one round: stored once, both answered with its offset.
    @Test func aDuplicateIsAnsweredWithTheFirstOffset() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        let bytes = batch(["once"], producer: (9, 0), sequence: 0)
        try whileHeld(writer) {
            try append(bytes, to: log, writer, index: 0)
            try append(bytes, to: log, writer, index: 1)
        }
        await eventually("both are answered") { self.outcomes.all.count == 2 }
        #expect(
            outcomes.all.map(\.outcome) == [
                .appended(baseOffset: 0, appendTime: nil), .duplicate(baseOffset: 0),
            ])
        #expect(log.highWatermark == 1)
        await writer.shutdown()
    }

    /// `run` comes after everything before it is safe and reported.
    @Test func workRunsBetweenRounds() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        let seen = Mutex<(answers: Int, watermark: Int64)?>(nil)
        let outcomes = outcomes
        try whileHeld(writer) {
            try append(batch(["a"]), to: log, writer, index: 0)
            writer.run { seen.withLock { $0 = (outcomes.all.count, log.highWatermark) } }
            try append(batch(["b"]), to: log, writer, index: 1)
        }
        await eventually("both are answered") { outcomes.all.count == 2 }
        #expect(seen.withLock { $0?.answers } == 1)
        #expect(seen.withLock { $0?.watermark } == 1)
        await writer.shutdown()
    }

    /// After the end everybody is told so, not only the first who asks.
    @Test func afterTheEndAppendsAreRefused() async throws {
        let log = try openLog(disk)
        let writer = try writer()
        await writer.shutdown()
        for index in 0..<3 { try append(batch(["late"]), to: log, writer, index: index) }
        #expect(
            outcomes.codes == [.notLeaderOrFollower, .notLeaderOrFollower, .notLeaderOrFollower])
    }

    /// What never syncs must not hold on to partitions that are gone.
    @Test func aDeletedPartitionIsLetGo() async throws {
        let writer = try writer(.never)
        weak var held: PartitionLog?
        do {
            let log = try openLog(disk)
            held = log
            try append(batch(["x"]), to: log, writer)
            await eventually("it is written") { self.outcomes.all.count == 1 }
            log.markDeleted()
            writer.forget(log)
        }
        await eventually("it is let go") { held == nil }
        await writer.shutdown()
    }
}
