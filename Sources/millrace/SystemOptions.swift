// How a command finds the system that it talks to: the endpoints file of `millrace up`, or flags.

import ArgumentParser
import Foundation
import JSON
import LogClient
import Logging
import Model
import Runtime

/// The endpoints file of a running `millrace up`.
struct EndpointsFile {
    private let value: JSONValue

    init(in directory: String) throws {
        let file = "\(try Places.dataDirectory(directory))/endpoints.json"
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(
                "\(file) does not exist: is `millrace up --data \(directory)` running?")
        }
        do { value = try JSONValue(parsing: [UInt8](data)) } catch {
            throw CommandFailure("\(file): \(error)")
        }
    }

    func texts(_ name: String) -> [String] { value[name]?.array?.compactMap(\.string) ?? [] }
    /// Where the processes of a kind serve /healthz, /metrics and their own pages.
    func admins(_ kind: String) -> [String] {
        value["admin"]?[kind]?.array?.compactMap(\.string) ?? []
    }
    func project(_ name: String) -> String? { value["project"]?[name]?.string }
}

/// The log at `brokers`. How to talk to it comes from the environment, as for all processes, which
/// inherit it from `up`: a password would not be safe on a command line.
func logConnection(_ brokers: [String]) throws -> LogConnection {
    LogConnection(brokers: brokers, security: try environmentSecurity())
}

/// TLS and login of the log, from the environment.
func environmentSecurity() throws -> LogSecurity? {
    do {
        return try Settings(
            flags: [:], environment: ProcessInfo.processInfo.environment, file: nil
        ).logSecurity()
    } catch let error as SettingsError { throw CommandFailure.usage(error.description) }
}

/// Options of the commands that talk to the log.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: .init(
            "Data directory of `millrace up`; its endpoints.json says where the log is.",
            valueName: "dir"))
    var dataDirectory = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"

    @Option(
        help: .init(
            "The log's addresses (instead of endpoints.json).", valueName: "host:port,…"))
    var logBrokers: String?

    func brokers() throws -> [String] {
        if let logBrokers { return try brokerList(logBrokers) }
        let listed = try EndpointsFile(in: dataDirectory).texts("log")
        guard !listed.isEmpty else { throw CommandFailure("endpoints.json names no log") }
        return listed
    }

    /// Asks the log; see `askingLog`.
    func asking<Answer>(
        _ body: (LogConnection, Logger) async throws -> Answer
    ) async throws -> Answer {
        let brokers = try brokers()
        return try await askingLog(brokers) {
            try await body(try logConnection(brokers), Logger(label: "millrace"))
        }
    }
}

/// Options of the commands that send events.
struct SystemOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: .init(
            "Data directory of `millrace up`; its endpoints.json says where everything is.",
            valueName: "dir"))
    var dataDirectory = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"

    @Option(
        help: .init("The API's address (instead of endpoints.json).", valueName: "http://host:port")
    )
    var api: String?

    @Option(help: .init("Project (instead of the one in endpoints.json).", valueName: "id"))
    var project: String?

    @Option(
        help: .init(
            "The project's write key (instead of the one in endpoints.json).", valueName: "key"))
    var writeKey: String?

    /// Where events are posted, as which project, with which key.
    func writing() throws -> (urls: [String], project: ProjectID, key: String) {
        if let api, let project, let writeKey {
            return ([try address(api)], try projectID(project), writeKey)
        }
        let file = try EndpointsFile(in: dataDirectory)
        let urls = try api.map { [try address($0)] } ?? file.texts("collectors")
        // Another project's events with this project's key would all be refused.
        guard project == nil || writeKey != nil || project == file.project("id") else {
            throw CommandFailure.usage("--project needs --write-key")
        }
        guard let id = project ?? file.project("id"),
            let key = writeKey ?? file.project("write_key"), !urls.isEmpty
        else { throw CommandFailure("endpoints.json lacks the project or the collectors") }
        return (urls, try projectID(id), key)
    }

    private func address(_ text: String) throws -> String {
        guard text.hasPrefix("http://") else {
            throw CommandFailure.usage("--api \(text): http://HOST:PORT is wanted")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
