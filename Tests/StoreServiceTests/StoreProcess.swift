// The real millrace-store on a directory of its own, started again and again by one test.

import Base
import Crypto
import EventLoop
import Foundation
import Glibc
import Logging
import RPC
import TestSupport
import Testing

/// A running store and a client of it. Only the test that made it uses it.
final class StoreProcess {
    static let secret = "a secret of the test cluster"
    let client: StoreClient
    private let process = Process()
    private let group: EventLoopGroup

    /// Starts the store and waits until it listens.
    init(data: String, files: String) async throws {
        let log = "\(files)/store.log"
        let secretFile = "\(files)/secret"
        try Data(Self.secret.utf8).write(to: URL(filePath: secretFile))
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-store")
        process.arguments = [
            "--store-listen", "127.0.0.1:0", "--store-data", data, "--admin-listen", "127.0.0.1:0",
            "--cluster-secret-file", secretFile,
        ]
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log)
        process.standardOutput = process.standardError
        try process.run()
        var port: UInt16?
        await eventually("the store listens") {
            let text = try String(contentsOfFile: log, encoding: .utf8)
            port = text.firstMatch(of: /listen\.address=\"?127\.0\.0\.1:(\d+)/).flatMap {
                UInt16($0.1)
            }
            return port != nil
        }
        group = try EventLoopGroup(count: 1)
        client = StoreClient(
            RPCClient(
                address: HostPort(host: "127.0.0.1", port: try #require(port)),
                secret: try ClusterSecret(Self.secret), loop: group.next(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// kill -9.
    func kill() async {
        Glibc.kill(process.processIdentifier, SIGKILL)
        await end()
    }

    /// SIGTERM, and the status that the store ends with.
    func stop() async -> Int32 {
        process.terminate()
        await end()
        return process.terminationStatus
    }

    private func end() async {
        process.waitUntilExit()
        await client.client.close()
        await group.shutdown()
    }

    /// The status of `millrace-store verify` and what it printed.
    static func verify(data: String) throws -> (Int32, String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-store")
        process.arguments = ["verify", "--data", data]
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }
}
