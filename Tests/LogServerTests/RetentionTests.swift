// Old segments go by age and by size, from the front, whole, and never the records behind them.

import Base
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

@Suite struct RetentionTests {
    private func rules(
        retention: Int64? = nil, bytes: Int? = nil, segmentAge: Int64 = .max,
        segmentBytes: Int = 200
    ) -> PartitionRules {
        var rules = PartitionRules(segmentBytes: segmentBytes)
        rules.cleaning.deletes = true
        rules.cleaning.retention = retention
        rules.cleaning.retentionBytes = bytes
        rules.cleaning.segmentAge = segmentAge
        return rules
    }

    /// One pass as the cleaner does it.
    private func retain(_ log: PartitionLog, now: Int64) { log.unlink(log.retain(now: now)) }

    @Test func segmentsGoByAge() throws {
        let disk = CrashDisk()
        let log = try openLog(disk, rules: rules(retention: 1000))
        for round in Int64(0)..<10 {
            let batch = try keyedBatch([("k", "v")], timestamp: 5000 + round * 100)
            try log.add(batch, now: 5000 + round * 100)
        }
        let segments = disk.paths.filter { $0.hasSuffix(".log") }.count
        retain(log, now: 5900)
        #expect(log.logStart == 0, "nothing is too old")
        retain(log, now: 6350)
        #expect(log.logStart > 0 && log.logStart <= 4)
        #expect(try log.keyed().first?.offset == log.logStart)
        #expect(disk.paths.filter { $0.hasSuffix(".log") }.count < segments)
        let start = log.logStart
        #expect(try openLog(disk.afterKill(), rules: rules()).logStart == start)
        // The last segment alone is too old: it is closed and goes.
        retain(log, now: 60_000)
        #expect(log.logStart == 10 && log.logEnd == 10)
        #expect(log.byteCount == 0)
        #expect(try log.add(try keyedBatch([("k", "v")]), now: 60_000) == 10)
        #expect(try openLog(disk.afterKill(), rules: rules()).logStart == 10)
    }

    @Test func segmentsGoBySize() throws {
        let log = try openLog(CrashDisk(), rules: rules(bytes: 500))
        for round in 0..<20 { try log.add(try keyedBatch([("k", "v\(round)")])) }
        let size = log.byteCount
        #expect(size > 1000)
        retain(log, now: 5000)
        #expect(log.byteCount >= 500 && log.byteCount < 700)
        #expect(try log.keyed().last?.offset == 19)
    }

    /// A timestamp from the future does not keep a segment for ever, one from the past does not
    /// save its neighbours.
    @Test func wrongTimestampsPinNothing() throws {
        let log = try openLog(CrashDisk(), rules: rules(retention: 1000))
        for timestamp in [Int64.max - 10, 5000, -1, 5000] {
            try log.add(try keyedBatch([("k", "value")], timestamp: timestamp), now: 5000)
        }
        try log.closeSegment()
        retain(log, now: 5500)
        #expect(log.logStart == 0)
        retain(log, now: 6001)
        #expect(log.logStart == 4)
    }

    @Test func anOldSegmentIsClosed() throws {
        let log = try openLog(CrashDisk(), rules: rules(segmentAge: 500, segmentBytes: 1 << 20))
        try log.add(try keyedBatch([("k", "1")]), now: 5000)
        try log.add(try keyedBatch([("k", "2")]), now: 5499)
        #expect(log.view.withLock { $0.segments.count } == 1)
        try log.add(try keyedBatch([("k", "3")]), now: 5500)
        #expect(log.view.withLock { $0.segments.count } == 2)
        retain(log, now: 6100)
        #expect(log.view.withLock { $0.segments.count } == 3)
        #expect(log.retentionPlan(now: 99_000).isEmpty, "an empty segment is never too old")
        #expect(try log.keyed().count == 3)
    }

    @Test func nothingGoesWithoutThePolicy() throws {
        var rules = rules(retention: 1, bytes: 1)
        rules.cleaning.deletes = false
        let log = try openLog(CrashDisk(), rules: rules)
        for _ in 0..<10 { try log.add(try keyedBatch([("k", "v")])) }
        #expect(log.retentionPlan(now: .max).isEmpty)
        // Settings count at once.
        log.rules.cleaning.deletes = true
        #expect(!log.retentionPlan(now: .max).isEmpty)
    }

    /// Compacted segments go too, with both policies.
    @Test func compactedSegmentsGoByAge() throws {
        var rules = PartitionRules.compacted()
        rules.cleaning.deletes = true
        rules.cleaning.retention = 1000
        let disk = CrashDisk()
        let log = try openLog(disk, rules: rules)
        for round in 0..<10 {
            try log.add(try keyedBatch([("k\(round % 2)", "v")], timestamp: 5000), now: 5000)
        }
        try log.closeSegment()
        #expect(try log.compact(now: 5500))
        try log.add(try keyedBatch([("k0", "late")], timestamp: 5900), now: 5900)
        retain(log, now: 6500)
        #expect(log.logStart == 10)
        #expect(try log.keyed().map(\.offset) == [10])
        #expect(try openLog(disk.afterKill(), rules: rules).keyed().map(\.offset) == [10])
    }

    /// Kill and power cut at every step of a pass: the log start never passes what was to be kept.
    @Test func everyStepMayBeTheLast() throws {
        let rules = rules(retention: 1000)
        let prepared = CrashDisk()
        let first = try openLog(prepared, rules: rules)
        for round in Int64(0)..<12 {
            prepared.clock = 5000 + round * 100
            try first.add(
                try keyedBatch([("k", "\(round)")], timestamp: 5000 + round * 100),
                now: 5000 + round * 100)
        }
        for (now, kept) in [(Int64(6550), Int64(6)), (60_000, 12)] {
            var steps = 0
            while true {
                let disk = prepared.afterKill()
                let log = try openLog(disk, rules: rules)
                disk.stepsLeft = steps
                retain(log, now: now)
                let isDone = disk.stepsLeft > 0
                for cut in 0...disk.pendingCount {
                    let after = disk.afterPowerCut(kept: cut)
                    let again = try openLog(after, rules: rules)
                    #expect(again.logStart <= kept && again.logEnd == 12, "step \(steps)")
                    #expect(
                        try again.keyed().map(\.offset) == Array(again.logStart..<12),
                        "step \(steps)")
                }
                if isDone { break }
                steps += 1
            }
            #expect(steps > 3)
        }
    }
}
