// The offline commands: what `check` finds, what `--accept-loss` keeps, what `inspect` prints.

import Base
import EventLoop
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

@Suite struct InspectionTests {
    private static let size = batch(["00"]).count

    /// A directory with one topic of one partition in four segments of three batches.
    private func written() throws -> (disk: MemoryDisk, partition: String) {
        let disk = MemoryDisk()
        let table = try table(disk)
        try table.open()
        _ = try ServerIdentity(directory: "/d", disk: disk)
        var settings = TopicSettings()
        try settings.set("segment.bytes", to: "\(3 * Self.size)")
        let record = try table.create("t", partitions: 1, settings: settings)
        let log = try #require(table.partition("t", 0)?.log)
        for index in 0..<12 { try log.add(batch(["\(10 + index)"])) }
        log.close()
        return (disk, table.path(of: record) + "/0")
    }

    private func table(_ disk: MemoryDisk) throws -> TopicTable {
        let writer = try LogWriter(
            name: "w", policy: .always, clock: { 0 }, metrics: LogServerMetrics())
        return TopicTable(
            TopicEnvironment(
                directory: "/d", disk: disk, writers: [writer], defaults: [:], clock: { 5000 },
                logger: quiet))
    }

    private func faults(_ disk: MemoryDisk) throws -> [LogFault] {
        try OfflineLog(directory: "/d", disk: disk).check()
    }

    private func opened(_ disk: MemoryDisk) throws -> PartitionLog {
        let table = try table(disk)
        try table.open()
        return try #require(table.partition("t", 0)?.log)
    }

    /// A flipped bit in any byte of any file is found.
    @Test func everyFlippedBitIsFound() throws {
        let (disk, _) = try written()
        #expect(try faults(disk).isEmpty)
        for path in disk.paths {
            let bytes = try #require(disk[path])
            for index in bytes.indices {
                let damaged = disk.copy()
                damaged[path]?[index] ^= 1 << (index % 8)
                #expect(try !faults(damaged).isEmpty, "byte \(index) of \(path)")
            }
        }
    }

    /// So is a file that is not there, or has lost its end.
    @Test func missingPiecesAreFound() throws {
        let (disk, partition) = try written()
        for path in disk.paths where path.hasSuffix(".log") || path.hasSuffix(".checkpoint") {
            let missing = disk.copy()
            missing[path] = nil
            if path.hasSuffix(TopicTable.checkpointName) {
                #expect(throws: LogStorageError.self) { try faults(missing) }
                continue
            }
            #expect(try !faults(missing).isEmpty, "\(path)")
            let short = disk.copy()
            short[path]?.removeLast()
            #expect(try !faults(short).isEmpty, "\(path)")
        }
        disk["\(partition)/00000000000000000009.log"]? += [1, 2, 3]
        #expect(try faults(disk).count == 1)
    }

    /// Looking changes nothing.
    @Test func lookingChangesNothing() throws {
        let (disk, partition) = try written()
        disk["\(partition)/00000000000000000003.log"]?[80] ^= 1
        let before = disk.paths.map { disk[$0] }
        _ = try faults(disk)
        var options = DumpOptions()
        options.showsRecords = true
        #expect(try !OfflineLog(directory: "/d", disk: disk).dump(options) { _ in })
        #expect(disk.paths.map { disk[$0] } == before)
    }

    /// One damaged batch costs that batch, whether or not the server has set the segment aside.
    @Test(arguments: [false, true]) func onlyDamagedBatchesAreGivenUp(isAside: Bool) throws {
        let (disk, partition) = try written()
        let second = "\(partition)/00000000000000000003.log"
        disk[second]?[Self.size + 65] ^= 1
        if isAside {
            disk["\(partition)/partition.snapshot"] = nil
            disk["\(partition)/00000000000000000003.index"] = nil
            #expect(try opened(disk).checkpoint.quarantined.count == 1)
            #expect(disk[second] == nil)
        }
        let log = try opened(disk)
        #expect(
            log.read(from: 4, bytesMax: 1 << 20, takesLargeFirst: true) == .failed(.corruptMessage))
        let losses = try OfflineLog(directory: "/d", disk: disk).acceptLoss()
        #expect(losses == [AcceptedLoss(partition: "t-0", start: 4, end: 5)])
        #expect(try faults(disk).isEmpty)
        for left in [disk.copy(), disk.afterPowerCut()] {
            let again = try opened(left)
            #expect(again.checkpoint.quarantined.isEmpty)
            #expect(try again.values().map(\.offset) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
            #expect(try again.values(from: 4).first?.value == "15")
            #expect(try again.add(batch(["22"])) == 12)
        }
        #expect(try OfflineLog(directory: "/d", disk: disk).acceptLoss().isEmpty)
    }

    /// Whole segments that are gone, at the beginning, in the middle and at the end.
    @Test func lostSegmentsAreGivenUp() throws {
        for (number, start) in [Int64(0), 3, 9].enumerated() {
            let (disk, partition) = try written()
            disk[Segment.path(in: partition, start)] = nil
            if number == 1 { _ = try opened(disk) }
            let losses = try OfflineLog(directory: "/d", disk: disk).acceptLoss()
            #expect(losses == [AcceptedLoss(partition: "t-0", start: start, end: start + 3)])
            #expect(try faults(disk).isEmpty)
            let again = try opened(disk)
            #expect(again.checkpoint.quarantined.isEmpty)
            #expect(try again.add(batch(["22"])) == 12)
            #expect(try again.values().map(\.offset) == (0...12).filter { $0 / 3 != start / 3 })
        }
    }

    /// Stopped at any step, giving up can be done again, and sound records stay.
    @Test func givingUpMayBeInterrupted() throws {
        for isAside in [false, true] {
            let (disk, partition) = try written()
            disk["\(partition)/00000000000000000003.log"]?[65] ^= 1
            if isAside {
                disk["\(partition)/partition.snapshot"] = nil
                disk["\(partition)/00000000000000000003.index"] = nil
                _ = try opened(disk)
            }
            let moments = Mutex<[MemoryDisk]>([])
            disk.change {
                $0.afterStep = { disk in
                    moments.withLock { $0 += [disk.copy(), disk.afterPowerCut()] }
                }
            }
            _ = try OfflineLog(directory: "/d", disk: disk).acceptLoss()
            for moment in moments.withLock({ $0 }) {
                let between = try opened(moment)
                #expect(between.highWatermark == 12)
                between.close()
                _ = try OfflineLog(directory: "/d", disk: moment).acceptLoss()
                #expect(try faults(moment).isEmpty)
                let log = try opened(moment)
                #expect(
                    try log.values().map(\.offset) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
            }
        }
    }

    /// The lines of `inspect`.
    @Test func aDump() throws {
        let (disk, _) = try written()
        var options = DumpOptions()
        options.showsRecords = true
        let lines = Mutex<[String]>([])
        let isSound = try OfflineLog(directory: "/d", disk: disk).dump(options) { line in
            lines.withLock { $0.append(line) }
        }
        #expect(isSound)
        let all = lines.withLock { $0 }
        #expect(all[0].hasPrefix("topic t id "))
        #expect(all[1] == "  setting segment.bytes=\(3 * Self.size)")
        #expect(
            all[2]
                == "partition t-0 log_start 0 epochs 0@0 gaps_end 0 recovery_point 12 producers 0"
        )
        #expect(all[3].hasPrefix("  segment 00000000000000000000.log bytes \(3 * Self.size)"))
        #expect(
            all[4] == "    batch offset 0..0 position 0 bytes \(Self.size) records 1 codec none "
                + "time 1000..1000 epoch 0")
        #expect(all[5] == "      record offset 0 time 1000 key null value \"10\"")
        #expect(all.filter { $0.contains(" record ") }.count == 12)
        options.isBrief = true
        lines.withLock { $0 = [] }
        _ = try OfflineLog(directory: "/d", disk: disk).dump(options) { line in
            lines.withLock { $0.append(line) }
        }
        #expect(lines.withLock { $0 }.count == 3 + 2 * 4)
        options.topic = "none"
        #expect(throws: LogStorageError.self) {
            try OfflineLog(directory: "/d", disk: disk).dump(options) { _ in }
        }
    }
}
