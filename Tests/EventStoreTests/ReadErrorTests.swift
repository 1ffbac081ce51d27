import Base
import EventStore
import Foundation
import Model
import Testing

/// What the disk cannot read is an error, not the end of the process, and passes when the disk does.
@Suite struct ReadErrorTests {
    private let directory: TemporaryDirectory
    private let name = collection("a")
    private let whole = collection("whole")
    init() throws { directory = try TemporaryDirectory() }

    /// Cutting a mapped file makes reads of it fail as a read error does: with SIGBUS.
    @Test func anUnreadableSegmentFailsItsReadersOnly() throws {
        var options = smallPolicy()
        // What is known of a block needs no disk, so nothing is to be known here.
        options.answerCacheBytesMax = 0
        let store = try EventStore(
            directory: directory.path + "/store", options: options, logger: quiet)
        var random = PRNG(seed: 3)
        let events = randomEvents(150, collections: [name], random: &random)
        _ = try store.apply(batch(events, from: 0))
        _ = try store.mergeOnce()
        let event = PlainEvent(collection: whole, time: 0, number: 1, word: "w")
        _ = try store.apply(batch([event], from: 150))
        try expectEqual(store, events + [event], "before")
        let segments = directory.path + "/store/segments/"
        let path = segments + (try #require(try LocalDisk().names(in: segments).first))
        let clean = try #require(try LocalDisk().read(path))
        for round in 0..<3 {
            let file = try FileHandle(forUpdating: URL(filePath: path))
            try file.truncate(atOffset: round == 1 ? 100 : 0)
            let error = #expect(throws: EventStoreError.self) { try answer(store, name) }
            #expect(error?.code != .badBatch && error?.message.contains(path) == true)
            if round == 0 { #expect(error?.code == .disk) }
            #expect(try answer(store, whole).count == 1)
            #expect(try !store.verify().damages.isEmpty)
            // The disk works again.
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data(clean))
            try file.close()
            try expectEqual(store, events + [event], "recovered, round \(round)")
        }
    }
}
