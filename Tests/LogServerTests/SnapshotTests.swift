// Starting without reading everything: what may be trusted, what is made again, and that no moment
// to die in is a bad one.

import Base
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

/// Recovery with snapshots and index files.
@Suite struct SnapshotTests {
    private static let size = batch(["00"]).count

    private func open(_ disk: MemoryDisk) throws -> PartitionLog {
        try openLog(disk, segmentBytes: 3 * Self.size)
    }

    /// A log of some segments after an orderly stop.
    private func stopped(_ count: Int = 20) throws -> MemoryDisk {
        let disk = MemoryDisk()
        let log = try open(disk)
        for index in 0..<count { try log.add(batch(["\(10 + index)"])) }
        log.close()
        return disk
    }

    private let values = (0..<20).map { "\(10 + $0)" }

    /// After an orderly stop a start reads no batch, and everything is there.
    @Test func anOrderlyStopLeavesNothingToRead() throws {
        let disk = try stopped()
        let log = try open(disk)
        #expect(disk.readBytes == 0)
        #expect(log.highWatermark == 20)
        #expect(disk.syncCount == (try open(disk.copy()), disk.syncCount).1)
        #expect(try log.values().map(\.value) == values)
        #expect(try log.add(batch(["99"])) == 20)
    }

    /// A closed segment stays one when nothing has come behind it: it is not read, and if it is
    /// damaged it is set aside instead of cut.
    @Test func aClosedSegmentBeforeAnEmptyOneIsNoTornEnd() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in ["10", "11", "12"] { try log.add(batch([value])) }
        _ = try log.roll(at: 3)
        let killed = disk.copy()
        #expect(try open(killed).highWatermark == 3)
        #expect(killed.readBytes == 0)
        let path = "/p/00000000000000000000.log"
        let whole = try #require(disk[path])
        disk[path] = whole.dropLast()
        let damaged = try open(disk)
        #expect(damaged.highWatermark == 3)
        #expect(damaged.checkpoint.quarantined.map(\.end) == [3])
        #expect(disk["/p/00000000000000000000.bad"]?.count == whole.count - 1)
        #expect(try damaged.add(batch(["13"])) == 3)
    }

    /// After a kill only what came after the last snapshot is read.
    @Test func aKillLeavesTheTailToRead() throws {
        let disk = try stopped(19)
        let log = try open(disk)
        try log.add(batch(["29"]))
        let killed = disk.copy()
        let again = try open(killed)
        #expect((Self.size...2 * Self.size).contains(killed.readBytes))
        #expect(try again.values().map(\.value) == values)
    }

    /// Producers come from the snapshot and the batches behind it.
    @Test func producersSurviveWithoutReading() throws {
        let disk = MemoryDisk()
        let log = try open(disk)
        for index in 0..<8 {
            try log.add(batch(["00"], producer: (7, 2), sequence: Int32(index)))
        }
        log.close()
        let again = try open(disk)
        try again.add(batch(["00"], producer: (7, 2), sequence: 8))
        let killed = try open(disk.copy())
        for (sequence, offset) in [(8, 8), (7, 7), (4, 4)] {
            let outcome = killed.append(
                try checked(batch(["00"], producer: (7, 2), sequence: Int32(sequence))), now: 0)
            #expect(outcome == .duplicate(baseOffset: Int64(offset)))
        }
        #expect(
            killed.append(try checked(batch(["00"], producer: (7, 2), sequence: 9)), now: 0)
                == .appended(baseOffset: 9, appendTime: nil))
    }

    /// Derived files may be missing, damaged anywhere, or another segment's.
    @Test func derivedFilesAreMadeAgain() throws {
        let disk = try stopped()
        let derived = disk.paths.filter { $0.hasSuffix(".index") || $0.hasSuffix(".snapshot") }
        #expect(derived.count == 7)
        for path in derived {
            let missing = disk.copy()
            missing[path] = nil
            missing["/p/partition.snapshot"] = nil
            #expect(try open(missing).values().map(\.value) == values)
            #expect(missing[path] != nil, "it is there again")
            let bytes = try #require(disk[path])
            for index in bytes.indices {
                let damaged = disk.copy()
                damaged[path]?[index] ^= 0x10
                #expect(try open(damaged).values().map(\.value) == values)
            }
        }
        let mixed = disk.copy()
        mixed[derived[0]] = disk[derived[1]]
        mixed["/p/partition.snapshot"] = nil
        #expect(try open(mixed).values().map(\.value) == values)
    }

    /// At every step on the disk the process is killed or the power cut: what was acknowledged is
    /// there, in order, nothing else, and the log goes on.
    @Test func everyMomentIsAGoodOneToDie() throws {
        let disk = MemoryDisk()
        let moments = Mutex<[(disk: MemoryDisk, acknowledged: Int64)]>([])
        let acknowledged = Mutex<Int64>(0)
        disk.change {
            $0.afterStep = { disk in
                let count = acknowledged.withLock { $0 }
                moments.withLock {
                    $0.append((disk.copy(), count))
                    $0.append((disk.afterPowerCut(), count))
                }
            }
        }
        var log = try open(disk)
        for index in 0..<20 {
            try log.add(batch(["\(10 + index)"]))
            acknowledged.withLock { $0 = log.highWatermark }
            if index % 6 == 5 {
                log.saveSnapshot()
                #expect(log.trim(to: log.logStart + 1) == .none)
            }
            if index == 13 {
                log.close()
                log = try open(disk)
            }
        }
        let all = moments.withLock { $0 }
        #expect(all.count > 200)
        for moment in all {
            let again = try open(moment.disk)
            #expect(again.checkpoint.quarantined.isEmpty)
            #expect(again.highWatermark >= moment.acknowledged)
            let found = try again.values(from: again.logStart)
            #expect(found.map(\.value) == found.map { "\(10 + $0.offset)" })
            #expect(found.count == Int(again.highWatermark - again.logStart))
            let next = again.highWatermark
            #expect(try again.add(batch(["\(10 + next)"])) == next)
            #expect(try open(moment.disk.afterPowerCut()).highWatermark == next + 1)
        }
    }

    /// A disk that has no room left, at any point: records are taken as long as they fit, refused
    /// then, and taken again when there is room.
    @Test func aFullDiskRefusesAndRecovers() throws {
        for room in stride(from: 0, to: 12 * Self.size, by: 7) {
            let disk = MemoryDisk()
            let log = try open(disk)
            disk.change { $0.bytesFree = room }
            var taken = 0
            while case .appended = log.append(try checked(batch(["\(10 + taken)"])), now: 0) {
                #expect(log.sync())
                taken += 1
            }
            #expect(taken <= 3 || taken * Self.size <= room)
            #expect(try open(disk.copy()).values().count == taken)
            disk.change { $0.bytesFree = .max }
            for index in taken..<12 {
                #expect(try log.add(batch(["\(10 + index)"])) == Int64(index))
            }
            log.close()
            for left in [disk.copy(), disk.afterPowerCut()] {
                #expect(try open(left).values().map(\.value) == (10..<22).map { "\($0)" })
            }
        }
    }
}
