// millrace admin: projects and keys, read from and written to the topic that every process follows;
// what else an operator asks a running system is in files of its own.

import ArgumentParser
import Catalog
import JSON
import LogClient
import Logging
import Model

/// Manages projects and looks after the pipeline.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Manage projects and keys; look after the pipeline.",
        subcommands: [
            ProjectCommand.self, KeysCommand.self, DeadLettersCommand.self,
            TopologyCommand.self, ReplayCommand.self, RetentionCommand.self,
        ])
}

struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Create and list projects.",
        subcommands: [CreateProject.self, ListProjects.self])
}

struct CreateProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a project; prints its id and keys as JSON.")

    @Option(help: "What people call it.")
    var name = ""
    @Option(help: "Its id; without it one is made.")
    var id: String?
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await runCommand {
            let wanted = try id.map(projectID)
            try await log.asking { connection, logger in
                let state = try await existingCatalog(connection, logger)
                if let wanted, state.projects[wanted] != nil {
                    throw CommandFailure("project \(wanted) exists already")
                }
                let project = Project.new(id: wanted, name: name, now: .now)
                try await putProject(project, connection, logger)
                writeOutput(json(project))
            }
        }
    }
}

struct ListProjects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List projects: id, a tab, name; oldest first.")

    @OptionGroup var log: LogOptions

    func run() async throws {
        try await runCommand {
            let state = try await log.asking(existingCatalog)
            for project in state.projects.values.sorted(by: {
                ($0.created, $0.id) < ($1.created, $1.id)
            }) {
                writeOutput("\(project.id)\t\(printable(project.name))")
            }
        }
    }
}

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Print a project's id and keys as JSON.")

    @Argument(help: "The project's id.")
    var project: String
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await runCommand {
            let id = try projectID(project)
            let state = try await log.asking(existingCatalog)
            guard let found = state.projects[id] else {
                throw CommandFailure("there is no project \(id)")
            }
            writeOutput(json(found))
        }
    }
}

/// The catalog of a log that has one.
func existingCatalog(
    _ connection: LogConnection, _ logger: Logger
) async throws -> CatalogState {
    let admin = try LogAdmin(connection: connection, logger: logger)
    guard try await admin.metadata(of: MillraceTopics.catalog, timeout: .seconds(10)) != nil else {
        throw CommandFailure("the log has no topic \(MillraceTopics.catalog)")
    }
    return try await readCatalog(connection, logger)
}

private func json(_ project: Project) -> String {
    let value: JSONValue = [
        "id": .string(project.id.name), "name": .string(project.name),
        "master_key": .string(project.masterKey), "write_key": .string(project.writeKey),
        "read_key": .string(project.readKey),
    ]
    return String(decoding: value.encoded, as: UTF8.self)
}
