// Compaction keeps of each key the newest record, at its offset, and nothing else changes.

import Base
import Compression
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

@Suite struct CompactionTests {
    /// The newest of every key stays, whatever the codec, and every offset is still found.
    @Test(arguments: BatchCodec.allCases)
    func theNewestOfEveryKeyStays(_ codec: BatchCodec) throws {
        let log = try openLog(CrashDisk(), rules: .compacted())
        for round in 0..<6 {
            let records = (0..<4).map { key in (key: "k\(key % (round + 1))", value: "v\(round)") }
            try log.add(try keyedBatch(records, timestamp: Int64(round) * 100, codec: codec))
        }
        try log.closeSegment()
        let before = try log.keyed()
        let end = log.logEnd
        #expect(try log.compact())
        let after = try log.keyed()
        var newest: [String: Int64] = [:]
        for record in before { newest[record.key] = record.offset }
        #expect(after == before.filter { newest[$0.key] == $0.offset })
        #expect(after.count == 4)
        #expect(log.logEnd == end)
        for offset in 0..<end {
            let expected = after.filter { $0.offset >= offset }
            #expect(try log.keyed(from: offset) == expected, "from \(offset)")
        }
        // Nothing new: nothing to do.
        #expect(try log.compact() == false)
        #expect(try log.firstRecord(atOrAfter: 501)?.offset == 21)
        #expect(try log.firstRecord(atOrAfter: 504) == nil)
        #expect(try log.recordWithLargestTimestamp()?.timestamp == 503)
    }

    @Test func aReopenedLogIsTheSame() throws {
        let disk = CrashDisk()
        let log = try openLog(disk, rules: .compacted())
        for round in 0..<20 { try log.add(try keyedBatch([("k\(round % 3)", "v\(round)")])) }
        try log.closeSegment()
        #expect(try log.compact())
        let kept = try log.keyed()
        #expect(kept.map(\.offset) == [17, 18, 19])
        let again = try openLog(disk.afterKill(), rules: .compacted())
        #expect(try again.keyed() == kept)
        #expect(again.logEnd == 20)
        #expect(again.leaderEpoch == 0)
        #expect(try again.add(try keyedBatch([("k0", "new")])) == 20)
        #expect(try again.compact() == false, "what is compacted is known after a start")
        try again.closeSegment()
        #expect(try again.compact())
        #expect(try again.keyed().map(\.offset) == [17, 19, 20])
        // What has become small is joined.
        #expect(again.view.withLock { $0.segments.count } == 2)
    }

    /// A snapshot from before a compaction says nothing of the segments after it, even if one is
    /// as large as the one whose name it has.
    @Test func aSegmentOfTheSameSizeIsNotTheOldOne() throws {
        let disk = CrashDisk()
        let size = try keyedBatch([("a", "1")]).bytes.count
        let log = try openLog(disk, rules: .compacted(segmentBytes: 2 * size))
        for value in ["1", "2"] {
            try log.add(try keyedBatch([("a", value)]))
            try log.add(try keyedBatch([("b", value)]))
        }
        try log.add(try keyedBatch([("c", "3")]))
        let old = log.view.withLock { $0.segments[0].summary }
        #expect(try log.compact())
        let new = log.view.withLock { $0.segments[0].summary }
        #expect(new.byteCount == old.byteCount && new.nextOffset > old.nextOffset)
        let again = try openLog(disk.afterKill(), rules: .compacted(segmentBytes: 2 * size))
        #expect(try again.keyed().map(\.offset) == [2, 3, 4])
    }

    /// A record that deletes its key stays for its time, then goes too.
    @Test func tombstonesStayForTheirTime() throws {
        let log = try openLog(CrashDisk(), rules: .compacted(tombstones: 1000))
        try log.add(try keyedBatch([("a", "1"), ("b", "2"), ("a", nil)]), now: 5000)
        try log.closeSegment()
        #expect(try log.compact(now: 5500))
        #expect(try log.keyed().map(\.offset) == [1, 2])
        #expect(try log.compact(now: 5900) == false)
        #expect(try log.compact(now: 6100), "nobody looks for a tombstone that is due")
        #expect(try log.keyed().map(\.offset) == [1])
        #expect(try log.compact(now: 9000) == false)
    }

    /// Keys that do not fit into memory are taken part by part, and none is lost.
    @Test func aSmallTableDoesItInParts() throws {
        let log = try openLog(CrashDisk(), rules: .compacted(tombstones: 0))
        for round in 0..<60 {
            let value = round % 7 == 0 ? nil : "v\(round)"
            try log.add(try keyedBatch([("k\(round % 20)", value)]))
        }
        try log.closeSegment()
        let before = try log.keyed()
        var passes = 0
        while try log.compact(mapBytesMax: 300) { passes += 1 }
        #expect(passes > 10)
        let newest = before.reduce(into: [:]) { $0[$1.key] = $1 }
        #expect(
            try log.keyed()
                == newest.values.filter { $0.value != nil }
                .sorted { $0.offset < $1.offset })
    }

    /// The last batch of a producer stays, empty, and a batch sent again is still recognised.
    @Test func aProducersLastBatchStays() throws {
        let disk = CrashDisk()
        let log = try openLog(disk, rules: .compacted())
        var header = RecordBatchHeader()
        (header.producerID, header.producerEpoch, header.baseSequence) = (7, 1, 0)
        try log.add(try keyedBatch([("a", "1"), ("b", "1")], header: header))
        header.baseSequence = 2
        let last = try keyedBatch([("a", "2"), ("b", "2")], header: header)
        try log.add(last)
        try log.add(try keyedBatch([("a", "3"), ("b", "3")]))
        try log.add(try keyedBatch([("c", "4")]))
        try log.closeSegment()
        #expect(try log.compact())
        var headers: [RecordBatchHeader] = []
        try log.forEachReadBatch(from: 0) { header, _ in headers.append(header) }
        #expect(headers.map(\.baseOffset) == [2, 4, 6])
        #expect(headers.map(\.recordCount) == [0, 2, 1])
        #expect(headers[0].producerID == 7 && headers[0].lastSequence == 3)
        let again = try openLog(disk.afterKill(), rules: .compacted())
        #expect(again.append(last, now: 0) == .duplicate(baseOffset: 2))
    }

    /// Records that were taken back neither stay nor replace others, and what is not decided yet
    /// is not looked at.
    @Test func transactionsCountByTheirEnd() throws {
        let log = try openLog(CrashDisk(), rules: .compacted(segmentBytes: 1 << 20))
        func transactional(_ producer: Int64, _ sequence: Int32 = 0) -> RecordBatchHeader {
            var header = RecordBatchHeader()
            (header.producerID, header.producerEpoch) = (producer, 0)
            (header.baseSequence, header.attributes) = (sequence, 16)
            return header
        }
        func end(_ producer: Int64, commits: Bool) throws {
            var header = transactional(producer, 1)
            header.attributes = 48
            let record = Record(key: [0, 0, 0, commits ? 1 : 0], value: [0, 0, 0, 0, 0, 0])
            let bytes = encodeRecordBatch([record], timestamp: 1, header: header)
            try log.add(CheckedBatch(header: try RecordBatchHeader(bytes[...]), bytes: bytes[...]))
        }
        try log.add(try keyedBatch([("a", "good"), ("b", "old")]))
        try log.add(try keyedBatch([("a", "bad")], header: transactional(1)))
        try log.add(try keyedBatch([("b", "new")], header: transactional(2)))
        try end(1, commits: false)
        try end(2, commits: true)
        try log.add(try keyedBatch([("a", "open")], header: transactional(3)))
        try log.add(try keyedBatch([("b", "behind")]))
        try log.closeSegment()
        #expect(try log.compact())
        #expect(
            try log.keyed().map(\.value) == ["good", "new", "open", "behind"])
        #expect(try log.compact() == false, "a transaction without an end holds it up")
        try end(3, commits: true)
        try log.closeSegment()
        #expect(try log.compact())
        #expect(try log.keyed().map(\.value) == ["open", "behind"])
    }

    /// Aborted transactions whose records are compacted away are forgotten, or after enough of
    /// them a compacted partition, which no retention trims, would take no more.
    @Test func abortedTransactionsAreForgotten() throws {
        let log = try openLog(CrashDisk(), rules: .compacted(segmentBytes: 1 << 20))
        func abortOne(_ producer: Int64) throws {
            var header = RecordBatchHeader()
            (header.producerID, header.producerEpoch) = (producer, 0)
            (header.baseSequence, header.attributes) = (0, 16)
            try log.add(try keyedBatch([("a", "bad")], header: header))
            let end = EndMarker(producerID: producer, producerEpoch: 0, isCommit: false)
            try log.add(try CheckedBatch(end, timestamp: 1))
            try log.closeSegment()
        }
        for producer in 0..<3 as Range<Int64> { try abortOne(producer) }
        #expect(try log.compact())
        // Somebody may still be at the segments that have just been replaced.
        #expect(log.aborted(from: 0, to: .max).count == 3)
        try abortOne(3)
        #expect(try log.compact())
        #expect(log.aborted(from: 0, to: .max).map(\.producerID) == [3])
        #expect(try log.keyed() == [])
        #expect(log.lastStable == log.logEnd)
    }

    /// A reader that is in the middle of a segment goes on in it while it is replaced.
    @Test func readersKeepWhatTheyAreAt() throws {
        let log = try openLog(CrashDisk(), rules: .compacted(segmentBytes: 1 << 20))
        for round in 0..<10 { try log.add(try keyedBatch([("k", "v\(round)")])) }
        try log.closeSegment()
        let old = log.view.withLock { $0.segments[0] }
        #expect(try log.compact())
        #expect(try log.keyed().count == 1)
        let bytes = try old.file.read(old.byteCount, at: 0)
        #expect(bytes.count == old.byteCount)
    }

    /// The swap is in vain when records were deleted meanwhile, and nothing is left of it.
    @Test func aLogThatChangesMeanwhileIsLeftAlone() throws {
        let disk = CrashDisk()
        let log = try openLog(disk, rules: .compacted())
        for round in 0..<20 { try log.add(try keyedBatch([("k\(round % 2)", "v\(round)")])) }
        try log.closeSegment()
        var compaction = try #require(try Compaction(log, now: 9000))
        let swap = try #require(try compaction.rewriteNext())
        #expect(log.trim(to: 10) == .none)
        #expect(try log.swap(swap) == false)
        #expect(!disk.paths.contains { $0.hasSuffix(".cleaned") })
        #expect(try log.keyed().count == 10)
    }

    /// Damage is not copied under a new checksum: the partition is left as it is.
    @Test func damageIsNotLaundered() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk, rules: .compacted(segmentBytes: 1 << 20))
        for round in 0..<4 { try log.add(try keyedBatch([("k", "v\(round)")])) }
        try log.closeSegment()
        disk["/p/00000000000000000000.log"]?[70] ^= 1
        #expect(throws: KafkaWireError.self) { _ = try log.compact() }
    }

    /// After a failure it is tried again, ever more rarely, until it goes well.
    @Test func whatFailedIsTriedAgainLater() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk, rules: .compacted(segmentBytes: 1 << 20))
        for round in 0..<4 { try log.add(try keyedBatch([("k", "v\(round)")])) }
        try log.closeSegment()
        var random = PRNG(seed: 7)
        var now: Int64 = 9000
        disk["/p/00000000000000000000.log"]?[70] ^= 1
        let most = Int64(Limits.logCompactionRetrySecondsMax) * 1000
        var waits: [Int64] = []
        for _ in 0..<12 {
            #expect(throws: KafkaWireError.self) { _ = try log.compact(now: now) }
            log.cleaner.withLock { $0.failed(now: now, using: &random) }
            let until = log.cleaner.withLock { $0.restsUntil }
            waits.append(until - now)
            #expect(try log.compact(now: until - 1) == false)
            now = until
        }
        #expect(waits[0] >= 30_000 && waits[0] <= 60_000)
        #expect(waits.allSatisfy { $0 <= most } && waits[11] >= most / 2)
        disk["/p/00000000000000000000.log"]?[70] ^= 1
        #expect(try log.compact(now: now))
        #expect(try log.keyed().map(\.value) == ["v3"])
        #expect(log.cleaner.withLock { $0.restsUntil } == .min)
    }

    @Test func settingsSayWhenItIsDue() throws {
        var rules = PartitionRules.compacted()
        rules.cleaning.dirtyRatio = 0.5
        let log = try openLog(CrashDisk(), rules: rules)
        for round in 0..<10 { try log.add(try keyedBatch([("k\(round)", "v")]), now: 5000) }
        try log.closeSegment()
        #expect(try log.compact(now: 5001))
        try log.add(try keyedBatch([("k0", "v")]), now: 6000)
        try log.closeSegment()
        #expect(try log.compact(now: 6001) == false, "a tenth is new")
        log.rules.cleaning.compactionLagMax = 500
        #expect(try log.compact(now: 6499) == false)
        #expect(try log.compact(now: 6500))
        log.rules.cleaning.compactionLagMin = 1000
        try log.add(try keyedBatch([("k1", "v")], timestamp: 7000), now: 7000)
        try log.closeSegment()
        #expect(try log.compact(now: 7900) == false, "too young")
        #expect(try log.compact(now: 8000))
        log.rules.cleaning.compacts = false
        try log.add(try keyedBatch([("k1", "v")]), now: 7000)
        try log.closeSegment()
        #expect(try log.compact(now: 99_000) == false)
    }
}
