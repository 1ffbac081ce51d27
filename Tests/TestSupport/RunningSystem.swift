// The real executables, started by `millrace up` in a directory of their own, as a user would.

public import Foundation
import Glibc

/// endpoints.json as a script outside the project reads it.
public struct SystemEndpoints: Decodable, Sendable {
    public struct Project: Decodable, Sendable {
        public var id: String
        public var masterKey: String
        public var writeKey: String
        public var readKey: String
    }
    public var api: String
    public var collectors: [String]
    public var queries: [String]
    public var lag: String
    public var log: [String]
    public var stores: [String]
    public var project: Project
    public var pids: [String: [Int32]]
    /// Where each process serves /metrics and its own pages.
    public var admin: [String: [String]]

    /// Reads `master_key` as `masterKey`.
    public static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}

/// A running system on a temporary data directory, ended by `stop`.
public final class RunningSystem: @unchecked Sendable {
    // The process object is only touched by the test that owns this system.
    public let directory: String
    private var process: Process

    /// The project's root, from this file's own place.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Where the executables under test are; MILLRACE_EXECUTABLES chooses others than the debug
    /// ones.
    public static let executables =
        ProcessInfo.processInfo.environment["MILLRACE_EXECUTABLES"]
        ?? root.appending(path: ".build/debug").path

    public static func temporaryDirectory() throws -> String {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "millrace-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url.path
    }

    /// Starts `millrace up` and waits until it has written its endpoints.
    public init(
        directory: String? = nil, arguments: [String] = [], environment: [String: String] = [:]
    ) async throws {
        self.directory = try directory ?? Self.temporaryDirectory()
        process = try Self.launch(self.directory, arguments, environment)
        try await waitForEndpoints()
    }

    private static func launch(
        _ directory: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.executableURL = URL(filePath: "\(executables)/millrace")
        process.arguments = ["up", "--data", directory] + arguments
        let log = "\(directory)/up.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log)
        process.standardOutput = process.standardError
        try process.run()
        return process
    }

    private func waitForEndpoints() async throws {
        let end = ContinuousClock.now + .seconds(90)
        while ContinuousClock.now < end {
            if FileManager.default.fileExists(atPath: "\(directory)/endpoints.json") { return }
            guard process.isRunning else { throw SystemFailure(log: upLog) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SystemFailure(log: upLog)
    }

    /// What `millrace up` printed.
    public var upLog: String {
        (try? String(contentsOfFile: "\(directory)/up.log", encoding: .utf8)) ?? ""
    }

    /// The endpoints as they are now; process ids change when a process is started again.
    public func endpoints() throws -> SystemEndpoints {
        let data = try Data(contentsOf: URL(filePath: "\(directory)/endpoints.json"))
        return try SystemEndpoints.decoder.decode(SystemEndpoints.self, from: data)
    }

    /// kill -9 of the first process of that kind; returns the id it had.
    @discardableResult
    public func kill(_ kind: String) throws -> Int32 {
        guard let pid = try endpoints().pids[kind]?.first, pid > 1 else {
            throw SystemFailure(log: "no process of kind \(kind)")
        }
        Glibc.kill(pid, SIGKILL)
        return pid
    }

    /// Stops a process without its knowing, as a machine that swaps or a paused container does;
    /// returns what lets it go on.
    public func freeze(_ kind: String, _ index: Int = 0) throws -> @Sendable () -> Void {
        guard let pids = try endpoints().pids[kind], index < pids.count, pids[index] > 1 else {
            throw SystemFailure(log: "no process \(index) of kind \(kind)")
        }
        let pid = pids[index]
        Glibc.kill(pid, SIGSTOP)
        return { Glibc.kill(pid, SIGCONT) }
    }

    /// A number that a process shows at /metrics, or nil. `series` is its name with its labels.
    public func metric(_ series: String, of kind: String, _ index: Int = 0) throws -> Double? {
        let address = try endpoints().admin[kind]?[index] ?? ""
        let text = try SocketClient(port: address.port).request("GET", "/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    /// kill -9 of `millrace up` itself.
    public func killSupervisor() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Starts again on the same directory after the supervisor is gone.
    public func startAgain(arguments: [String] = []) async throws {
        try? FileManager.default.removeItem(atPath: "\(directory)/endpoints.json")
        process = try Self.launch(directory, arguments)
        try await waitForEndpoints()
    }

    /// SIGTERM and wait; the exit status.
    @discardableResult
    public func stop() -> Int32 {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Stops and removes the data directory.
    public func discard() {
        stop()
        try? FileManager.default.removeItem(atPath: directory)
    }
}

/// The system did not come up, or not as the test needs it.
public struct SystemFailure: Error, CustomStringConvertible {
    public var log: String
    public var description: String { "the system is not as the test needs it:\n\(log)" }
}

extension String {
    /// The port at the end of `http://host:port` or `host:port`.
    public var port: UInt16 { split(separator: ":").last.flatMap { UInt16($0) } ?? 0 }
}
