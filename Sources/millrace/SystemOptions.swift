// How a command finds the system that it talks to: the endpoints file of `millrace up`, or flags.

import ArgumentParser
import Foundation
import JSON
import Model

/// Options of the commands that talk to a running system.
struct SystemOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: "Data directory of `millrace up`; its endpoints.json says where everything is.")
    var dataDirectory: String = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"

    @Option(help: "The log's addresses, HOST:PORT,… (instead of endpoints.json).")
    var logBrokers: String?

    @Option(help: "The API's address, http://HOST:PORT (instead of endpoints.json).")
    var api: String?

    @Option(help: "Project id (instead of the one in endpoints.json).")
    var project: String?

    @Option(help: "The project's write key (instead of the one in endpoints.json).")
    var writeKey: String?

    private func endpoints() throws -> JSONValue {
        let file = "\(dataDirectory)/endpoints.json"
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(
                "\(file) does not exist: is `millrace up --data \(dataDirectory)` running?")
        }
        do { return try JSONValue(parsing: [UInt8](data)) } catch {
            throw CommandFailure("\(file): \(error)")
        }
    }

    func brokers() throws -> [String] {
        if let logBrokers { return logBrokers.split(separator: ",").map(String.init) }
        let listed = try endpoints()["log"]?.array?.compactMap(\.string) ?? []
        guard !listed.isEmpty else { throw CommandFailure("endpoints.json names no log") }
        return listed
    }

    /// Where events are posted, as which project, with which key.
    func writing() throws -> (url: String, project: ProjectID, key: String) {
        if let api, let project, let writeKey {
            return (api, try projectID(project), writeKey)
        }
        let file = try endpoints()
        let id = project ?? file["project"]?["id"]?.string
        let key = writeKey ?? file["project"]?["write_key"]?.string
        let url = api ?? file["collectors"]?.array?.first?.string
        guard let id, let key, let url else {
            throw CommandFailure("endpoints.json lacks the project or the collectors")
        }
        return (url, try projectID(id), key)
    }

    /// The project that was named, or the system's own.
    func projectOrDefault(_ named: String?) throws -> ProjectID {
        guard let id = try named ?? project ?? endpoints()["project"]?["id"]?.string else {
            throw CommandFailure("endpoints.json names no project")
        }
        return try projectID(id)
    }

    private func projectID(_ text: String) throws -> ProjectID {
        do { return try ProjectID(text) } catch { throw ValidationError(error.message) }
    }
}

/// A command could not do what was asked; exit status 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
