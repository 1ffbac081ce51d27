// Starts a system on this machine for the commands that need one, with everything that it takes
// from the log, the catalog and the operating system.

import Base
import Catalog
import Crypto
import EventLoop
import Foundation
import HTTP
import LogClient
import Logging
import Model
import Supervisor

/// Starts a system, runs `body` on it, and stops it in order whatever happens.
func withLocalSystem(
    _ options: ClusterOptions,
    _ body:
        @escaping @Sendable (LocalSystem, HTTPClient) async throws
        -> Void
) async throws {
    if let security = try environmentSecurity(), options.logBrokers == nil {
        throw CommandFailure.usage(
            "the environment asks for \(security) to the log, but the log server that this "
                + "command starts speaks plaintext on 127.0.0.1: give --log-brokers, or unset it")
    }
    let loop = try EventLoop(name: "millrace")
    let client = HTTPClient(loop: loop)
    var random = SystemRandomNumberGenerator()
    let result: Result<Void, any Error>
    do {
        let system = try await LocalSystem.start(
            options, parts: parts, deadline: .seconds(60), loop: loop, probe: client,
            logger: Logger(label: "millrace"), random: &random)
        do {
            try await body(system, client)
            result = .success(())
        } catch { result = .failure(error) }
        await system.stop()
    } catch { result = .failure(error) }
    client.close()
    await loop.shutdown()
    if case .failure(let error as SupervisorError) = result { showLog(of: error, options) }
    try result.get()
}

private let parts = LocalSystemParts(
    prepareLog: { brokers, wanted in
        try await askingLog(brokers) {
            try await prepareLog(brokers, wanted, Logger(label: "millrace"))
        }
    },
    newProject: { Project.new(id: nil, name: "", now: .now).id },
    newSecret: { hexadecimal(secureRandomBytes(32)) })

/// Makes the topics and the project unless they are there.
private func prepareLog(
    _ brokers: [String], _ wanted: ClusterRecord, _ logger: Logger
) async throws -> PreparedLog {
    let connection = try logConnection(brokers)
    let partitions = try await MillraceTopics.ensure(
        with: LogAdmin(connection: connection, logger: logger),
        eventPartitions: Int32(wanted.partitions), timeout: .seconds(30))
    let state = try await readCatalog(connection, logger)
    var project = state.projects[wanted.project]
    if project == nil {
        let made = Project.new(id: wanted.project, name: "millrace up", now: .now)
        try await putProject(made, connection, logger)
        project = made
    }
    guard let project else { preconditionFailure("a project that was just made") }
    return PreparedLog(
        partitions: Int(partitions),
        project: ProjectCredentials(
            id: project.id, masterKey: project.masterKey, writeKey: project.writeKey,
            readKey: project.readKey))
}

/// The catalog as it is now.
func readCatalog(_ connection: LogConnection, _ logger: Logger) async throws -> CatalogState {
    let follower = try CatalogFollower(connection: connection, logger: logger)
    do { try await follower.waitUntilCurrent(timeout: .seconds(30)) } catch {
        await follower.close()
        throw error
    }
    let state = follower.state
    await follower.close()
    return state
}

/// Adds a project; returns when the log has it.
func putProject(_ project: Project, _ connection: LogConnection, _ logger: Logger) async throws {
    let writer = try CatalogWriter(connection: connection, logger: logger)
    do { try await writer.put(project, timeout: .seconds(30)) } catch {
        await writer.close()
        throw error
    }
    await writer.close()
}

/// The log of the process that is to blame, where it says what it has against its start.
private func showLog(of error: SupervisorError, _ options: ClusterOptions) {
    guard let process = error.process,
        let directory = try? DataDirectory(path: options.dataDirectory)
    else { return }
    writeError("the last lines of \(directory.logFile(process)):\n")
    for line in directory.logTail(of: process, lines: 20) { writeError("  \(line)\n") }
}

extension Timestamp {
    /// The wall clock's time.
    static var now: Timestamp { Timestamp(milliseconds: wallClockMilliseconds()) }
}

/// Where things are.
enum Places {
    /// The directory of this executable, where the others are too.
    static var executables: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    }

    /// A directory from the command line or the environment.
    static func dataDirectory(_ path: String) throws -> String {
        guard !path.isEmpty else { throw CommandFailure.usage("--data: a directory is wanted") }
        return path
    }

    /// A path that stays right whatever the working directory.
    static func absolute(_ path: String) -> String {
        URL(filePath: path, relativeTo: .currentDirectory()).standardizedFileURL.path
    }

    /// The sample flights: in the checkout that the executable was built in, or installed.
    static var sampleFlights: String? {
        let name = "flights-2013-01.ndjson.gz"
        var directory = URL(filePath: executables)
        for _ in 0..<5 {
            for place in ["samples", "share/millrace"] {
                let file = directory.appending(path: place).appending(path: name).path
                if FileManager.default.fileExists(atPath: file) { return file }
            }
            directory.deleteLastPathComponent()
        }
        return nil
    }
}
