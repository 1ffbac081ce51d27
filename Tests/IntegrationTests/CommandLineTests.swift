// The executables' command lines: what is wrong is said in one line, with the status for it.

import Foundation
import TestSupport
import Testing

private let everyExecutable = [
    "millrace", "millrace-collector", "millrace-log", "millrace-worker", "millrace-store",
    "millrace-query", "millrace-lag",
]

@Suite(.timeLimit(.minutes(3))) struct CommandLineTests {
    @Test(arguments: everyExecutable) func helpAndVersion(name: String) throws {
        let help = try Tool.run(name, ["--help"])
        #expect(help.status == 0 && help.output.contains("USAGE: \(name)"))
        let version = try Tool.run(name, ["--version"])
        #expect(version.status == 0 && version.output.split(separator: "\n").count == 1)
        let unknown = try Tool.run(name, ["--no-such-flag"])
        #expect(unknown.status == 64 && unknown.errors.contains("--no-such-flag"))
    }

    /// Each setting that a process reads has a flag, but for the secret itself, which would be seen
    /// in the list of processes, and what only `millrace up` sets.
    @Test(arguments: [
        ("millrace-collector", ["collector.listen", "collector.buffer_events"]),
        ("millrace-log", ["log_server.listen", "log_server.data", "log_server.fsync"]),
        (
            "millrace-worker",
            ["worker.batch_records", "worker.instance_id", "events.partitions", "store.addresses"]
        ),
        ("millrace-store", ["store.listen", "store.data", "cluster.secret_file"]),
        ("millrace-query", ["query.listen", "query.timeout_ms", "events.partitions"]),
        ("millrace-lag", ["lag.listen", "log.brokers", "cluster.secret_file"]),
    ])
    func settingsHaveFlags(name: String, settings: [String]) throws {
        let subcommands =
            ["millrace-log", "millrace-store", "millrace-lag"].contains(name) ? ["serve"] : []
        let help = try Tool.run(name, subcommands + ["--help"]).output
        for setting in settings + ["logging.level", "logging.format"] {
            let flag = "--" + String(setting.map { $0 == "." || $0 == "_" ? "-" : $0 })
            #expect(help.contains("\(flag) <"), "\(flag)")
        }
    }

    /// Each is one line that names what is wrong.
    @Test(
        arguments: [
            (["up", "--data", ""], 64, "--data: a directory is wanted"),
            (["up", "--data", "/dev/null"], 74, "'/dev/null': Not a directory"),
            (["up", "--data", "/dev/null/x/y"], 74, "'/dev/null/x/y': Not a directory"),
            (["up", "--data", "@", "--base-port", "0"], 64, "--base-port 0: from 1 to 65528"),
            (["up", "--data", "@", "--base-port", "65530"], 64, "--base-port 65530: from 1 to"),
            (["up", "--data", "@", "--workers", "0"], 64, "--workers 0: from 1 to 64"),
            (["up", "--data", "@", "--partitions", "0"], 64, "--partitions 0"),
            (["up", "--data", "@", "--replicas", "2"], 64, "--replicas 2: only 1"),
            (["up", "--data", "@", "--project", "a b"], 64, "project 'a b'"),
            (
                ["up", "--data", "@", "--log-brokers", "x"], 64,
                "--log-brokers: 'x' is not HOST:PORT"
            ),
            (["admin", "keys", "p", "--data", ""], 64, "--data: a directory is wanted"),
            (["admin", "keys", "p", "--data", "@"], 1, "is `millrace up --data"),
            (
                ["admin", "keys", "p", "--log-brokers", "127.0.0.1:1"], 69,
                "the log at 127.0.0.1:1: "
            ),
            (["import", "f", "--collection", "$x", "--data", "@"], 64, "--collection: "),
            (
                ["import", "f", "--collection", "c", "--api", "x", "--data", "@"], 1,
                "endpoints.json"
            ),
            (
                [
                    "import", "/", "--collection", "c", "--api", "http://127.0.0.1:1", "--project",
                    "p", "--write-key", "k",
                ], 1, "/ is a directory"
            ),
            (["demo", "--file", "/none"], 1, "/none cannot be read: No such file"),
        ] as [([String], Int32, String)])
    func wrongArgumentsOfMillrace(arguments: [String], status: Int32, text: String) throws {
        let directory = try RunningSystem.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let result = try Tool.run(
            "millrace", arguments.map { $0 == "@" ? directory : $0 }, environment: [:])
        #expect(result.status == status, "\(result.errors)")
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].contains(text), "\(result.errors)")
    }

    /// A setting that is wrong in the environment is named.
    @Test func wrongSettingsAreNamed() throws {
        let result = try Tool.run(
            "millrace-log", ["--log-server-data", "/tmp"],
            environment: ["MILLRACE_LOG_SERVER_LISTEN": "nowhere"])
        #expect(result.status == 64)
        #expect(result.errors.contains("setting log_server.listen (environment): 'nowhere'"))
    }

    /// Who watches lag stops with Ctrl-C, or closes the pipe; neither is an accident.
    @Test func watchingLagEndsInOrder() async throws {
        let system = try await RunningSystem()
        defer { system.discard() }
        let arguments = [
            "table", "--watch", "0.1", "--log-brokers", try system.endpoints().log[0],
        ]
        let (watched, table) = try Tool.start("millrace-lag", arguments)
        _ = try table.fileHandleForReading.read(upToCount: 1)
        watched.terminate()
        watched.waitUntilExit()
        #expect(watched.terminationReason == .exit && watched.terminationStatus == 0)

        let (unread, closed) = try Tool.start("millrace-lag", arguments)
        _ = try closed.fileHandleForReading.read(upToCount: 1)
        try closed.fileHandleForReading.close()
        unread.waitUntilExit()
        #expect(unread.terminationReason == .exit && unread.terminationStatus == 0)
    }
}
