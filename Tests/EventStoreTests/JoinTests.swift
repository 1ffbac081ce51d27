import Base
import Model
import Testing
import Wire

@testable import EventStore

/// Small segments become few large ones, and nothing else changes.
@Suite struct JoinTests {
    private let directory: TemporaryDirectory
    private let names = [collection("a"), collection("b"), collection("c")]
    init() throws { directory = try TemporaryDirectory() }

    private func joining(disk: any Disk = LocalDisk()) throws -> EventStore {
        var options = smallPolicy()
        options.mergePolicy.joinCount = 4
        options.mergePolicy.segmentBytes = 1 << 20
        return try EventStore(
            directory: directory.path + "/store", options: options, disk: disk, logger: quiet)
    }

    private var fileCount: Int {
        get throws { try LocalDisk().names(in: directory.path + "/store/segments").count }
    }

    private func fill(
        _ store: EventStore, _ events: inout [PlainEvent], _ random: inout PRNG
    ) throws {
        let added = randomEvents(60, collections: names, random: &random)
        _ = try store.apply(batch(added, from: Int64(events.count)))
        events += added
    }

    @Test func fewFilesStay() throws {
        var random = PRNG(seed: 1)
        var events: [PlainEvent] = []
        var joined = 0
        do {
            let store = try joining()
            for _ in 0..<60 {
                try fill(store, &events, &random)
                while store.hasMergeWork { joined += try store.mergeOnce().joinedSegments }
            }
            #expect(joined > 10)
            #expect(try fileCount < 12)
            try expectEqual(store, events, "joined")
        }
        let store = try joining()
        try expectEqual(store, events, "reopened")
        #expect(try store.verify().segments == fileCount)
    }

    /// A delete that leaves little of a segment gives its room back, once.
    @Test func mostlyDeadSegmentsAreWrittenAnew() throws {
        var options = smallPolicy()
        options.mergePolicy.deadSegmentBytes = 1
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var random = PRNG(seed: 3)
        var events: [PlainEvent] = []
        for _ in 0..<30 { try fill(store, &events, &random) }
        while store.hasMergeWork { _ = try store.mergeOnce() }
        let before = try segmentBytes
        for name in names.dropFirst() {
            let from = store.appliedOffset(ShardID(0))
            _ = try store.apply(control(.deleteCollection, name, from: from))
        }
        events.removeAll { $0.collection != names[0] }
        #expect(try segmentBytes == before)
        #expect(try store.mergeOnce().joinedSegments > 0)
        // What was retired goes at the end of a round.
        _ = try store.mergeOnce()
        #expect(try segmentBytes < before / 2)
        try expectEqual(store, events, "written anew")
        #expect(try store.mergeOnce().isEmpty)
        #expect(try store.verify().segments == fileCount)
    }

    private var segmentBytes: Int {
        get throws {
            let folder = directory.path + "/store/segments"
            return try LocalDisk().names(in: folder).reduce(0) {
                $0 + (try LocalDisk().map(folder + "/" + $1).byteCount)
            }
        }
    }

    /// A reader that began before still finds what its snapshot names.
    @Test func readersKeepWhatTheyBeganWith() throws {
        var random = PRNG(seed: 2)
        var events: [PlainEvent] = []
        let store = try joining()
        for _ in 0..<14 {
            try fill(store, &events, &random)
            while store.hasMergeWork { _ = try store.mergeOnce() }
        }
        let before = events
        var later = events
        let read = try answer(store, names[0]) {
            for _ in 0..<6 {
                try fill(store, &later, &random)
                while store.hasMergeWork { _ = try store.mergeOnce() }
            }
        }
        #expect(read == expected(before, names[0]))
        try expectEqual(store, later, "afterwards")
        _ = try store.mergeOnce()
        #expect(try store.verify().segments == fileCount)
    }

    @Test(arguments: [false, true]) func everyStepMayBeTheLast(beforeTheStep: Bool) throws {
        var random = PRNG(seed: 3)
        var events: [PlainEvent] = []
        var stops = 0
        for step in 0..<60 {
            let disk = StoppingDisk()
            var hasJoined = false
            do {
                let store = try joining(disk: disk)
                try fill(store, &events, &random)
                disk.stop(after: step % 9, beforeTheStep: beforeTheStep)
                while store.hasMergeWork {
                    hasJoined = try store.mergeOnce().joinedSegments > 0 || hasJoined
                }
            } catch { #expect(disk.hasStopped, "\(error)") }
            stops += disk.hasStopped ? 1 : 0
            guard disk.hasStopped else { continue }
            let store = try joining()
            if stops % 5 == 0 { try expectEqual(store, events, "stopped at step \(step)") }
            #expect(try store.verify().damages == [], "stopped at step \(step)")
            #expect(try store.verify().segments == fileCount)
            if stops == 16 { return }
        }
        #expect(stops > 8)
    }

    /// Whatever the sizes, few segments stay and each byte is copied a few times at most.
    @Test(arguments: [1_000, 50_000, 1_000_000, 5_000_000]) func joinsAreBounded(typical: Int) {
        let policy = MergePolicy()
        var random = PRNG(seed: 4)
        var sizes: [Int] = []
        var (written, copied, small) = (0, 0, 0)
        for _ in 0..<6_000 {
            let size = Int.random(in: typical / 2...typical * 2, using: &random)
            written += size
            sizes.append(size)
            while case let chosen = JoinPlanner.choose(sizes, policy: policy), !chosen.isEmpty {
                let sum = chosen.reduce(0) { $0 + sizes[$1] }
                copied += sum
                #expect(sum < policy.segmentBytes * 3 / 2)
                for position in chosen.reversed() { sizes.remove(at: position) }
                sizes.append(sum)
            }
            small = max(small, sizes.count { $0 < policy.segmentBytes / 2 })
        }
        #expect(small <= 64 * 4)
        #expect(copied <= written * 3)
    }
}
