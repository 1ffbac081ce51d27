// Damage where no torn write can be: never served, never skipped in silence, and the rest goes on.

import Base
import KafkaWire
import Testing

@testable import LogServer

@Suite struct QuarantineTests {
    private static let size = batch(["00"]).count
    private let all = (10..<22).map { "\($0)" }

    private func open(_ disk: MemoryDisk) throws -> PartitionLog {
        try openLog(disk, segmentBytes: 3 * Self.size)
    }

    /// Four segments of three batches; the second one begins at offset 3.
    private func written(isStopped: Bool) throws -> MemoryDisk {
        let disk = MemoryDisk()
        let log = try open(disk)
        for value in all { try log.add(batch([value])) }
        if isStopped { log.close() } else { disk["/p/partition.snapshot"] = nil }
        if !isStopped {
            for path in disk.paths where path.hasSuffix(".index") { disk[path] = nil }
        }
        return disk
    }

    private static let second = "/p/00000000000000000003.log"

    private func read(_ log: PartitionLog, _ offset: Int64) -> ReadOutcome {
        log.read(from: offset, bytesMax: 1 << 20, takesLargeFirst: true)
    }

    /// Everything but the offsets 3 to 5 is served, now and after the next start.
    private func expectSecondIsAside(_ disk: MemoryDisk, _ comment: Comment) throws {
        for _ in 0..<2 {
            let log = try open(disk)
            #expect(log.checkpoint.quarantined.map(\.start) == [3], comment)
            #expect(log.checkpoint.quarantined.map(\.end) == [6], comment)
            for offset in Int64(3)..<6 {
                #expect(read(log, offset) == .failed(.corruptMessage), comment)
            }
            guard case .records(let bytes) = read(log, 0) else {
                return #expect(Bool(false), "the first segment is not served")
            }
            #expect(bytes.count == 3 * Self.size)
            #expect(try log.values(from: 6).map(\.value) == Array(all[6...]))
            #expect(log.highWatermark == 12)
            #expect(disk[Self.second] == nil, comment)
        }
        #expect(try open(disk).add(batch(["22"])) == 12)
    }

    /// A closed segment that has to be read, and is damaged anywhere.
    @Test func aDamagedClosedSegmentIsSetAside() throws {
        let disk = try written(isStopped: false)
        let whole = try #require(disk[Self.second])
        for index in whole.indices where !(12..<16).contains(index % Self.size) {
            let damaged = disk.copy()
            damaged[Self.second]?[index] ^= 0x80
            try expectSecondIsAside(damaged, "byte \(index)")
            #expect(damaged["/p/00000000000000000003.bad"]?.count == whole.count)
        }
        let short = disk.copy()
        short[Self.second]?.removeLast()
        try expectSecondIsAside(short, "short")
        let missing = disk.copy()
        missing[Self.second] = nil
        try expectSecondIsAside(missing, "missing")
    }

    /// Also when the snapshot knew it in another size.
    @Test func aSegmentThatHasShrunkIsSetAside() throws {
        let disk = try written(isStopped: true)
        disk[Self.second]?.removeLast(5)
        try expectSecondIsAside(disk, "shrunk")
    }

    /// A segment that is trusted at the start, and is damaged anywhere: a reader gets what was
    /// written or an error, and the batches around it.
    @Test func aFlippedBitIsNeverServed() throws {
        let disk = try written(isStopped: true)
        let segments = disk.paths.filter { $0.hasSuffix(".log") }
        for (number, path) in segments.enumerated() {
            let whole = try #require(disk[path])
            for index in whole.indices where !(12..<16).contains(index % Self.size) {
                let damaged = disk.copy()
                damaged[path]?[index] ^= 0x01
                let log = try open(damaged)
                let bad = Int64(number * 3 + index / Self.size)
                for offset in Int64(0)..<12 {
                    switch read(log, offset) {
                    case .records(let bytes):
                        #expect(offset != bad, "offset \(offset), byte \(index) of \(path)")
                        let header = try RecordBatchHeader(bytes[...])
                        #expect(header.baseOffset == offset)
                        let start = Int(offset) % 3 * Self.size
                        let good = try #require(disk[segments[Int(offset) / 3]])[start...]
                        #expect(good.starts(with: bytes))
                    case .failed(let code):
                        #expect(code == .corruptMessage)
                        // A wrong length or offset hides those behind it in the same segment.
                        #expect(offset >= bad && Int(offset) / 3 == number)
                    case .outOfRange: #expect(Bool(false), "out of range")
                    }
                }
            }
        }
    }

    /// The last segment has lost what had been synced: its offsets are not given out again.
    @Test func lostRecordsBeforeTheRecoveryPointAreNoTornEnd() throws {
        let disk = try written(isStopped: true)
        disk["/p/00000000000000000009.log"]?.removeLast(2 * Self.size)
        let log = try open(disk)
        #expect(log.checkpoint.quarantined.map(\.start) == [9])
        #expect(log.highWatermark == 12)
        #expect(read(log, 9) == .failed(.corruptMessage))
        #expect(read(log, 12) == .records([]))
        #expect(try log.add(batch(["22"])) == 12)
        #expect(try open(disk).values(from: 12).map(\.value) == ["22"])
        let gone = try written(isStopped: true)
        gone["/p/00000000000000000009.log"] = nil
        #expect(try open(gone).highWatermark == 12)
        #expect(read(try open(gone), 11) == .failed(.corruptMessage))
        #expect(try open(gone).add(batch(["22"])) == 12)
    }

    /// What is set aside goes with its offsets when the log start passes it.
    @Test func aTrimTakesTheQuarantineAway() throws {
        let disk = try written(isStopped: false)
        disk[Self.second]?[70] ^= 1
        let log = try open(disk)
        #expect(log.trim(to: 6) == .none)
        #expect(log.checkpoint.quarantined.isEmpty)
        #expect(!disk.paths.contains { $0.hasSuffix(".bad") })
        #expect(try open(disk).values(from: 6).count == 6)
    }

    /// A crash between noting the loss and renaming the file changes nothing.
    @Test func aRenamingIsFinished() throws {
        let disk = try written(isStopped: false)
        let bytes = disk[Self.second]
        disk[Self.second]?[70] ^= 1
        _ = try open(disk)
        disk["/p/00000000000000000003.bad"] = nil
        disk[Self.second] = bytes
        try expectSecondIsAside(disk, "renamed later")
    }

    /// Offsets may be missing where that has been allowed, and only there.
    @Test func legalGapsAreNoDamage() throws {
        for allowed in [Int64(0), 5, 6] {
            let disk = try written(isStopped: false)
            let log = try open(disk)
            try log.allowGaps(below: allowed)
            // As a cleaner leaves it: the middle batch and the last one are gone.
            disk[Self.second] = Array(try #require(disk[Self.second]).prefix(Self.size))
            disk["/p/00000000000000000003.index"] = nil
            disk["/p/partition.snapshot"] = nil
            let again = try open(disk)
            #expect(again.checkpoint.quarantined.isEmpty == (allowed == 6))
            guard allowed == 6 else { continue }
            #expect(try again.values().map(\.offset) == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11])
            #expect(try again.values(from: 4).first?.offset == 6)
        }
    }
}
