// The built executable as a process of its own, for tests that kill it or look at its memory.

import Foundation
import Glibc
import KafkaWire
import TestSupport

/// A running millrace-log.
final class LogProcess: @unchecked Sendable {
    // Used by the one test that owns it.
    private let process = Process()
    private let log: String
    private let logBegin: UInt64

    init(directory: String, port: UInt16, fsync: String = "always") throws {
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-log")
        process.arguments = [
            "--log-server-data", "\(directory)/data", "--log-server-listen", "127.0.0.1:\(port)",
            "--log-server-segment-bytes", "1048576", "--log-server-fsync", fsync,
        ]
        let log = "\(directory)/log.txt"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let handle = FileHandle(forWritingAtPath: log)
        self.log = log
        logBegin = try handle?.seekToEnd() ?? 0
        process.standardError = handle
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    /// Whether it has said anything yet.
    var hasBegun: Bool { (FileHandle(forReadingAtPath: log)?.seekToEndOfFile() ?? 0) > logBegin }

    /// Bytes of memory that it occupies.
    var residentBytes: Int {
        let path = "/proc/\(process.processIdentifier)/status"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM; the exit status.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// A port that was free a moment ago.
    static func freePort() async throws -> UInt16 {
        let server = try await RunningServer()
        await server.stop()
        return server.port
    }

    /// Whether a server on that port answers, and has the topic.
    static func serves(_ port: UInt16, topic: String) -> Bool {
        guard let client = try? KafkaTestClient(port: port) else { return false }
        return (try? client.metadata([topic]).topics.first?.partitions.count) ?? 0 > 0
    }
}
