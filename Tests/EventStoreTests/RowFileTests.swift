import Base
import EventStore
import Foundation
import Model
import Testing

/// RocksDB's tables and manifest change or vanish between two runs; PowerCutTests cut its log.
/// Whatever happened to one of them, the store does not open, with an error that says why; or it
/// is as it was after some batch, and the log fills it again; or a query fails. It never answers
/// anything else.
@Suite struct RowFileTests {
    private let names = ["a", "b", "c"].map(collection)

    /// What was applied, and where batches ended.
    private struct World {
        var events: [PlainEvent] = []
        var ends: Set<Int> = [0]
    }

    /// A store that was written to for a while and then stopped, as kill -9 does: logs, some tables
    /// written out and others not, sealed and fresh blocks.
    private func world(_ target: TemporaryDirectory, seed: UInt64) throws -> World {
        var random = PRNG(seed: seed)
        var world = World()
        let directory = try TemporaryDirectory()
        var options = smallPolicy()
        // So little that tables are written out at many moments.
        options.rowStore.memtableBytes = 256 << 10
        for life in 0..<3 {
            let store = try open(directory, options: options)
            for _ in 0..<40 {
                let added = randomEvents(
                    Int.random(in: 1...30, using: &random), collections: names, random: &random)
                _ = try store.apply(batch(added, from: Int64(world.events.count)))
                world.events += added
                world.ends.insert(world.events.count)
                if random.next() % 8 == 0 { _ = try store.mergeOnce() }
            }
            if life == 1 { try store.close() }
        }
        // Not closed the last time: its log has what is in no table yet.
        try FileManager.default.copyItem(
            atPath: directory.path + "/store", toPath: target.path + "/store")
        return world
    }

    private enum Outcome: Hashable { case refused, failed, whole, earlier }

    /// Opens what is left, and asks and fills it.
    private func outcome(of copy: TemporaryDirectory, _ world: World, _ note: String) -> Outcome {
        do {
            let store = try open(copy)
            let applied = Int(store.appliedOffset(ShardID(0)))
            #expect(world.ends.contains(applied), "\(note): stands at \(applied)")
            guard world.ends.contains(applied) else { return .failed }
            let before = Array(world.events[..<applied])
            var hasFailed = false
            for name in names {
                do {
                    let read = try answer(store, name)
                    #expect(read == expected(before, name), "\(note)")
                    #expect(try rollupCounts(store, name)[0] ?? 0 == read.count, "\(note)")
                } catch let error as EventStoreError {
                    #expect([.damaged, .disk].contains(error.code), "\(note): \(error)")
                    hasFailed = true
                }
            }
            guard !hasFailed else { return .failed }
            if applied < world.events.count {
                let rest = Array(world.events[applied...])
                _ = try store.apply(batch(rest, from: Int64(applied)))
            }
            while store.hasMergeWork { _ = try store.mergeOnce() }
            // A damaged part that nobody has needed so far is found here.
            guard try store.verify().damages.isEmpty else { return .failed }
            for name in names {
                let read = try answer(store, name)
                #expect(read == expected(world.events, name), "\(note), filled again")
            }
            return applied < world.events.count ? .earlier : .whole
        } catch let error as EventStoreError {
            #expect([.damaged, .disk].contains(error.code), "\(note): \(error)")
            #expect(error.message.count > 20, "\(note): \(error)")
            return .refused
        } catch {
            Issue.record("\(note): \(error)")
            return .failed
        }
    }

    enum Damage: CaseIterable { case bit, byte, cut, zeros, emptied, removed }

    private func change(_ path: String, _ damage: Damage, _ random: inout PRNG) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
        switch damage {
        case .bit where !bytes.isEmpty:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case .byte where !bytes.isEmpty: bytes[place] &+= 101
        case .bit, .byte: break
        case .cut: bytes.removeLast(bytes.count - place)
        case .zeros:
            let zeros = repeatElement(0 as UInt8, count: bytes.count - place)
            bytes.replaceSubrange(place..., with: zeros)
        case .emptied: bytes = []
        case .removed: return try FileManager.default.removeItem(atPath: path)
        }
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// Which files a test damages.
    enum Kind: String, CaseIterable {
        case table = ".sst"
        case manifest = "MANIFEST"
        case current = "CURRENT"
        case other = ""
    }

    private func files(_ directory: TemporaryDirectory, _ kind: Kind) throws -> [String] {
        try LocalDisk().names(in: directory.path + "/store/rows").filter { name in
            switch kind {
            case .table: name.hasSuffix(kind.rawValue)
            case .manifest, .current: name.hasPrefix(kind.rawValue)
            case .other: name.hasPrefix("OPTIONS") || name.hasPrefix("IDENTITY")
            }
        }.sorted()
    }

    @Test(arguments: Kind.allCases) func noDamageIsAnswered(kind: Kind) throws {
        let seed: UInt64 = 70
        var random = PRNG(seed: seed)
        let directory = try TemporaryDirectory()
        let world = try world(directory, seed: seed)
        let candidates = try files(directory, kind)
        try #require(!candidates.isEmpty)
        var outcomes: [Outcome: Int] = [:]
        for round in 0..<24 {
            let copy = try TemporaryDirectory()
            try FileManager.default.copyItem(
                atPath: directory.path + "/store", toPath: copy.path + "/store")
            let damage = Damage.allCases[round % Damage.allCases.count]
            let name = try #require(candidates.randomElement(using: &random))
            try change(copy.path + "/store/rows/" + name, damage, &random)
            let note = "seed \(seed), round \(round): \(damage) of \(name)"
            outcomes[outcome(of: copy, world, note), default: 0] += 1
        }
        // What is not damage to data goes on; the rest is noticed.
        switch kind {
        case .other: #expect(outcomes[.whole] == 24)
        case .current: #expect(outcomes[.refused, default: 0] > 16)
        case .manifest, .table:
            #expect(outcomes[.refused, default: 0] + outcomes[.failed, default: 0] > 4)
        }
    }
}
