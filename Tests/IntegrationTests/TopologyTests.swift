// What operators see of the topology, how they refill a store, and a topology of a user's own.

import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct TopologySystemTests {
    private func admin(_ arguments: [String]) throws -> Tool.Result {
        try Tool.run("millrace", ["admin"] + arguments)
    }

    /// The worker's page and the command agree with what was sent.
    @Test func theTopologyIsShown() async throws {
        let system = try await RunningSystem(arguments: ["--workers", "2", "--partitions", "2"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        for number in 0..<5 {
            #expect(try KeenAPI(endpoints).record(#"{"n":\#(number)}"#, into: "c").status == 201)
        }
        await eventually("events are counted") { try KeenAPI(endpoints).count("c") == 5 }
        let port = try #require(endpoints.admin["worker"]?.first?.port)
        func get(_ path: String) throws -> Answer {
            try SocketClient(port: port).request("GET", path)
        }
        #expect(try get("/topology").text.contains("dead-letters"))
        #expect(try get("/topology?format=dot").text.contains(#""decode" -> "dead-letters""#))
        #expect(try get("/topology?format=svg").status == 400)
        #expect(try get("/topology?window=1h").status == 400)
        let shown = try admin(["topology", "--data", system.directory, "--format", "json"])
        #expect(shown.status == 0, "\(shown.errors)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any])
        #expect(report["workers"] as? Int == 2)
        let rows = try #require(report["components"] as? [[String: Any]])
        #expect(
            rows.compactMap { $0["id"] as? String }
                == ["spout", "enrich", "decode", "dead-letters", "rollup", "store"])
        #expect(rows.map { $0["tasks"] as? Int } == Array(repeating: 2, count: 6))
        for row in rows {
            let windows = try #require(row["windows"] as? [String: [String: Any]])
            #expect(Set(windows.keys) == ["10m", "3h", "1d", "all"])
            let acked = windows["all"]?["acked"] as? Int ?? 0
            #expect(acked > 0 && windows["10m"]?["acked"] as? Int == acked, "\(row)")
        }
        let table = try admin(["topology", "--data", system.directory, "--window", "1d"])
        #expect(table.output.contains("2 workers") && table.output.contains("last 1d"))
        let nobody = try admin(["topology", "--workers", "127.0.0.1:1"])
        #expect(nobody.status == 69)
    }

    /// An empty store is filled from the log's beginning, or from a time on; what cannot be is
    /// refused with the reason.
    @Test func aFreshStoreIsFilledFromTheLog() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "1"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        for number in 0..<30 {
            #expect(try api.record(#"{"n":\#(number)}"#, into: "old").status == 201)
        }
        // The log's clock has milliseconds.
        let time = Date.now.addingTimeInterval(0.002)
        await eventually("the time has come") { Date.now > time.addingTimeInterval(0.002) }
        for number in 0..<20 {
            #expect(try api.record(#"{"n":\#(number)}"#, into: "new").status == 201)
        }
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let cases: [(from: String, old: String, new: String)] = [
            ("earliest", "events=30", "events=20"), (time.formatted(format), "", "events=20"),
            ("40", "", "events=10"),
        ]
        for (number, wanted) in cases.enumerated() {
            let store = try FreshStore(
                system, directory: "\(system.directory)/fresh-\(number)")
            defer { store.stop() }
            let target = [
                "--store", store.address, "--cluster-secret-file", "\(system.directory)/secret",
            ]
            func total(_ collection: String) throws -> String {
                let key = "0/\(endpoints.project.id)/\(collection)"
                return try Tool.run("millrace", ["store", "get", "store/totals", key] + target)
                    .output
            }
            let arguments =
                ["replay", "--from", wanted.from, "--log-brokers", endpoints.log[0]] + target
            await eventually("the store listens") {
                try Tool.run("millrace", ["store", "tables"] + target).status == 0
            }
            let done = try admin(arguments)
            #expect(done.status == 0, "\(wanted): \(done.errors)")
            #expect(done.output.hasPrefix("replayed "), "\(done.output)")
            #expect(done.errors.contains("(100 %)"))
            let old = try total("old")
            #expect(wanted.old.isEmpty ? old.isEmpty : old.contains(wanted.old), "\(wanted)")
            #expect(try total("new").contains(wanted.new), "\(wanted)")
            // Again: there is nothing to do, and nothing is counted twice.
            #expect(try admin(arguments).status == 0)
            #expect(try total("new").contains(wanted.new), "\(wanted)")
        }
        let store = try FreshStore(system, directory: "\(system.directory)/fresh-late")
        defer { store.stop() }
        let late = try admin(
            [
                "replay", "--from", "51", "--log-brokers", endpoints.log[0], "--store",
                store.address, "--cluster-secret-file", "\(system.directory)/secret",
            ])
        #expect(late.status == 1 && late.errors.contains("the log ends at 50"), "\(late.errors)")
        #expect(try admin(["replay", "--from", "soon", "--data", system.directory]).status == 64)
    }

    /// The example of docs/topology.md, twice: each collection is counted by one of the two.
    @Test func aTopologyOfOnesOwn() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "3"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        let collections = (0..<6).map { "c\($0)" }
        for number in 0..<60 {
            #expect(try api.record("{}", into: collections[number % 6]).status == 201)
        }
        let outputs = try (0..<2).map { _ in
            try Following(Tool.start("eventcounts", ["--log-brokers", endpoints.log[0]]))
        }
        defer { for output in outputs { output.stop() } }
        await eventually(within: .seconds(60), "all are counted, each by one process") {
            let totals = outputs.map(\.totals)
            let names = collections.map { "\(endpoints.project.id)/\($0)" }
            return names.allSatisfy { name in
                totals.reduce(0) { $0 + ($1[name] ?? 0) } == 10
            }
        }
        let dot = try Tool.run("eventcounts", ["--log-brokers", endpoints.log[0], "--dot"])
        #expect(dot.output.contains(#""counts" -> "add""#))
    }
}

/// A storage node of its own beside a running system.
private final class FreshStore {
    let address: String
    private let process: Process

    init(_ system: RunningSystem, directory: String) throws {
        let port = try FreePort.find()
        address = "127.0.0.1:\(port)"
        process = Process()
        process.executableURL = URL(filePath: "\(RunningSystem.executables)/millrace-store")
        process.environment = ProcessInfo.processInfo.environment.merging([
            "MILLRACE_STORE_LISTEN": address, "MILLRACE_STORE_DATA": directory,
            "MILLRACE_CLUSTER_SECRET_FILE": "\(system.directory)/secret",
        ]) { $1 }
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// What a running example has printed: the last total of each collection.
private final class Following: Sendable {
    private final class Text: Sendable { let content = Mutex("") }
    private let process: Process
    private let text = Text()

    init(_ started: (Process, Pipe)) {
        process = started.0
        started.1.fileHandleForReading.readabilityHandler = { [text] handle in
            let new = String(decoding: handle.availableData, as: UTF8.self)
            text.content.withLock { $0 += new }
        }
    }

    var totals: [String: Int] {
        var totals: [String: Int] = [:]
        for line in text.content.withLock({ $0 }).split(separator: "\n") {
            let parts = line.split(separator: "\t")
            if parts.count == 2 { totals[String(parts[0])] = Int(parts[1]) }
        }
        return totals
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
