// benchstore: what the storage benchmarks measure of Millrace itself. Each command prints one JSON
// object; Benchmarks/store.py runs it beside the peers.

import ArgumentParser
import Base

@main
struct BenchStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchstore", abstract: "Generates events and measures the event store.",
        subcommands: [Generate.self, Ingest.self, Tiny.self, Open.self, Query.self])
}

/// Writes events to standard output.
struct Generate: ParsableCommand {
    @Option var events = 20_000_000
    @Option var seed: UInt64 = 1
    @Flag(help: "Users are texts instead of numbers.") var textUsers = false

    func run() throws {
        var generator = EventGenerator(count: events, seed: seed, textUsers: textUsers)
        var bytes: [UInt8] = []
        for number in 1...max(events, 1) {
            generator.appendNext(to: &bytes)
            guard bytes.count >= 1 << 20 || number == events else { continue }
            try writeAll(bytes, to: 1)
            bytes.removeAll(keepingCapacity: true)
        }
    }
}

/// Ingests lines of a file as one collection.
struct Ingest: ParsableCommand {
    @Argument(help: "Events, one a line.") var file: String
    @Option(help: "Directory of the store, which must be empty.") var data: String
    @Option(help: "Events of one batch.") var batch = 2000
    @Flag(help: "Every batch survives a power cut by itself.") var sync = false
    @Flag(help: "Nothing is merged.") var fresh = false

    func run() throws {
        keepFreedMemory()
        let run = try IngestRun(directory: data, syncsEveryApply: sync, isFresh: fresh)
        try run.ingest(try LineReader(file), batch: batch)
        print(try run.finish())
    }
}

/// Ingests many collections of few events.
struct Tiny: ParsableCommand {
    @Option(help: "Directory of the store, which must be empty.") var data: String
    @Option var collections = 100_000
    @Option(help: "Events of each.") var events = 10

    func run() throws {
        let run = try IngestRun(directory: data, syncsEveryApply: false)
        try run.ingestTiny(collections: collections, events: events)
        print(try run.finish())
    }
}

/// Asks the queries of the comparison.
struct Query: ParsableCommand {
    @Option(help: "Directory of the store.") var data: String
    @Option var threads = 2
    @Option var turns = 5
    @Option(help: "Bytes of answers that are kept; 0: everything is read every time.")
    var cacheBytes = 0
    @Option(help: "These queries alone.") var only: [String] = []

    func run() throws {
        keepFreedMemory()
        let run = try QueryRun(directory: data, threads: threads, cacheBytes: cacheBytes)
        print(try run.run(turns: turns, only: only))
    }
}

/// Opens a store and says how long it took.
struct Open: ParsableCommand {
    @Option(help: "Directory of the store.") var data: String

    func run() throws { print(try IngestRun.open(directory: data)) }
}
