// millrace-log inspect and check: looking at a stopped server's directory.

import ArgumentParser
import Base
import LogServer

/// Prints what a directory holds.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the topics, partitions, segments and batches of a stopped server.",
        discussion: """
            Every batch's checksum is verified. Exits 0 when all that was printed is sound, 1 when \
            something is damaged, 69 when a server uses the directory.
            """)

    @Argument(help: "The data directory.")
    var directory: String
    @Option(help: "Only this topic.")
    var topic: String?
    @Option(help: "Only this partition of each topic.")
    var partition: Int?
    @Flag(help: "Nothing below segments.")
    var brief = false
    @Flag(help: "Records too.")
    var records = false

    func run() throws {
        var options = DumpOptions()
        (options.topic, options.partition) = (topic, partition)
        (options.isBrief, options.showsRecords) = (brief, records)
        let isSound = try withOfflineLog(directory) { try $0.dump(options) { print($0) } }
        guard isSound else { throw ExitCode(1) }
    }
}

/// Verifies a directory.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify every byte of a stopped server's directory.",
        discussion: """
            Prints one line for everything that is wrong. Exits 0 when all is sound, 1 when not, \
            69 when a server uses the directory.
            """)

    @Argument(help: "The data directory.")
    var directory: String
    @Flag(help: "Give up records that are damaged, so that consumers go on behind them.")
    var acceptLoss = false

    func run() throws {
        let faults = try withOfflineLog(directory) { log in
            if acceptLoss { for loss in try log.acceptLoss() { print(loss) } }
            return log.check()
        }
        for fault in faults { print(fault) }
        guard faults.isEmpty else { throw ExitCode(1) }
        print("all is sound")
    }
}

/// A directory that cannot be looked at ends the process with the status of the reason.
private func withOfflineLog<Result>(
    _ directory: String, _ body: (OfflineLog) throws -> Result
) throws -> Result {
    do {
        return try body(OfflineLog(directory: directory))
    } catch let error as LogStorageError {
        switch error.code {
        case .damaged, .newerFormat: fatal(.damagedData, error.message)
        case .disk: fatal(.disk, error.message)
        case .locked: fatal(.unavailable, error.message)
        }
    } catch let error as DiskError { fatal(.disk, error.description) }
}
