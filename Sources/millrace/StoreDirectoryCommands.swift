// The commands of `millrace store` that work on a directory: millrace-store does them, in the place
// of this process.

import ArgumentParser
import Base
import Glibc

struct StoreVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every stored value and check it; the node must not be running.")

    @Argument(help: "Directory of the node's data.")
    var directory: String

    func run() throws { try becomeStore(["verify", "--data", directory]) }
}

struct StoreExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write everything of one shard into a directory; the node must not be running.")

    @Argument(help: "Directory of the node's data.")
    var directory: String
    @Argument(help: "Number of the shard.")
    var shard: Int32
    @Argument(help: "Directory to write, new or empty.")
    var target: String

    func run() throws {
        try becomeStore(["export", "--data", directory, "--shard", "\(shard)", "--", target])
    }
}

struct StoreImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take an exported shard into a store that has nothing of it; the node must not "
            + "be running.")

    @Argument(help: "Directory of the node's data; made if it is not there.")
    var directory: String
    @Argument(help: "Directory of the export.")
    var source: String

    func run() throws { try becomeStore(["import", "--data", directory, "--", source]) }
}

/// Runs millrace-store, which stands beside this executable, in the place of this process.
private func becomeStore(_ arguments: [String]) throws {
    let path = "\(Places.executables)/millrace-store"
    var pointers = ([path] + arguments).map { strdup($0) } + [nil]
    execv(path, &pointers)
    let reason = String(cString: strerror(errno))
    writeError("millrace: \(path): \(reason)\n")
    throw ExitCode(FatalReason.unavailable.rawValue)
}
