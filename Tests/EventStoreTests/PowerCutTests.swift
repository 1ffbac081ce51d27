import Base
import EventStore
import Foundation
import Model
import Testing

/// A power cut takes away what was not synced: any part of the row store's log behind the last
/// sync. What is left is the store as it was after some batch, offset and events together.
@Suite struct PowerCutTests {
    private let directory: TemporaryDirectory
    private let names = [collection("a"), collection("b")]
    init() throws { directory = try TemporaryDirectory() }

    /// How the end of the log looks afterwards.
    enum Ending: CaseIterable {
        case cut, zeros, garbage
    }

    @Test(arguments: Ending.allCases)
    func whatWasNotSyncedIsLostWhole(ending: Ending) throws {
        let seed: UInt64 = 51
        var random = PRNG(seed: seed)
        var options = smallPolicy()
        options.mergePolicy.smallBlocks = 2
        let store = try open(directory, options: options)
        var events: [PlainEvent] = []
        var offsets = [0]
        func apply() throws {
            let count = Int.random(in: 1...20, using: &random)
            let added = randomEvents(count, collections: names, random: &random)
            _ = try store.apply(batch(added, from: Int64(events.count)))
            events += added
            offsets.append(events.count)
        }
        while events.count < 1500 {
            try apply()
            if random.next() % 4 == 0 { _ = try store.mergeOnce() }
        }
        // The batch of a seal is synced, and with it what came before.
        var sealed = MergeReport()
        repeat {
            try apply()
            sealed = try store.mergeOnce()
        } while sealed.segments == 0 || store.freshRowCount > 40
        let (synced, syncedEvents) = (try logSize(directory.path), events.count)
        // Behind it also merges of fresh blocks, which are not synced.
        var compacted = 0
        for _ in 0..<14 {
            try apply()
            guard store.freshRowCount < 90 else { continue }
            compacted += try store.mergeOnce().compactedBlocks
        }
        #expect(compacted > 0)
        let end = try logSize(directory.path)
        #expect(end > synced)
        for round in 0..<12 {
            let size = round == 0 ? synced : Int.random(in: synced...end, using: &random)
            let copy = try TemporaryDirectory()
            try FileManager.default.copyItem(
                atPath: directory.path + "/store", toPath: copy.path + "/store")
            try change(copy.path, keeping: size, ending, &random)
            let reopened = try open(copy)
            let applied = Int(reopened.appliedOffset(ShardID(0)))
            let note = "seed \(seed), \(size) of \(synced) to \(end), \(applied) events"
            #expect(offsets.contains(applied) && applied >= syncedEvents, "\(note)")
            try expectEqual(reopened, Array(events[..<applied]), "\(note)")
            // The worker goes on where the store stands.
            _ = try reopened.apply(batch(Array(events[applied...]), from: Int64(applied)))
            while reopened.hasMergeWork { _ = try reopened.mergeOnce() }
            try expectEqual(reopened, events, "\(note), replayed")
        }
    }

    private func logPath(_ path: String) throws -> String {
        let names = try LocalDisk().names(in: path + "/store/rows")
        let logs = names.filter { $0.hasSuffix(".log") }
        return path + "/store/rows/" + (try #require(logs.max()))
    }

    private func logSize(_ path: String) throws -> Int {
        try #require(try LocalDisk().read(logPath(path))).count
    }

    private func change(
        _ path: String, keeping size: Int, _ ending: Ending, _ random: inout PRNG
    ) throws {
        let log = try logPath(path)
        var bytes = try #require(try LocalDisk().read(log))
        switch ending {
        case .cut: bytes.removeLast(bytes.count - size)
        case .zeros: for index in size..<bytes.count { bytes[index] = 0 }
        case .garbage:
            for index in size..<min(bytes.count, size + 4096) {
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        try Data(bytes).write(to: URL(filePath: log))
    }
}
