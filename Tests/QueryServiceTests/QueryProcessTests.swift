import Catalog
import Foundation
import Glibc
import HTTP
import JSON
import LogClient
import Logging
import MockLog
import Model
import TestSupport
import Testing

/// The executable itself: settings, readiness, reads and writes on one port, and an orderly end.
@Suite struct QueryProcessTests {
    /// A running `millrace-query`.
    private final class Running {
        let process = Process()
        private let directory: String

        init(
            log: [String], stores: String, _ more: [String] = [],
            environment: [String: String] = [:]
        ) throws {
            directory = try RunningSystem.temporaryDirectory()
            try Data(TestCluster.secret.utf8).write(to: URL(filePath: "\(directory)/secret"))
            _ = FileManager.default.createFile(atPath: "\(directory)/log", contents: nil)
            process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-query")
            process.arguments =
                [
                    "--query-listen", "127.0.0.1:0", "--store-addresses", stores, "--log-brokers",
                    log.joined(separator: ","), "--cluster-secret-file", "\(directory)/secret",
                ] + more
            process.environment = ProcessInfo.processInfo.environment
                .merging(environment) { $1 }
            process.standardError = FileHandle(forWritingAtPath: "\(directory)/log")
            try process.run()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            try? FileManager.default.removeItem(atPath: directory)
        }

        var logText: String {
            (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? ""
        }

        /// The port it listens on, once it says so.
        func port() async throws -> UInt16 {
            var found: UInt16?
            await eventually("the query server listens") {
                let line = logText.split(separator: "\n").first { $0.contains("listening") }
                found = line?.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.output.1) }
                return found != nil
            }
            return try #require(found, "\(logText)")
        }

        func killNow() async {
            kill(process.processIdentifier, SIGKILL)
            await eventually("the process has been killed") { !process.isRunning }
        }

        /// SIGTERM and the exit status.
        func stop() async -> Int32 {
            process.terminate()
            await eventually("the process has ended") { !process.isRunning }
            return process.isRunning ? -1 : process.terminationStatus
        }
    }

    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func get(_ port: UInt16, _ target: String, key: String? = nil) throws -> Answer {
        try SocketClient(port: port).request("GET", target, key: key)
    }

    @Test func readsAndWritesAndStopsInOrder() async throws {
        let log = MockLog(topics: [MillraceTopics.events: 5, MillraceTopics.catalog: 1])
        try await TestCluster.with { cluster in
            let events = try (0..<10).map {
                try JSONValue(
                    parsing: #"{"n":\#($0),"keen":{"timestamp":"2020-03-31T10:00:00.000Z"}}"#)
            }
            try await cluster.store(events)
            let running = try Running(
                log: log.brokers, stores: cluster.storeAddresses, ["--events-partitions", "3"])
            let port = try await running.port()
            await eventually("it is ready") { try get(port, "/readyz").status == 200 }
            #expect(running.logText.contains("another number of partitions"), "\(running.logText)")

            // The project comes later, and its events are there already.
            let path = TestCluster.projectPath
            #expect(try get(port, "\(path)/queries/count", key: "READ").status == 404)
            let project = Project.new(
                id: try ProjectID(TestCluster.project), name: "later",
                now: Timestamp(milliseconds: 0))
            try await CatalogWriter(
                connection: LogConnection(brokers: log.brokers), logger: quiet
            ).put(project, timeout: .seconds(10))
            let sum = "\(path)/queries/sum?event_collection=orders&target_property=n"
            await eventually(within: .seconds(5), "the project works") {
                try get(port, sum, key: project.readKey).text == #"{"result":45}"#
            }
            let zone = "&timeframe=this_2_days&timezone=Europe/London&interval=daily"
            let daily = try get(port, sum + zone, key: project.readKey)
            #expect(daily.status == 200, "\(daily.text)")
            let schema = try get(port, "\(path)/events/orders", key: project.readKey)
            #expect(schema.text.contains(#""n":"num""#), "\(schema.text)")
            let written = try SocketClient(port: port).request(
                "POST", "\(path)/events/c", key: project.writeKey, body: Array("{}".utf8))
            #expect(written.status == 201, "\(written.text)")
            #expect(try get(port, "/3.0").text.contains("projects_resource_url"))
            let metrics = try get(port, "/metrics").text
            #expect(
                metrics.contains(#"query_requests_total{analysis="sum",outcome="answered"} 2"#),
                "\(metrics)")
            #expect(await running.stop() == 0, "\(running.logText)")
        }
    }

    /// Killed while it makes a file, it makes it at its next start, and hands over the mail.
    @Test func filesOutliveAKill() async throws {
        let log = MockLog(topics: [MillraceTopics.events: 5, MillraceTopics.catalog: 1])
        let directory = try RunningSystem.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let mails = "\(directory)/mails"
        let environment = [
            "MILLRACE_QUERY_FILES": "\(directory)/files",
            "MILLRACE_QUERY_PUBLIC_URL": "http://files.example.test/",
            "MILLRACE_QUERY_MAIL_COMMAND": "/usr/bin/tee -a \(mails)",
        ]
        try await TestCluster.with { cluster in
            try await cluster.store(try Desk.orders())
            let project = Project.new(
                id: try ProjectID(TestCluster.project), name: "shop",
                now: Timestamp(milliseconds: 0))
            try await CatalogWriter(
                connection: LogConnection(brokers: log.brokers), logger: quiet
            ).put(project, timeout: .seconds(10))
            // Of two stores one is away, so the extraction is under way until it is killed.
            let away = cluster.storeAddresses.replacing(/,.*/, with: ",127.0.0.1:1")
            let first = try Running(log: log.brokers, stores: away, environment: environment)
            var port = try await first.port()
            var asked = try get(port, "/healthz")
            await eventually("the extraction is taken on") {
                asked = try get(
                    port,
                    "\(TestCluster.projectPath)/queries/extraction?event_collection=orders"
                        + "&email=ann@example.test&content_type=application/json",
                    key: project.readKey)
                return asked.status == 200
            }
            let url = try #require(
                asked.text.firstMatch(of: /http:[^"]*(\/3\.0\/files\/[0-9a-f]*)/), "\(asked.text)")
            let target = String(url.output.1)
            await eventually("it has begun") {
                try get(port, target).text.contains("running")
            }
            await first.killNow()
            let second = try Running(
                log: log.brokers, stores: cluster.storeAddresses, environment: environment)
            port = try await second.port()
            await eventually("the file is there") { try get(port, target).status == 200 }
            let file = try await cluster.client.send(
                method: .get, url: "http://127.0.0.1:\(port)\(target)", headers: [], body: [],
                timeout: .seconds(10))
            #expect(try JSONValue(parsing: file.body)["result"]?.array?.count == 10)
            await eventually("the mail is there") {
                (try? String(contentsOfFile: mails, encoding: .utf8))?
                    .contains("http://files.example.test\(target)\n") == true
            }
            #expect(await second.stop() == 0, "\(second.logText)")
        }
    }

    @Test func withoutStoresItIsAliveAndNotReady() async throws {
        let log = MockLog(topics: [MillraceTopics.events: 4, MillraceTopics.catalog: 1])
        let running = try Running(log: log.brokers, stores: "127.0.0.1:1")
        let port = try await running.port()
        #expect(try get(port, "/healthz").status == 200)
        await eventually("it says what it waits for") {
            let answer = try get(port, "/readyz")
            return answer.status == 503 && answer.text.contains("store 127.0.0.1:1")
        }
        #expect(await running.stop() == 0, "\(running.logText)")
    }

    @Test(arguments: [
        (["--query-timeout-ms", "soon"], "query.timeout_ms"),
        (["--events-partitions", "0"], "events.partitions"),
        (["--cluster-secret-file", "/nowhere"], "cluster.secret_file"),
        (["--store-addresses", "here"], "store.addresses"),
    ])
    func wrongSettingsAreNamed(arguments: [String], key: String) async throws {
        let running = try Running(log: ["127.0.0.1:1"], stores: "127.0.0.1:1", arguments)
        await eventually("the process has ended") { !running.process.isRunning }
        #expect(running.process.terminationStatus == 64)
        #expect(running.logText.contains(key), "\(running.logText)")
    }
}
