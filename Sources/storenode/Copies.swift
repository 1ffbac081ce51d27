// The commands that carry data between stores; no node may be running on them.

import ArgumentParser
import Base
import EventStore
import Logging
import Model

/// Writes one shard into a directory.
struct ExportShard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write everything of one shard into a directory; the node must not be running.")

    @Option(help: "Directory of the data.")
    var data: String
    @Option(help: "Number of the shard.")
    var shard: Int32
    @Argument(help: "Directory to write, new or empty.")
    var target: String

    func run() throws {
        let store = try openExisting(data)
        try orEnd { try store.exportShard(ShardID(shard), to: target) }
        print(
            "shard \(shard) up to offset \(store.appliedOffset(ShardID(shard))) is in '\(target)'")
    }
}

/// Takes an exported shard into a store.
struct ImportShard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take an exported shard into a store that has nothing of it; the node must not "
            + "be running.")

    @Option(help: "Directory of the data; made if it is not there.")
    var data: String
    @Argument(help: "Directory of the export.")
    var source: String

    func run() throws {
        let logger = Logger(label: "millrace-store")
        let shard = try orEnd {
            try EventStore.importShard(from: source, into: data, logger: logger)
        }
        print("shard \(shard) is in '\(data)'")
    }
}

/// Copies a whole store.
struct Checkpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a copy of a store by hard links; the node must not be running.")

    @Option(help: "Directory of the data.")
    var data: String
    @Argument(help: "Directory of the copy, new or empty, best on the same file system.")
    var target: String

    func run() throws {
        let store = try openExisting(data)
        try orEnd { try store.checkpoint(to: target) }
        print("the copy is in '\(target)'")
    }
}
