// What is left after a kill, a power cut and a rotten disk.

import Base
import KafkaWire
import Testing

@testable import LogServer

/// Recovery keeps every whole batch before the first bad byte of the last segment, and refuses to
/// guess anywhere else.
@Suite struct RecoveryTests {
    private static let first = "/p/00000000000000000000.log"

    /// Ends of the batches in a segment.
    private func ends(_ sizes: [Int]) -> [Int] {
        sizes.reduce(into: []) { $0.append(($0.last ?? 0) + $1) }
    }

    /// Cut at every byte of a small log: exactly the whole batches survive, and the log goes on.
    @Test func everyTruncationPoint() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        let batches = [batch(["a"]), batch(["b", "c"]), batch(["dddd"])]
        for bytes in batches { try log.add(bytes) }
        let whole = try #require(disk[Self.first])
        let ends = ends(batches.map(\.count))
        for cut in 0...whole.count {
            let damaged = disk.copy()
            damaged[Self.first] = Array(whole.prefix(cut))
            let kept = ends.filter { $0 <= cut }.count
            let again = try openLog(damaged)
            let records = [0, 1, 3, 4][kept]
            #expect(again.logEnd == records, "cut at \(cut)")
            #expect(try again.values().count == records)
            #expect(damaged[Self.first]?.count == (kept == 0 ? 0 : ends[kept - 1]))
            // A torn batch costs an epoch, a clean end does not.
            let isTorn = cut > 0 && !ends.contains(cut)
            #expect(again.leaderEpoch == (isTorn ? 1 : 0), "cut at \(cut)")
            #expect(try again.add(batch(["next"])) == Int64(records))
            #expect(try openLog(damaged).values().last?.value == "next")
        }
    }

    /// Every flipped byte is found and everything from its batch on is gone.
    @Test func everyFlippedByteOfTheLastSegment() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        let batches = [batch(["a"]), batch(["b", "c"]), batch(["d"])]
        for bytes in batches { try log.add(bytes) }
        let whole = try #require(disk[Self.first])
        let ends = ends(batches.map(\.count))
        for index in whole.indices {
            let start = ends.last { $0 <= index } ?? 0
            // The leader epoch is outside the checksum; any value is a readable batch.
            if (12..<16).contains(index - start) { continue }
            let damaged = disk.copy()
            damaged[Self.first]?[index] ^= 0x01
            let again = try openLog(damaged)
            #expect(damaged[Self.first]?.count == start, "byte \(index)")
            #expect(again.leaderEpoch == 1)
        }
    }

    @Test func zerosAndGarbageAtTheEndAreCut() throws {
        let disk = MemoryDisk()
        try openLog(disk).add(batch(["a"]))
        let whole = try #require(disk[Self.first])
        for tail in [[UInt8](repeating: 0, count: 500), [UInt8](repeating: 0xFF, count: 100)] {
            let damaged = disk.copy()
            damaged[Self.first] = whole + tail
            #expect(try openLog(damaged).logEnd == 1)
            #expect(damaged[Self.first] == whole)
        }
    }

    /// Timestamps are the producers', who may send anything; a start without a snapshot guesses
    /// append times from them.
    @Test(arguments: [Int64.min, -1, 0, Int64.max - 1])
    func noTimestampStopsAStart(_ timestamp: Int64) throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        for (value, time) in [("a", timestamp), ("b", 4000), ("c", timestamp), ("d", 4500)] {
            try log.add(batch([value], timestamp: time))
        }
        let again = try openLog(disk.copy())
        #expect(try again.values().map(\.value) == ["a", "b", "c", "d"])
        for offset in 0..<4 as Range<Int64> {
            #expect((0...5000).contains(try #require(again.appendTime(of: offset))))
        }
    }

    /// Offsets lie outside the checksum. One that has rotted in a log that may have gaps is damage
    /// like any other, however large it is.
    @Test func aRottenOffsetIsFoundWhereGapsMayBe() throws {
        var rules = PartitionRules.compacted(segmentBytes: 1 << 20)
        rules.batches.needsKeys = true
        let disk = MemoryDisk()
        let log = try openLog(disk, rules: rules)
        // The second batch gets an entry of the index.
        let large = String(repeating: "x", count: Limits.logIndexIntervalBytes)
        let second = try keyedBatch([("a", large)]).bytes.count
        for value in [large, "1", "2"] { try log.add(try keyedBatch([("a", value)])) }
        for byte in 0..<8 {
            let damaged = disk.copy()
            damaged[Self.first]?[second + byte] ^= 0x40
            let again = try openLog(damaged, rules: rules)
            // In the lower bytes it is a gap like others, and the third batch cannot follow.
            #expect(again.logEnd == 1 || byte >= 4, "byte \(byte)")
            #expect(try again.keyed().first?.offset == 0)
            #expect(again.leaderEpoch == 1)
        }
    }

    /// Sound batches behind a torn one are cut with it, and kept beside the log.
    @Test func whatIsCutIsKept() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        for value in ["a", "b", "c"] { try log.add(batch([value])) }
        let size = batch(["a"]).count
        let whole = try #require(disk[Self.first])
        var damaged = whole
        damaged[size + 30] ^= 1
        disk[Self.first] = damaged
        let again = try openLog(disk)
        #expect(again.logEnd == 1 && again.leaderEpoch == 1)
        #expect(disk[Self.first] == Array(whole[..<size]))
        #expect(disk["/p/00000000000000000001.torn"] == Array(damaged[size...]))
        #expect(try again.add(batch(["d"])) == 1)
        #expect(try openLog(disk).values().map(\.value) == ["a", "d"])
    }

    /// After a power cut at any moment, what was synced is there, whole.
    @Test func aPowerCutKeepsWhatWasSynced() throws {
        let size = batch(["x"]).count
        let disk = MemoryDisk()
        let log = try openLog(disk, segmentBytes: 3 * size)
        for index in 0..<20 {
            #expect(
                log.append(try checked(batch(["\(index % 10)"])), now: 0)
                    != .duplicate(
                        baseOffset: 0))
            if index % 2 == 1 { #expect(log.sync()) }
            let safe = log.highWatermark
            let after = try openLog(disk.afterPowerCut(), segmentBytes: 3 * size)
            #expect(after.logEnd >= safe)
            #expect(
                try after.values().prefix(Int(safe)).map(\.value)
                    == (0..<safe).map { "\($0 % 10)" })
        }
    }

    /// Sequence numbers survive: a batch sent again after a restart is recognised.
    @Test func producersAreRemembered() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk, segmentBytes: 100)
        for index in 0..<8 {
            try log.add(batch(["v"], producer: (7, 2), sequence: Int32(index)))
        }
        let again = try openLog(disk.copy(), segmentBytes: 100)
        func append(_ sequence: Int32, epoch: Int16 = 2) throws -> AppendOutcome {
            again.append(
                try checked(batch(["v"], producer: (7, epoch), sequence: sequence)), now: 0)
        }
        #expect(try append(7) == .duplicate(baseOffset: 7))
        #expect(try append(3) == .duplicate(baseOffset: 3))
        guard case .refused(.outOfOrderSequenceNumber, _) = try append(2),
            case .refused(.outOfOrderSequenceNumber, _) = try append(9),
            case .refused(.invalidProducerEpoch, _) = try append(8, epoch: 1)
        else { return #expect(Bool(false), "a wrong sequence was taken") }
        #expect(try append(8) == .appended(baseOffset: 8, appendTime: nil))
    }

    @Test func theEpochNeverGoesBack() throws {
        let disk = MemoryDisk()
        try openLog(disk).add(batch(["a"]))
        for round in 1...3 {
            disk[Self.first]? += [1, 2, 3]
            let log = try openLog(disk)
            #expect(log.leaderEpoch == Int32(round))
            try log.add(batch(["b"]))
            #expect(log.epoch(at: log.logEnd - 1) == Int32(round))
        }
        let log = try openLog(disk)
        #expect(log.leaderEpoch == 3)
        #expect(log.epochEnd(0)?.endOffset == 1)
        #expect(log.epochEnd(1)?.endOffset == 2)
        #expect(log.epochEnd(9)?.epoch == 3)
        #expect(log.epochEnd(9)?.endOffset == 4)
    }

    /// A trim that was interrupted after its checkpoint is finished at the next start.
    @Test func segmentsBelowTheLogStartAreRemoved() throws {
        let size = batch(["x"]).count
        let disk = MemoryDisk()
        let log = try openLog(disk, segmentBytes: 2 * size)
        for _ in 0..<6 { try log.add(batch(["x"])) }
        try log.saveCheckpoint(logStart: 4, epochs: LeaderEpochs())
        let again = try openLog(disk, segmentBytes: 2 * size)
        #expect(again.logStart == 4)
        #expect(disk.paths.filter { $0.hasSuffix(".log") }.count == 1)
        #expect(try again.values(from: 4).count == 2)
    }

    /// After a kill, what a restart shows and acknowledges again is on the disk.
    @Test func whatAKillLeftIsMadeDurable() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        let bytes = batch(["written"], producer: (1, 0), sequence: 0)
        #expect(log.append(try checked(bytes), now: 0) == .appended(baseOffset: 0, appendTime: nil))
        let killed = disk.copy()
        let again = try openLog(killed)
        #expect(again.highWatermark == 1)
        #expect(again.append(try checked(bytes), now: 0) == .duplicate(baseOffset: 0))
        #expect(try openLog(killed.afterPowerCut()).values().map(\.value) == ["written"])
    }

    /// A new segment fails to begin, smaller batches still fit into the old one: the remains do not
    /// look like damage.
    @Test(arguments: [false, true])
    func aSegmentThatDidNotBeginIsNoDamage(endsTorn: Bool) throws {
        let disk = MemoryDisk()
        let small = batch(["x"]).count
        let log = try openLog(disk, segmentBytes: 3 * small)
        try log.add(batch(["0"]))
        disk.change { $0.failsDirectorySyncs = true }
        let large = try checked(batch([String(repeating: "x", count: 2 * small)]))
        guard case .refused(.storageError, _) = log.append(large, now: 0) else {
            return #expect(Bool(false), "the disk was asked for nothing")
        }
        disk.change { $0.failsDirectorySyncs = false }
        try log.add(batch(["1"]))
        #expect(disk["/p/00000000000000000001.log"]?.isEmpty == true)
        if endsTorn { disk["/p/00000000000000000000.log"]? += [1, 2, 3] }
        let again = try openLog(disk.copy(), segmentBytes: 3 * small)
        #expect(try again.values().map(\.value) == ["0", "1"])
        try again.add(batch(["2"]))
        try again.add(batch(["3"]))
        #expect(try openLog(disk.copy(), segmentBytes: 3 * small).highWatermark >= 2)
        #expect(try again.values().map(\.value) == ["0", "1", "2", "3"])
    }

    /// A log start that is on the disk has its records, or their end, on the disk too.
    @Test func aTrimNeverPassesTheEnd() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        for value in ["a", "b"] { _ = log.append(try checked(batch([value])), now: 0) }
        // As without a sync policy.
        log.publish()
        #expect(log.trim(to: 2) == .none)
        let again = try openLog(disk.afterPowerCut())
        #expect(again.logStart == 2)
        #expect(try again.add(batch(["c"])) == 2)
    }
}
