import Base
import EventLoop
import Foundation
import Glibc
import HTTP
import JSON
import Logging
import Model
import TestSupport
import Testing

@testable import Supervisor

/// A directory with a fake executable for every kind, and one for data.
private final class Place {
    let root: String
    var data: String { root + "/data" }
    var executables: String { root + "/bin" }

    /// Beside the executable that runs the tests.
    private static let fake = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "fakeprocess").path

    init() throws {
        root = try RunningSystem.temporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: root + "/bin", withIntermediateDirectories: true)
        for kind in ProcessKind.allCases { try restore(kind) }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func restore(_ kind: ProcessKind) throws {
        let path = "\(executables)/\(kind.executable)"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: Self.fake)
    }

    /// Puts a shell script in an executable's place.
    func replace(_ kind: ProcessKind, by script: String) throws {
        let path = "\(executables)/\(kind.executable)"
        try FileManager.default.removeItem(atPath: path)
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    func endpoints() throws -> SystemEndpoints {
        let file = URL(filePath: data + "/endpoints.json")
        return try SystemEndpoints.decoder.decode(
            SystemEndpoints.self, from: Data(contentsOf: file))
    }

    func text(_ file: String) -> String {
        (try? String(contentsOfFile: "\(data)/\(file)", encoding: .utf8)) ?? ""
    }

    func exists(_ file: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(data)/\(file)")
    }
}

/// Whole systems of fake processes: what is written, what is restarted, what a failure says.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LocalSystemTests {
    /// Starts a system, runs the body on it, and stops it.
    private func withSystem(
        _ place: Place, partitionsOfLog: Int? = nil, deadline: Duration = .seconds(30),
        _ change: (inout ClusterOptions) -> Void = { _ in },
        _ body: (LocalSystem) async throws -> Void = { _ in }
    ) async throws {
        var options = ClusterOptions(
            dataDirectory: place.data, executableDirectory: place.executables)
        change(&options)
        let parts = LocalSystemParts(
            prepareLog: { _, wanted in
                PreparedLog(
                    partitions: partitionsOfLog ?? wanted.partitions,
                    project: ProjectCredentials(
                        id: wanted.project, masterKey: "M", writeKey: "W", readKey: "R"))
            },
            newProject: { .fresh }, newSecret: { "0123456789abcdef0123456789abcdef" })
        let loop = try EventLoop(name: "test")
        let probe = HTTPClient(loop: loop)
        var random = SystemRandomNumberGenerator()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let result: Result<Void, any Error>
        do {
            let system = try await LocalSystem.start(
                options, parts: parts, deadline: deadline, loop: loop, probe: probe,
                logger: logger, random: &random)
            do {
                try await body(system)
                result = .success(())
            } catch { result = .failure(error) }
            await system.stop()
        } catch { result = .failure(error) }
        probe.close()
        await loop.shutdown()
        try result.get()
    }

    private func failure(
        _ place: Place, partitionsOfLog: Int? = nil, deadline: Duration = .seconds(30),
        _ change: (inout ClusterOptions) -> Void = { _ in }
    ) async -> SupervisorError? {
        do {
            try await withSystem(
                place, partitionsOfLog: partitionsOfLog, deadline: deadline, change)
            return nil
        } catch { return error as? SupervisorError }
    }

    /// endpoints.json names all processes while they run; they stop last kind first.
    @Test func everythingIsStartedWrittenDownAndStoppedInOrder() async throws {
        let place = try Place()
        try await withSystem(
            place,
            {
                $0.collectors = 2
                $0.stores = 2
            },
            { system in
                let endpoints = try place.endpoints()
                #expect(
                    endpoints.pids.mapValues(\.count) == [
                        "log": 1, "store": 2, "worker": 1, "collector": 2, "query": 1, "lag": 1,
                    ])
                #expect(endpoints.pids.values.joined().allSatisfy { kill($0, 0) == 0 })
                #expect(endpoints.collectors.count == 2)
                #expect(endpoints.api == endpoints.queries.first)
                #expect(endpoints.project.id == "fresh" && endpoints.project.writeKey == "W")
                #expect(system.endpoints.api == endpoints.api)
                #expect(place.text("config/store-1.yaml").contains("partitions: 4"))
            })
        #expect(!place.exists("endpoints.json"))
        let order = place.text("stopped").split(separator: "\n")
        #expect(
            order == [
                "millrace-lag", "millrace-query", "millrace-collector", "millrace-collector",
                "millrace-worker", "millrace-store", "millrace-store", "millrace-log",
            ])
    }

    /// A second start goes on with shape, project and secret of the first, without being told.
    @Test func secondStartGoesOn() async throws {
        let place = try Place()
        try await withSystem(place) {
            $0.stores = 2
            $0.partitions = 3
        }
        let (record, secret) = (place.text("cluster.json"), place.text("secret"))
        try Data("{}".utf8).write(to: URL(filePath: place.data + "/endpoints.json"))
        try await withSystem(place) { _ in
        } _: { _ in
            let endpoints = try place.endpoints()
            #expect(endpoints.stores.count == 2)
        }
        #expect(place.text("cluster.json") == record)
        #expect(place.text("secret") == secret)
        #expect(await failure(place) { $0.partitions = 4 }?.reason == .usage)
        #expect(await failure(place) { $0.stores = 1 }?.reason == .usage)
        let other = try ProjectID("other")
        try await withSystem(place) {
            $0.project = other
        } _: { _ in
            let endpoints = try place.endpoints()
            #expect(endpoints.project.id == "other")
        }
        #expect(place.text("cluster.json").contains("other"))
    }

    /// A killed process runs again on its address, and endpoints.json has its new id.
    @Test func killedProcessIsStartedAgain() async throws {
        let place = try Place()
        try await withSystem(place) { _ in
        } _: { system in
            for (kind, port) in ports(system) {
                let before = try place.endpoints()
                let old = try #require(before.pids[kind]?.first)
                kill(old, SIGKILL)
                await eventually("\(kind) runs again") {
                    let new = try place.endpoints().pids[kind]?.first
                    guard new != nil && new != old else { return false }
                    return try SocketClient(port: port).request("GET", "/readyz").status == 200
                }
                #expect(try place.endpoints().collectors == before.collectors)
            }
        }
        #expect(place.text("stopped").split(separator: "\n").count == 6)
    }

    /// Where the first process of each kind serves /readyz.
    private func ports(_ system: LocalSystem) -> [(kind: String, port: UInt16)] {
        ProcessKind.allCases.compactMap { kind in
            system.endpoints.admin[kind]?.first.map { (kind: kind.rawValue, port: $0.port) }
        }
    }

    @Test func directoryIsForOneAtATime() async throws {
        let place = try Place()
        try await withSystem(place) { _ in
        } _: { _ in
            let error = await failure(place)
            #expect(error?.reason == .unavailable)
            #expect(error?.message.contains("process \(getpid())") == true)
            #expect(place.exists("endpoints.json"), "the second start must not disturb the first")
        }
        #expect(await failure(place) == nil)
    }

    /// A process that says its data or settings are bad ends the start at once, with its status.
    @Test(arguments: [FatalReason.damagedData, .usage])
    func processThatCannotRunEndsTheStart(reason: FatalReason) async throws {
        let place = try Place()
        try place.replace(.store, by: "echo 'fatal: all is lost' >&2; exit \(reason.rawValue)")
        let error = await failure(place)
        #expect(error?.reason == reason)
        #expect(error?.process == "store-0")
        #expect(error?.message == "store-0 cannot run: exit status \(reason.rawValue)")
        let tail = try DataDirectory(path: place.data).logTail(of: "store-0", lines: 20)
        #expect(tail.contains("fatal: all is lost"))
        #expect(place.text("stopped") == "millrace-log\n", "what was started is stopped again")
        #expect(!place.exists("endpoints.json"))
        try place.restore(.store)
        #expect(await failure(place) == nil)
    }

    @Test func processThatIsNeverReadyIsNamed() async throws {
        let place = try Place()
        try place.replace(.worker, by: "exec sleep 60")
        let error = await failure(place, deadline: .seconds(3))
        #expect(error?.reason == .unavailable)
        #expect(error?.process == "worker-0")
    }

    @Test func missingExecutableIsNamed() async throws {
        let place = try Place()
        try FileManager.default.removeItem(atPath: place.executables + "/millrace-query")
        let error = await failure(place)
        #expect(error?.reason == .unavailable)
        #expect(error?.message.contains("millrace-query") == true)
    }

    /// A foreign log's own number of partitions counts, unless another was asked for.
    @Test func partitionsOfTheLogAreAdopted() async throws {
        let place = try Place()
        let asked = await failure(place, partitionsOfLog: 6) {
            $0.logBrokers = ["127.0.0.1:1"]
            $0.partitions = 4
        }
        #expect(asked?.reason == .usage)
        #expect(!place.exists("cluster.json"))
        try await withSystem(place, partitionsOfLog: 6) {
            $0.logBrokers = ["127.0.0.1:1"]
        } _: { _ in
            let endpoints = try place.endpoints()
            #expect(endpoints.log == ["127.0.0.1:1"])
            #expect(endpoints.pids["log"] == [])
            #expect(place.text("config/store-0.yaml").contains("partitions: 6"))
        }
        #expect(place.text("cluster.json").contains(#""partitions":6"#))
        #expect(await failure(place, partitionsOfLog: 7)?.reason == .damagedData)
    }
}

extension ProjectID {
    /// The id that a first start makes up.
    fileprivate static var fresh: ProjectID {
        guard let id = try? ProjectID("fresh") else { preconditionFailure("an id") }
        return id
    }
}
