// One of the executables as a script would run it.

import Foundation
import TestSupport

enum Tool {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs an executable to its end. `environment` is added to the test's own.
    static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Result {
        let (process, output) = make(name, arguments, environment)
        let errors = FileManager.default.temporaryDirectory
            .appending(path: "millrace-test-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    /// Starts an executable; what it prints is in the pipe.
    static func start(_ name: String, _ arguments: [String]) throws -> (Process, Pipe) {
        let (process, output) = make(name, arguments, [:])
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, output)
    }

    private static func make(
        _ name: String, _ arguments: [String], _ environment: [String: String]
    ) -> (Process, Pipe) {
        let process = Process()
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/\(name)")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        return (process, output)
    }
}
