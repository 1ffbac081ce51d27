// Compaction against a plain model, at random, and with the machine stopping at every step.

import Base
import Compression
import KafkaWire
import Testing

@testable import LogServer

@Suite struct CompactionPropertyTests {
    /// What the log may hold: the newest of each key must be there, all that is there was written.
    private func check(
        _ log: PartitionLog, against written: [KeyedRecord], _ note: Comment
    ) throws {
        let found = try log.keyed()
        let all = Set(written.map(\.description))
        #expect(found.allSatisfy { all.contains($0.description) }, note)
        #expect(found.map(\.offset) == found.map(\.offset).sorted(), note)
        var newest: [String: KeyedRecord] = [:]
        for record in written { newest[record.key] = record }
        let there = Set(found.map(\.offset))
        for record in newest.values where record.value != nil {
            #expect(there.contains(record.offset), note)
        }
        // What a reader makes of it is what was written.
        let folded = found.reduce(into: [:]) { $0[$1.key] = $1.value }
        #expect(folded == newest.compactMapValues(\.value), note)
        #expect(log.logEnd == Int64(written.count), note)
    }

    private func randomBatch(
        _ random: inout PRNG, at offset: Int, _ written: inout [KeyedRecord]
    ) throws -> CheckedBatch {
        let codec = BatchCodec.allCases.randomElement(using: &random) ?? .none
        var records: [(key: String, value: String?)] = []
        for index in 0..<Int.random(in: 1...5, using: &random) {
            let key = "key \(Int.random(in: 0..<12, using: &random))"
            let isTombstone = Int.random(in: 0..<5, using: &random) == 0
            let length = Int.random(in: 0..<40, using: &random)
            let value =
                isTombstone
                ? nil : "\(offset + index)" + String(repeating: "x", count: length)
            records.append((key, value))
            written.append(KeyedRecord(offset: Int64(offset + index), key: key, value: value))
        }
        return try keyedBatch(records, codec: codec)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func randomPassesEqualTheModel(_ seed: UInt64) throws {
        var random = PRNG(seed: seed)
        var disk = CrashDisk()
        let rules = PartitionRules.compacted(
            segmentBytes: Int.random(in: 200...1500, using: &random),
            tombstones: seed % 2 == 0 ? .max : 0)
        var log = try openLog(disk, rules: rules)
        var written: [KeyedRecord] = []
        for _ in 0..<250 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: try log.closeSegment()
            case 1: _ = try log.compact(mapBytesMax: Int.random(in: 1...2000, using: &random))
            case 2:
                disk = disk.afterKill()
                log = try openLog(disk, rules: rules)
            default: try log.add(try randomBatch(&random, at: written.count, &written))
            }
            try check(log, against: written, "seed \(seed)")
        }
        try log.closeSegment()
        while try log.compact() {}
        let newest = written.reduce(into: [:]) { $0[$1.key] = $1 }
        let expected = newest.values.filter { $0.value != nil || seed % 2 == 0 }
            .sorted { $0.offset < $1.offset }
        #expect(try log.keyed() == expected, "seed \(seed)")
        #expect(try openLog(disk.afterKill(), rules: rules).keyed() == expected, "seed \(seed)")
    }

    /// Kill and power cut at every write, sync, rename and removal of a compaction.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func everyStepMayBeTheLast(_ seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let rules = PartitionRules.compacted(segmentBytes: 400, tombstones: 0)
        let prepared = CrashDisk()
        var written: [KeyedRecord] = []
        let first = try openLog(prepared, rules: rules)
        for _ in 0..<12 { try first.add(try randomBatch(&random, at: written.count, &written)) }
        try first.closeSegment()
        _ = try first.compact()
        for _ in 0..<8 { try first.add(try randomBatch(&random, at: written.count, &written)) }
        try first.closeSegment()
        var steps = 0
        while true {
            let disk = prepared.afterKill()
            let log = try openLog(disk, rules: rules)
            disk.stepsLeft = steps
            let isDone = (try? log.compact()) != nil
            for kept in 0...disk.pendingCount {
                let after = disk.afterPowerCut(kept: kept)
                try checkAfterwards(after, rules, written, "seed \(seed), step \(steps), \(kept)")
            }
            try checkAfterwards(disk.afterKill(), rules, written, "seed \(seed), step \(steps)")
            if isDone { break }
            steps += 1
        }
        #expect(steps > 10)
    }

    private func checkAfterwards(
        _ disk: CrashDisk, _ rules: PartitionRules, _ written: [KeyedRecord], _ note: Comment
    ) throws {
        var log = try openLog(disk, rules: rules)
        #expect(log.leaderEpoch == 0, note)
        try check(log, against: written, note)
        let isClean = disk.paths.allSatisfy { !$0.contains(".cleaned") && !$0.contains(".swap") }
        #expect(isClean, note)
        while try log.compact() {}
        log = try openLog(disk.afterKill(), rules: rules)
        try check(log, against: written, note)
    }
}
