// What a writer leaves to the flusher: it does not wait for it, nothing says too early that it is on
// the disk, and no moment to die in is a bad one.

import Base
import KafkaWire
import Synchronization
import TestSupport
import Testing

@testable import LogServer

/// Flushes only when the test says so.
private struct LazyFlusher: PartitionFlusher {
    var syncs = true
    func add(_ log: PartitionLog) -> Bool { true }
}

@Suite struct FlushTests {
    private static let size = batch(["00"]).count
    private static let first = "/p/00000000000000000000.log"
    private static let mark = "/p/00000000000000000000.unsynced"
    private static let index = "/p/00000000000000000000.index"

    private func open(
        _ disk: any LogDisk, _ flusher: (any PartitionFlusher)? = LazyFlusher()
    ) throws -> PartitionLog {
        try openLog(disk, segmentBytes: 3 * Self.size, flusher: flusher)
    }

    private func append(_ value: Int, to log: PartitionLog) throws -> Bool {
        let outcome = log.append(try checked(batch(["\(value)"])), now: 5000)
        guard case .appended = outcome else { return false }
        log.publish()
        return true
    }

    private func recoveryPoint(_ disk: any LogDisk) -> Int64? {
        PartitionSnapshot.read(in: "/p", disk: disk)?.nextOffset
    }

    /// While the disk takes its time for a full segment, its writer goes on, and the snapshot does
    /// not speak of it before it is safe.
    @Test func aFullSegmentDoesNotHoldItsWriter() async throws {
        let (disk, gate) = (MemoryDisk(), Gate())
        let flusher = try LogFlusher(policy: .never)
        let log = try open(disk, flusher)
        log.flush()
        disk.change { $0.beforeSync = { if $0 == Self.first { gate.hold() } } }
        let writer = try LogWriter(
            name: "test-writer", policy: .never, clock: { 5000 }, metrics: LogServerMetrics())
        let answers = Mutex(0)
        for value in 10..<17 {
            writer.append(
                PendingAppend(
                    log: log, batch: try checked(batch(["\(value)"])), waitsForSync: true
                ) { outcome in
                    if case .appended = outcome { answers.withLock { $0 += 1 } }
                })
        }
        gate.waitUntilHeld()
        await eventually("all are answered") { answers.withLock { $0 } == 7 }
        #expect(log.highWatermark == 7)
        #expect(recoveryPoint(disk) == 0)
        #expect(disk[Self.mark] != nil && disk[Self.index] == nil)
        #expect(try open(disk.copy()).values().count == 7, "a kill loses nothing")
        gate.open()
        await eventually("both full segments are safe") { recoveryPoint(disk) == 6 }
        #expect(disk[Self.mark] == nil && disk[Self.index] != nil)
        await writer.shutdown()
        await flusher.shutdown()
    }

    /// Many full segments do not wait: then the writer does the work.
    @Test func aSlowDiskIsNotOutrun() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 0..<60 {
            #expect(try append(10 + value, to: log))
            #expect(log.line.withLock { $0.closedCount } <= Limits.logClosedSegmentsMax)
        }
        #expect(try open(disk.afterPowerCut()).highWatermark > 30)
    }

    /// A sync that goes wrong beside the writer ends the partition as one of its own does.
    @Test func aFailedFlushEndsThePartition() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 10..<14 { #expect(try append(value, to: log)) }
        disk.change { $0.failsSyncs = true }
        log.flush()
        disk.change { $0.failsSyncs = false }
        #expect(log.isFailed)
        #expect(try !append(14, to: log))
        #expect(!log.sync())
        log.close()
        #expect(recoveryPoint(disk) != 3, "what failed is not claimed later")
        #expect(disk[Self.mark] != nil)
    }

    /// The timer's sync is not waited for, unless the one before it is not done.
    @Test func theTimerWaitsOnlyForASlowDisk() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        #expect(try append(10, to: log))
        let before = disk.syncCount
        log.syncSoon()
        #expect(disk.syncCount == before)
        log.flush()
        #expect(disk.syncCount == before + 1)
        for value in 11..<15 {
            #expect(try append(value, to: log))
            log.syncSoon()
        }
        #expect(try open(disk.afterPowerCut()).highWatermark >= 4)
    }

    /// What was written last is what a start finds, in whatever order it was asked for.
    @Test func snapshotsDoNotGoBack() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 10..<14 { #expect(try append(value, to: log)) }
        #expect(recoveryPoint(disk) == nil)
        log.close()
        #expect(recoveryPoint(disk) == 4)
        log.flush()
        #expect(recoveryPoint(disk) == 4)
        let again = try open(disk.copy())
        #expect(again.line.withLock { $0.firstClosed } == nil)
        #expect(try again.values().count == 4)
    }

    /// Nothing is left of a segment that retention takes while it waits.
    @Test func aSegmentThatGoesLeavesNothing() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 10..<20 { #expect(try append(value, to: log)) }
        #expect(log.trim(to: 9) == .none)
        log.flush()
        #expect(disk.paths.filter { $0.hasSuffix(".log") }.count == 1)
        #expect(disk.paths.allSatisfy { !$0.hasSuffix(".index") && !$0.hasSuffix(".unsynced") })
    }

    @Test func compactionLeavesWhatWaitsAlone() throws {
        let log = try PartitionLog.open(
            name: "test-0", directory: "/p", disk: CrashDisk(), rules: .compacted(), now: 5000,
            flusher: LazyFlusher(), logger: quiet)
        for index in 0..<12 {
            _ = log.append(try keyedBatch([("key", "\(index)")]), now: 5000)
            log.publish()
            if index == 5 { log.flush() }
        }
        let closed = log.view.withLock { $0.segments.dropLast().map(\.baseOffset) }
        let waiting = try #require(log.line.withLock { $0.firstClosed })
        let candidate = CompactionCandidate(log, now: 9000)
        #expect(candidate.segments.map(\.baseOffset) == closed.filter { $0 < waiting })
        #expect(!candidate.segments.isEmpty && candidate.segments.count < closed.count)
        #expect(try log.compact())
        log.close()
        #expect(try log.compact())
        #expect(try log.keyed().last?.value == "11")
    }

    /// The files of a deleted topic are being removed.
    @Test func nothingIsWrittenOfADeletedPartition() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 10..<14 { #expect(try append(value, to: log)) }
        let (paths, syncs) = (disk.paths, disk.syncCount)
        log.markDeleted()
        log.flush()
        #expect(disk.paths == paths && disk.syncCount == syncs)
    }

    // MARK: Dying

    /// A log that is written until the disk stops. What it may lose in a power cut lies behind the
    /// answer.
    private func write(
        to disk: CrashDisk, seed: UInt64, count: inout Int, syncs: Bool
    ) throws -> Int {
        var random = PRNG(seed: seed)
        var synced = 0
        let log = try open(disk, LazyFlusher(syncs: syncs))
        while count < 25, try append(10 + count, to: log) {
            count += 1
            switch Int.random(in: 0..<6, using: &random) {
            case 0: if log.sync() { synced = count }
            case 1: log.syncSoon()
            case 2: log.flush()
            default: break
            }
            if log.isFailed { break }
        }
        return synced
    }

    /// What a power cut leaves of a file that grows: at least what was synced, and of the rest a
    /// part, or all of its length without all of its bytes.
    private func remains(_ contents: CrashDisk.Contents, _ random: inout PRNG) -> [UInt8] {
        guard contents.now.count > contents.durable.count else { return contents.durable }
        let rest = contents.now[contents.durable.count...]
        let part = rest.prefix(Int.random(in: 0...rest.count, using: &random))
        return switch Int.random(in: 0..<4, using: &random) {
        case 0: contents.durable
        case 1: contents.now
        case 2: contents.durable + part
        default: contents.durable + part + [UInt8](repeating: 0, count: rest.count - part.count)
        }
    }

    /// The values from the first on, up to some point.
    private func check(_ disk: CrashDisk, _ counts: ClosedRange<Int>, _ note: Comment) throws {
        let log = try open(disk, nil)
        #expect(log.checkpoint.quarantined.isEmpty, note)
        let found = try log.values()
        #expect(found.map(\.value) == found.indices.map { "\(10 + $0)" }, note)
        #expect(found.count == Int(log.logEnd), note)
        #expect(counts.contains(found.count), note)
        #expect(disk.paths.allSatisfy { !$0.hasSuffix(".unsynced") }, note)
        #expect(try log.add(batch(["\(10 + found.count)"])) == Int64(found.count), note)
        let again = try open(disk.afterPowerCut(kept: 0), nil)
        #expect(try again.values().map(\.value) == (0...found.count).map { "\(10 + $0)" }, note)
        #expect(again.leaderEpoch == log.leaderEpoch, note)
    }

    /// Kill and power cut at every write, sync, rename and removal: a kill loses nothing that was
    /// written, a power cut nothing that was synced; what is left is the beginning, whole.
    @Test(arguments: [1, 2, 3, 4] as [UInt64], [true, false])
    func everyMomentIsAGoodOneToDie(_ seed: UInt64, syncs: Bool) throws {
        var random = PRNG(seed: seed &+ 100)
        var steps = 0
        var cuts = 0
        while true {
            let disk = CrashDisk()
            // The first start is not the point here.
            _ = try open(disk, nil)
            disk.stepsLeft = steps
            var count = 0
            let synced = try write(to: disk, seed: seed, count: &count, syncs: syncs)
            let note: Comment = "seed \(seed), step \(steps)"
            // What was being written when the disk stopped may be there too.
            try check(disk.afterKill(), count...count + 1, note)
            for kept in 0...disk.pendingCount {
                let after = disk.afterPowerCut(kept: kept) { remains($0, &random) }
                let torn = { after.paths.count { $0.hasSuffix(".torn") } }
                try check(after, synced...count + 1, "\(note), \(kept) names")
                cuts += torn()
            }
            if count == 25 { break }
            steps += 1
        }
        #expect(steps > 40)
        #expect(!syncs || cuts > 5, "segments behind a torn one are kept")
    }

    /// A start may die as well.
    @Test(arguments: [5, 6, 7] as [UInt64])
    func aStartMayBeInterrupted(_ seed: UInt64) throws {
        var random = PRNG(seed: seed)
        for _ in 0..<40 {
            let disk = CrashDisk()
            var count = 0
            let synced = try write(to: disk, seed: random.next(), count: &count, syncs: true)
            let kept = Int.random(in: 0...disk.pendingCount, using: &random)
            var left = disk.afterPowerCut(kept: kept) { remains($0, &random) }
            for steps in 0..<6 {
                let next = left.afterKill()
                next.stepsLeft = steps
                _ = try? open(next, nil)
                try check(next.afterKill(), synced...count, "seed \(seed), \(steps)")
                let kept = Int.random(in: 0...next.pendingCount, using: &random)
                left = next.afterPowerCut(kept: kept) { remains($0, &random) }
                try check(left.afterKill(), synced...count, "seed \(seed), \(steps), cut")
            }
        }
    }

    /// A rotten byte in a segment that has been synced is no torn end, whatever has a mark behind.
    @Test func aSyncedSegmentIsNeverCut() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in 10..<15 { #expect(try append(value, to: log)) }
        log.flush()
        for value in 15..<22 { #expect(try append(value, to: log)) }
        #expect(disk[Self.mark] == nil)
        disk[Self.first]?[70] ^= 1
        disk["/p/partition.snapshot"] = nil
        let again = try open(disk, nil)
        #expect(again.checkpoint.quarantined.map(\.end) == [3])
        #expect(again.logEnd == 12)
    }
}
