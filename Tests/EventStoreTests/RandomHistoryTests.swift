import Base
import EventStore
import Foundation
import Model
import Plan
import Testing
import Wire

/// A store lives through a random history of batches, deletes, merges, retention and ends at any
/// step of its writing, and always holds what a plain list of events holds.
@Suite struct RandomHistoryTests {
    /// Set MILLRACE_LONG=fuzz and MILLRACE_SECONDS for a long run, MILLRACE_SEED for another one.
    @Test(.timeLimit(.minutes(60))) func everyHistoryIsThatOfAList() throws {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 400
        let seconds =
            environment["MILLRACE_LONG"] == "fuzz"
            ? environment["MILLRACE_SECONDS"].flatMap { Double($0) } ?? 60 : 0
        let start = ContinuousClock.now
        var seed = first
        repeat {
            var history = try History(seed: seed)
            for _ in 0..<150 { try history.step() }
            try history.finish()
            seed += 1
        } while seed < first + 6 || .now - start < .seconds(seconds)
    }
}

/// One history.
private struct History {
    private let seed: UInt64
    private var random: PRNG
    private let directory: TemporaryDirectory
    private let options: EventStoreOptions
    private var disk = StoppingDisk()
    private var store: EventStore?
    private let collections = ["a", "b", "c"].map(collection)
    /// Events that the store must hold, in the order of the log.
    private var events: [ListedEvent] = []
    /// The next offset of the log.
    private var next: Int64 = 0
    private var clock = 30 * hour
    private var kept: [CollectionID: Int64] = [:]
    private var note = ""

    private struct ListedEvent {
        var event: PlainEvent
        var hasWord = true
        var hasNumber = true

        var text: String {
            let time = Timestamp(milliseconds: event.time).description
            return #"{"keen":{"timestamp":"\#(time)"}"#
                + (hasNumber ? #","number":\#(event.number)"# : "")
                + (hasWord ? #","word":"\#(event.word)"}"# : "}")
        }
    }

    init(seed: UInt64) throws {
        self.seed = seed
        random = PRNG(seed: seed)
        directory = try TemporaryDirectory()
        // No block is small; some are; all of them are.
        var options = smallPolicy()
        options.mergePolicy.smallRows = [0, 6, 1000][Int(seed % 3)]
        options.mergePolicy.smallBlocks = 3
        self.options = options
        store = try open(directory, options: options, disk: disk)
    }

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private func current() throws -> EventStore { try #require(store) }

    mutating func step() throws {
        note = "seed \(seed)"
        switch below(20) {
        case 0..<9: try apply()
        case 9..<13: try merge()
        case 13, 14: try deleteRows()
        case 15: try deleteProperty()
        case 16: try below(3) == 0 ? deleteCollection() : apply()
        case 17: try retain()
        case 18: try stopWithinAMerge()
        default: try reopen()
        }
        // Else deletes wait, over batches and ends, until a merge.
        if below(4) == 0 {
            try current().finishDeletes()
            try check()
        }
    }

    mutating func finish() throws {
        try current().finishDeletes()
        try check()
        try reopen()
        while try current().hasMergeWork { _ = try current().mergeOnce() }
        while try current().mergeOnce().rewrittenBlocks > 0 {}
        note += ", at the end"
        try check()
    }

    // MARK: Steps

    private mutating func apply() throws {
        let count = 1 + below(30)
        let added = randomEvents(count, collections: collections, random: &random)
        let from = next
        let sent = batch(added, from: from)
        #expect(try current().apply(sent) == .applied(next: from + Int64(count)), "\(note)")
        #expect(try current().apply(sent) == .alreadyApplied(next: from + Int64(count)))
        next += Int64(count)
        events += added.map { ListedEvent(event: $0) }
    }

    private mutating func control(_ command: ControlCommand, _ id: CollectionID) throws {
        let sent = EventStoreTests.control(command, id, from: next)
        #expect(try current().accept(sent) == .applied(next: next + 1), "\(note)")
        #expect(try current().accept(sent) == .alreadyApplied(next: next + 1), "\(note)")
        next += 1
        #expect(try current().appliedOffset(ShardID(0)) <= next, "\(note)")
    }

    private mutating func merge() throws { _ = try current().mergeOnce() }

    private mutating func deleteRows() throws {
        let id = collections[below(3)]
        let start = Int64(below(45) - 5) * hour + Int64(below(3))
        let end = start + Int64(1 + below(20)) * hour
        let frame = Timestamp(milliseconds: start)..<Timestamp(milliseconds: end)
        let word = "w\(below(6))"
        let hasFrame = below(3) > 0
        let hasFilter = !hasFrame || below(2) == 0
        let filters =
            hasFilter ? [Filter.compare(try PropertyPath("word"), .equal, .string(word))] : []
        try control(.deleteEvents(timeframe: hasFrame ? frame : nil, filters: filters), id)
        events.removeAll { listed in
            listed.event.collection == id
                && (!hasFrame || frame.contains(Timestamp(milliseconds: listed.event.time)))
                && (!hasFilter || listed.hasWord && listed.event.word == word)
        }
    }

    private mutating func deleteProperty() throws {
        let id = collections[below(3)]
        let isWord = below(2) == 0
        try control(.deleteProperty(try PropertyPath(isWord ? "word" : "number")), id)
        for index in events.indices where events[index].event.collection == id {
            if isWord { events[index].hasWord = false } else { events[index].hasNumber = false }
        }
    }

    private mutating func deleteCollection() throws {
        let id = collections[below(3)]
        try control(.deleteCollection, id)
        events.removeAll { $0.event.collection == id }
    }

    private mutating func retain() throws {
        let id = collections[below(3)]
        let hours = below(4) == 0 ? nil : Int64(10 + below(40))
        try control(.keep(milliseconds: hours.map { $0 * hour }), id)
        kept[id] = hours
        clock += Int64(below(2 * Int(hour)))
        try current().applyRetention(now: Timestamp(milliseconds: clock))
        for (id, hours) in kept {
            let limit = (clock - hours * hour).floorDivided(by: hour) * hour
            events.removeAll { $0.event.collection == id && $0.event.time < limit }
        }
    }

    /// The process ends at a step of the disk; what it leaves is opened again.
    private mutating func stopWithinAMerge() throws {
        disk.stop(after: below(5), beforeTheStep: below(2) == 0)
        do {
            for _ in 0..<3 { _ = try current().mergeOnce() }
        } catch { #expect(error is EventStoreError) }
        try reopen()
    }

    private mutating func reopen() throws {
        if below(2) == 0, !disk.hasStopped { try store?.close() }
        store = nil
        disk = StoppingDisk()
        store = try open(directory, options: options, disk: disk)
    }

    // MARK: Comparison

    private func check() throws {
        let store = try current()
        #expect(store.appliedOffset(ShardID(0)) == next, "\(note)")
        for id in collections {
            let mine = events.filter { $0.event.collection == id }
            let wanted = mine.enumerated()
                .sorted { ($0.element.event.time, $0.offset) > ($1.element.event.time, $1.offset) }
                .map(\.element.text)
            let plan = ExtractionPlan(collection: id, limit: 100_000)
            let found = try store.extract(plan, shards: [ShardID(0)]) {}.events
                .map { String(decoding: $0.json, as: UTF8.self) }
            #expect(found == wanted, "\(note)")
            #expect(try rollupCounts(store, id)[0] ?? 0 == Int64(mine.count), "\(note)")
            let schema = try store.schema(project: id.project, collection: id.collection)
            #expect(schema.first?.eventCount ?? 0 == Int64(mine.count), "\(note)")
            let paths = Set(schema.flatMap(\.properties).map(\.path.text))
            if mine.contains(where: \.hasWord) { #expect(paths.contains("word"), "\(note)") }
            if mine.contains(where: \.hasNumber) { #expect(paths.contains("number"), "\(note)") }
            let frame = Timestamp(milliseconds: 3 * hour + 7)..<Timestamp(milliseconds: 21 * hour)
            let words = try answer(store, id, timeframe: frame)
            let plain = mine.filter { frame.contains(Timestamp(milliseconds: $0.event.time)) }
            let counted = Dictionary(
                plain.filter(\.hasWord).map { ($0.event.word, Int64(1)) }, uniquingKeysWith: +)
            #expect(words.words == counted, "\(note)")
        }
        #expect(try store.verify().damages == [], "\(note)")
    }
}
