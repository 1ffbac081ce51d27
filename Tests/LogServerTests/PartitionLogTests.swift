// Appending, rolling and reading one partition.

import Base
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

/// A partition gives back what it was given, from any offset, in whole batches.
@Suite struct PartitionLogTests {
    private let disk = MemoryDisk()

    @Test func offsetsAreAssignedInOrder() throws {
        let log = try openLog(disk)
        #expect(try log.add(batch(["a", "b", "c"])) == 0)
        #expect(try log.add(batch(["d"])) == 3)
        #expect(try log.add(batch(["e", "f"])) == 4)
        #expect(log.highWatermark == 6)
        #expect(try log.values().map(\.value) == ["a", "b", "c", "d", "e", "f"])
        #expect(try log.values().map(\.offset) == [0, 1, 2, 3, 4, 5])
    }

    /// What lies on the disk is the producer's batch with offset and epoch filled in.
    @Test func batchesAreStoredAsSent() throws {
        let log = try openLog(disk)
        try log.add(batch(["first"]))
        var sent = batch(["second", "third"])
        sent[12..<16] = [0xFF, 0xFF, 0xFF, 0xFF]
        try log.add(sent)
        let file = try #require(disk["/p/00000000000000000000.log"])
        let stored = Array(file.suffix(sent.count))
        #expect(stored[..<8] == [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(stored[12..<16] == [0, 0, 0, 0])
        #expect(stored[8..<12] == sent[8..<12])
        #expect(stored[16...] == sent[16...])
    }

    @Test func anOffsetInsideABatchGivesTheWholeBatch() throws {
        let log = try openLog(disk)
        try log.add(batch(["a", "b", "c"]))
        try log.add(batch(["d", "e", "f"]))
        for offset in Int64(0)..<6 {
            guard
                case .records(let bytes) = log.read(
                    from: offset, bytesMax: 1 << 20, takesLargeFirst: true)
            else { return #expect(Bool(false), "no records at \(offset)") }
            #expect(try RecordBatchHeader(bytes[...]).baseOffset == offset / 3 * 3)
        }
        #expect(
            log.read(from: 6, bytesMax: 1 << 20, takesLargeFirst: true) == .records([]))
        #expect(log.read(from: 7, bytesMax: 1 << 20, takesLargeFirst: true) == .outOfRange)
        #expect(log.read(from: -1, bytesMax: 1 << 20, takesLargeFirst: true) == .outOfRange)
    }

    @Test func limitsCutBetweenBatches() throws {
        let log = try openLog(disk)
        let size = batch(["x"]).count
        for _ in 0..<5 { try log.add(batch(["x"])) }
        func count(_ bytesMax: Int, _ takesLargeFirst: Bool) -> Int? {
            guard
                case .records(let bytes) = log.read(
                    from: 0, bytesMax: bytesMax, takesLargeFirst: takesLargeFirst)
            else { return nil }
            return bytes.count
        }
        #expect(count(2 * size, false) == 2 * size)
        #expect(count(3 * size - 1, false) == 2 * size)
        #expect(count(size - 1, false) == 0)
        #expect(count(size - 1, true) == size)
        #expect(count(0, true) == size)
    }

    @Test func aNewSegmentBeginsWhenTheOldOneIsFull() throws {
        let size = batch(["x"]).count
        let log = try openLog(disk, segmentBytes: 3 * size)
        for index in 0..<10 { try log.add(batch(["\(index % 10)"])) }
        let names = disk.paths.filter { $0.hasSuffix(".log") }.map { String($0.dropFirst(3)) }
        #expect(
            names == [
                "00000000000000000000.log", "00000000000000000003.log",
                "00000000000000000006.log", "00000000000000000009.log",
            ])
        #expect(try log.values().map(\.value) == (0..<10).map { "\($0)" })
        // From every offset, across segments, and after a restart.
        let again = try openLog(disk.copy(), segmentBytes: 3 * size)
        for offset in Int64(0)..<10 {
            #expect(try log.values(from: offset).map(\.offset) == Array(offset..<10))
            #expect(try again.values(from: offset).map(\.offset) == Array(offset..<10))
        }
    }

    @Test func readersSeeOnlyWhatIsSafe() throws {
        let log = try openLog(disk)
        #expect(
            log.append(try checked(batch(["a"])), now: 0)
                == .appended(
                    baseOffset: 0, appendTime: nil))
        #expect(log.highWatermark == 0)
        #expect(log.bytesAvailable(from: 0) == 0)
        #expect(log.read(from: 0, bytesMax: 1000, takesLargeFirst: true) == .records([]))
        #expect(log.sync())
        #expect(log.highWatermark == 1)
        #expect(log.bytesAvailable(from: 0) == batch(["a"]).count)
    }

    @Test func appendTimeIsTheServers() throws {
        let log = try openLog(disk, usesAppendTime: true)
        let outcome = log.append(try checked(batch(["a", "b"], timestamp: 7)), now: 123_456)
        #expect(outcome == .appended(baseOffset: 0, appendTime: 123_456))
        #expect(log.sync())
        let file = try #require(disk["/p/00000000000000000000.log"])
        let header = try RecordBatchHeader.validated(file[...])
        #expect(header.hasLogAppendTime)
        #expect(header.maxTimestamp == 123_456)
        #expect(try log.values().map(\.value) == ["a", "b"])
    }

    @Test func recordsAreFoundByTime() throws {
        let size = batch(["x", "y", "z"]).count
        let log = try openLog(disk, segmentBytes: 2 * size)
        // Batches at 100, 200, … 900, each with records at +0, +1, +2.
        for index in 1...9 { try log.add(batch(["x", "y", "z"], timestamp: Int64(index) * 100)) }
        func find(_ timestamp: Int64) throws -> TimedOffset? {
            try log.firstRecord(atOrAfter: timestamp)
        }
        #expect(try find(0) == TimedOffset(offset: 0, timestamp: 100))
        #expect(try find(101) == TimedOffset(offset: 1, timestamp: 101))
        #expect(try find(103) == TimedOffset(offset: 3, timestamp: 200))
        #expect(try find(502) == TimedOffset(offset: 14, timestamp: 502))
        #expect(try find(902) == TimedOffset(offset: 26, timestamp: 902))
        #expect(try find(903) == nil)
        #expect(
            try log.recordWithLargestTimestamp() == TimedOffset(offset: 26, timestamp: 902))
    }

    /// Records that nobody can read, under a right checksum: their producer's doing, and no reason
    /// to refuse looking for others.
    @Test func unreadableRecordsHideNoOthers() throws {
        let log = try openLog(disk)
        try log.add(batch(["x"], timestamp: 100))
        var header = try RecordBatchHeader(batch(["y"], timestamp: 200)[...])
        header.batchLength = Int32(RecordBatchHeader.batchLengthMin + 3)
        try log.add(sealedBatch(header, records: [0xFF, 0xFF, 0xFF]))
        try log.add(batch(["z"], timestamp: 300))
        func find(_ timestamp: Int64) throws -> TimedOffset? {
            try log.firstRecord(atOrAfter: timestamp)
        }
        #expect(try find(100) == TimedOffset(offset: 0, timestamp: 100))
        #expect(try find(150) == TimedOffset(offset: 1, timestamp: 200))
        #expect(try find(300) == TimedOffset(offset: 2, timestamp: 300))
    }

    @Test func trimmingMovesTheStartAndRemovesSegments() throws {
        let size = batch(["x"]).count
        let log = try openLog(disk, segmentBytes: 2 * size)
        for index in 0..<7 { try log.add(batch(["\(index)"])) }
        #expect(log.trim(to: 8) == .offsetOutOfRange)
        #expect(log.trim(to: 5) == .none)
        #expect(log.logStart == 5)
        #expect(log.read(from: 4, bytesMax: 1000, takesLargeFirst: true) == .outOfRange)
        #expect(try log.values(from: 5).map(\.value) == ["5", "6"])
        #expect(disk.paths.filter { $0.hasSuffix(".log") }.count == 2)
        // The start is durable; going back is not possible.
        #expect(log.trim(to: 1) == .none)
        let again = try openLog(disk.afterPowerCut(), segmentBytes: 2 * size)
        #expect(again.logStart == 5)
        #expect(again.logEnd == 7)
        // All gone: the log goes on at its end.
        #expect(again.trim(to: 7) == .none)
        #expect(try again.add(batch(["7"])) == 7)
    }
}

/// What a producer may send.
@Suite struct BatchCheckTests {
    private func refusal(_ bytes: [UInt8]?, _ rules: BatchRules = BatchRules()) -> BatchRefusal? {
        do throws(BatchRefusal) {
            _ = try CheckedBatch(bytes.map { .owned($0) }, rules: rules)
            return nil
        } catch {
            return error
        }
    }

    private func sealed(_ change: (inout RecordBatchHeader) -> Void) throws -> [UInt8] {
        let bytes = batch(["a", "b"])
        var header = try RecordBatchHeader(bytes[...])
        change(&header)
        return sealedBatch(header, records: Array(bytes.dropFirst(RecordBatchHeader.byteCount)))
    }

    @Test func aGoodBatchPasses() { #expect(refusal(batch(["a"])) == nil) }

    @Test func nothingIsRefused() {
        #expect(refusal(nil)?.code == .invalidRecord)
        #expect(refusal([])?.code == .invalidRecord)
    }

    @Test func everyDamagedByteIsFound() {
        let good = batch(["abc", "def"])
        // Base offset and leader epoch are the server's to write.
        for index in good.indices where !(0..<8).contains(index) && !(12..<16).contains(index) {
            var bad = good
            bad[index] ^= 0x10
            #expect(refusal(bad) != nil, "byte \(index)")
        }
        for count in 0..<good.count { #expect(refusal(Array(good.prefix(count))) != nil) }
    }

    @Test func codesSayWhatIsWrong() throws {
        var old = batch(["a"])
        old[16] = 1
        #expect(refusal(old)?.code == .unsupportedForMessageFormat)
        var corrupt = batch(["a"])
        corrupt[corrupt.count - 1] ^= 1
        #expect(refusal(corrupt)?.code == .corruptMessage)
        #expect(refusal(batch(["a"]) + batch(["b"]))?.code == .invalidRecord)
        #expect(refusal(batch(["a"]), BatchRules(bytesMax: 60))?.code == .messageTooLarge)
        #expect(refusal(try sealed { $0.lastOffsetDelta = 5 })?.code == .invalidRecord)
        #expect(refusal(try sealed { $0.attributes |= 32 })?.code == .invalidRecord)
        #expect(refusal(try sealed { $0.attributes |= 16 })?.code == .invalidRecord)
        #expect(refusal(try sealed { $0.attributes |= 8 })?.code == .invalidTimestamp)
    }

    @Test func compactedTopicsNameTheRecordsWithoutKeys() {
        let records = [
            Record(key: [1], value: []), Record(key: nil, value: []), Record(key: [2], value: nil),
            Record(key: nil, value: nil),
        ]
        let bytes = encodeRecordBatch(records, timestamp: 0)
        let found = refusal(bytes, BatchRules(needsKeys: true))
        #expect(found?.code == .invalidRecord)
        #expect(found?.records == [1, 3])
    }

    /// A setting that makes very many segments counts double, and double again.
    @Test func segmentsAreAsManyAsFilesMayBeOpen() throws {
        let many = Limits.logSegmentsBeforeDoubling
        let small = PartitionRules(segmentBytes: 14)
        #expect(small.segmentBytes(segments: 1) == 14)
        #expect(small.segmentBytes(segments: many) == 28)
        #expect(small.segmentBytes(segments: 10 * many) == 14 << 10)
        #expect(small.segmentBytes(segments: .max) == Limits.logSegmentBytesMax)
        let large = PartitionRules(segmentBytes: Limits.logSegmentBytesMax)
        #expect(large.segmentBytes(segments: .max) == Limits.logSegmentBytesMax)
        let size = batch(["v"]).count
        let log = try openLog(MemoryDisk(), segmentBytes: size)
        for _ in 0..<(2 * many) { _ = try log.add(batch(["v"])) }
        // The first ones have a batch each, those behind them two.
        let segments = log.view.withLock { $0.segments }
        #expect(segments.count == many + many / 2)
        #expect(segments[many - 2].byteCount == size && segments[many].byteCount == 2 * size)
        #expect(log.logEnd == Int64(2 * many))
    }
}
