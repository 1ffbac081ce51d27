import Catalog
import Foundation
import Glibc
import LogClient
import MockLog
import Model
import TestSupport
import Testing

/// The executable itself: settings, readiness, and an orderly end.
@Suite struct CollectorProcessTests {
    /// A running `millrace-collector`.
    private final class Running {
        let process = Process()
        private let log: String

        init(_ arguments: [String]) throws {
            let directory = try RunningSystem.temporaryDirectory()
            log = "\(directory)/collector.log"
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-collector")
            process.arguments = arguments
            process.standardError = FileHandle(forWritingAtPath: log)
            try process.run()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            try? FileManager.default.removeItem(atPath: (log as NSString).deletingLastPathComponent)
        }

        var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

        /// The port it listens on, once it says so.
        func port() async throws -> UInt16 {
            var found: UInt16?
            await eventually("the collector listens") {
                let line = logText.split(separator: "\n").first { $0.contains("listening") }
                found = line?.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.output.1) }
                return found != nil
            }
            return try #require(found, "\(logText)")
        }
    }

    private func start(_ log: [String]) throws -> Running {
        try Running([
            "--collector-listen", "127.0.0.1:0", "--log-brokers", log.joined(separator: ","),
        ])
    }

    @Test func servesProjectsMadeLaterAndStopsInOrder() async throws {
        let log = MockLog(topics: [MillraceTopics.events: 4, MillraceTopics.catalog: 1])
        let running = try start(log.brokers)
        let port = try await running.port()
        await eventually("the collector is ready") {
            try SocketClient(port: port).request("GET", "/readyz").status == 200
        }
        let project = Project.new(id: nil, name: "later", now: Timestamp(milliseconds: 0))
        let path = "/3.0/projects/\(project.id)/events/c"
        func post() throws -> Answer {
            try SocketClient(port: port).request(
                "POST", path, key: project.writeKey, body: Array(#"{"a":1}"#.utf8))
        }
        #expect(try post().status == 404)
        let writer = try CatalogWriter(
            connection: LogConnection(brokers: log.brokers), logger: quiet)
        try await writer.put(project, timeout: .seconds(10))
        await eventually(within: .seconds(5), "the project works") { try post().status == 201 }
        let metrics = try SocketClient(port: port).request("GET", "/metrics").text
        #expect(metrics.contains(#"ingest_events_total{outcome="accepted"} 1"#), "\(metrics)")
        log.setRoundTrip(broker: 1, milliseconds: 300)
        let slow = try SocketClient(port: port)
        try slow.send(
            Array(
                """
                POST \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: \(project.writeKey)\r\n\
                Content-Length: 2\r\n\r\n{}
                """.utf8))
        await eventually("the event waits") {
            try SocketClient(port: port).request("GET", "/metrics").text
                .contains("ingest_waiting_events 1")
        }
        running.process.terminate()
        #expect(try slow.receiveAnswer().status == 201)
        await eventually("the process has ended") { !running.process.isRunning }
        #expect(running.process.terminationStatus == 0, "\(running.logText)")
    }

    @Test func withoutALogItIsAliveAndNotReady() async throws {
        let running = try start(["127.0.0.1:1"])
        let port = try await running.port()
        #expect(try SocketClient(port: port).request("GET", "/healthz").status == 200)
        #expect(try SocketClient(port: port).request("GET", "/readyz").status == 503)
        let answer = try SocketClient(port: port).request("POST", "/3.0/projects/p/events/c")
        #expect(answer.status == 503)
        #expect(answer.header("retry-after") == "1")
        running.process.terminate()
        await eventually("the process has ended") { !running.process.isRunning }
        #expect(running.process.terminationStatus == 0, "\(running.logText)")
    }

    @Test func wrongSettingsAreNamed() async throws {
        let running = try Running([
            "--collector-listen", "127.0.0.1:0", "--log-brokers", "127.0.0.1:1",
            "--collector-buffer-events", "none",
        ])
        await eventually("the process has ended") { !running.process.isRunning }
        #expect(running.process.terminationStatus == 64)
        #expect(running.logText.contains("collector.buffer_events"), "\(running.logText)")
    }
}
