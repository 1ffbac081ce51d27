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

    @Test func everyChangedByteOfASegmentIsFoundOrHarmless() throws {
        let path = try sealed()
        let clean = try #require(try LocalDisk().read(path))
        let truth = try answer(open(directory), name)
        for offset in stride(from: 0, to: clean.count, by: 37) {
            try change(path) { $0[offset] ^= 0x10 }
            let store = try open(directory)
            let report = try store.verify()
            if let read = try? answer(store, name) {
                #expect(read == truth, "byte \(offset)")
            } else {
                #expect(report.damages.contains { $0.contains(".segment") }, "byte \(offset)")
            }
            #expect(try answer(store, whole).count == 1)
            try change(path) { $0 = clean }
        }
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
