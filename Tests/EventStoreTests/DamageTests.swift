import Base
import EventStore
import Foundation
import Logging
import Model
import Plan
import Testing

/// Damage on the disk is an error that says where, and never an answer.
@Suite struct DamageTests {
    private let directory: TemporaryDirectory
    private let name = collection("a")
    private let whole = collection("whole")
    init() throws { directory = try TemporaryDirectory() }

    private func sealed() throws -> String {
        let store = try open(directory)
        var random = PRNG(seed: 3)
        let events = randomEvents(150, collections: [name], random: &random)
        _ = try store.apply(batch(events, from: 0))
        _ = try store.mergeOnce()
        let event = PlainEvent(collection: whole, time: 0, number: 1, word: "w")
        _ = try store.apply(batch([event], from: 150))
        let segments = directory.path + "/store/segments/"
        let files = try LocalDisk().names(in: segments)
        #expect(files.count == 1)
        return segments + (files.first ?? "")
    }

    private func change(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = try #require(try LocalDisk().read(path))
        body(&bytes)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// A bit of every byte, and every bit of the bytes at both ends: verify finds each, and reads
    /// answer the truth or say which events they cannot read.
    @Test func everyChangedByteOfASegmentIsFoundAndNeverAnswered() throws {
        let seed: UInt64 = 9
        var random = PRNG(seed: seed)
        let path = try sealed()
        let clean = try #require(try LocalDisk().read(path))
        let store = try open(directory)
        let truth = try answer(store, name)
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        func write(_ byte: UInt8, at offset: Int) throws {
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: [byte])
        }
        for offset in clean.indices {
            let isEnd = offset < 64 || offset >= clean.count - 32
            let bits = isEnd ? Array(0..<8) : [Int.random(in: 0..<8, using: &random)]
            for bit in bits {
                // In place: the store has the file mapped.
                try write(clean[offset] ^ 1 << bit, at: offset)
                let damages = try store.verify().damages
                #expect(
                    damages.contains { $0.contains(".segment") },
                    "seed \(seed), byte \(offset), bit \(bit)")
                do {
                    #expect(try answer(store, name) == truth, "seed \(seed), byte \(offset)")
                } catch let error as EventStoreError {
                    #expect(error.code == .damaged)
                    #expect(
                        error.message.hasPrefix("the events of p/a in shard 0 from "), "\(error)")
                    #expect(error.message.contains(path), "\(error)")
                }
            }
            try write(clean[offset], at: offset)
        }
        #expect(try answer(store, whole).count == 1)
        #expect(try store.verify().damages == [])
    }

    /// One property of one block is unreadable; nothing else is.
    @Test func otherColumnsAndCollectionsGoOn() throws {
        let path = try sealed()
        try change(path) { bytes in
            // Texts like "w3" are in the chunk of `word` only, one after the other.
            let place = bytes.indices.dropLast(4).first { place in
                bytes[place] == UInt8(ascii: "w") && bytes[place + 2] == UInt8(ascii: "w")
            }
            if let place { bytes[place] ^= 1 }
        }
        let store = try open(directory)
        let error = #expect(throws: EventStoreError.self) { try answer(store, name) }
        #expect(error?.message.contains("column 'word'") == true, "\(error?.message ?? "")")
        var plan = ExtractionPlan(collection: name, limit: 1000)
        plan.properties = [try PropertyPath("number")]
        #expect(try store.extract(plan, shards: [ShardID(0)]) {}.events.count == 150)
        #expect(try answer(store, whole).count == 1)
        #expect(try store.verify().damages.count == 1)
    }

    @Test func aCutOrMissingSegmentIsAnErrorWithItsName() throws {
        let path = try sealed()
        for count in [0, 10, 5000] {
            try change(path) { $0 = Array($0.prefix(count)) }
            let store = try open(directory)
            let error = #expect(throws: EventStoreError.self) { try answer(store, name) }
            #expect(error?.message.contains(path) == true)
            #expect(try answer(store, whole).count == 1)
        }
        try LocalDisk().remove(path)
        let store = try open(directory)
        let error = #expect(throws: EventStoreError.self) { try answer(store, name) }
        #expect(error?.message.contains(path) == true)
        #expect(try rollupCounts(store, name)[0] == 150)
    }

    @Test func aSecondOpenerIsRefused() throws {
        let store = try open(directory)
        let error = #expect(throws: EventStoreError.self) { try open(directory) }
        #expect(error?.code == .locked)
        withExtendedLifetime(store) {}
    }

    @Test func aNewerFormatIsRefused() throws {
        _ = try open(directory)
        try change(directory.path + "/store/FORMAT") { $0 = Array("millrace-store 2\n".utf8) }
        let error = #expect(throws: EventStoreError.self) { try open(directory) }
        #expect(error?.code == .newerFormat)
    }

    @Test func aScanStopsWhenItsCallerDoes() throws {
        struct Stopped: Error {}
        _ = try sealed()
        let store = try open(directory)
        #expect(throws: Stopped.self) {
            try store.scan(
                .init(collection: name, aggregates: []), shards: [ShardID(0)]
            ) { throw Stopped() }
        }
    }
}
