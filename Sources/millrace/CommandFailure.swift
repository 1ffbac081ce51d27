// From errors to one line on standard error and an exit status.

import ArgumentParser
import Base
import Foundation
import Import
import LogClient
import Logging
import Runtime
import Supervisor

/// A command could not do what was asked.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    /// The exit status; docs/operations.md lists them.
    let status: Int32

    init(_ description: String, status: Int32 = 1) {
        self.description = description
        self.status = status
    }

    /// The command line is wrong.
    static func usage(_ description: String) -> CommandFailure {
        CommandFailure(description, status: FatalReason.usage.rawValue)
    }
}

/// Runs a command. An error becomes one line on standard error and the status that it deserves.
func runCommand(_ body: () async throws -> Void) async throws {
    LoggingSystem.bootstrap { LineLogHandler(label: $0, level: .warning, isJSON: false) }
    do { try await body() } catch {
        let status =
            switch error {
            case let failure as CommandFailure: failure.status
            case let failure as SupervisorError: failure.reason.rawValue
            case is CocoaError: FatalReason.disk.rawValue
            default: Int32(1)
            }
        writeError("millrace: \((error as? CocoaError)?.inWords ?? "\(error)")\n")
        throw ExitCode(status)
    }
}

/// Runs what asks the log. That it does not answer is said with its address.
func askingLog<Answer>(
    _ brokers: [String], _ body: () async throws -> Answer
) async throws -> Answer {
    do { return try await body() } catch let error as LogError {
        throw CommandFailure(
            "the log at \(brokers.joined(separator: ",")): \(error)",
            status: FatalReason.unavailable.rawValue)
    }
}

extension CocoaError {
    /// Which file, and what about it: in one line.
    fileprivate var inWords: String {
        let reason = (underlying as? POSIXError)?.localizedDescription ?? localizedDescription
        return (filePath.map { "\($0): " } ?? "") + reason
    }
}

/// Text for people, on standard error. If nobody reads it there is nobody to tell.
func writeError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
}

/// Command output, at once: `print` keeps it back where standard output is no terminal.
func writeOutput(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
}
