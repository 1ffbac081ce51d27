// millrace up: the whole system on this machine, until SIGTERM or Ctrl-C.

import ArgumentParser
import Base
import Foundation
import Model
import Supervisor

/// Starts everything and keeps it running.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run the whole system on this machine.",
        discussion: """
            Starts every process on 127.0.0.1, starts again what dies, and stops all of them in \
            order on SIGTERM or Ctrl-C. DIR/endpoints.json says where everything is.
            """)

    @Option(
        name: .customLong("data"),
        help: .init("Directory of everything that must survive.", valueName: "dir"))
    var dataDirectory = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"
    @Option(help: .init("First port; without it every port is chosen free.", valueName: "port"))
    var basePort: UInt16?
    @Option(help: .init("Collectors.", valueName: "n"))
    var collectors = 1
    @Option(help: .init("Workers.", valueName: "n"))
    var workers = 1
    @Option(help: .init("Query servers.", valueName: "n"))
    var queries = 1
    @Option(help: .init("Storage nodes; fixed once there is data (default: 1).", valueName: "n"))
    var stores: Int?
    @Option(help: .init("Copies of each shard; only 1 is accepted so far.", valueName: "n"))
    var replicas = 1
    @Option(
        help: .init(
            "Partitions of the events, and shards; fixed once there is data (default: 4).",
            valueName: "n"))
    var partitions: Int?
    @Option(
        help: .init(
            "A Kafka or Redpanda to use instead of a log server.", valueName: "host:port,…"))
    var logBrokers: String?
    @Option(
        help: .init("The project to use; created if it does not exist.", valueName: "id"))
    var project: String?

    func run() async throws {
        try await runCommand {
            let options = try clusterOptions()
            let end = try await untilSignal(onSignal: { writeOutput("\nstopping") }) {
                writeOutput("starting Millrace in \(options.dataDirectory)")
                try await withLocalSystem(options) { system, _ in
                    writeOutput("\n" + summary(system.endpoints, data: options.dataDirectory))
                    await untilCancelled()
                }
            }
            if case .interrupted = end { writeOutput("stopped") }
        }
    }

    /// The options, checked.
    private func clusterOptions() throws -> ClusterOptions {
        guard replicas == 1 else {
            throw CommandFailure.usage("--replicas \(replicas): only 1 is accepted so far")
        }
        for (name, count) in [
            ("collectors", collectors), ("workers", workers), ("queries", queries),
            ("stores", stores ?? 1),
        ] where !(1...64).contains(count) {
            throw CommandFailure.usage("--\(name) \(count): from 1 to 64")
        }
        if let partitions, !(1...1024).contains(partitions) {
            throw CommandFailure.usage("--partitions \(partitions): from 1 to 1024")
        }
        var options = ClusterOptions.onThisMachine(
            data: Places.absolute(try Places.dataDirectory(dataDirectory)))
        options.basePort = basePort
        options.collectors = collectors
        options.workers = workers
        options.queries = queries
        options.stores = stores
        options.partitions = partitions
        options.logBrokers = try logBrokers.map(brokerList)
        options.project = try project.map(projectID)
        return options
    }
}

extension ClusterOptions {
    /// What every command starts from.
    static func onThisMachine(data: String) -> ClusterOptions {
        var options = ClusterOptions(
            dataDirectory: data, executableDirectory: Places.executables)
        options.exitsWithParent = getpid() != 1
        return options
    }
}

/// `HOST:PORT,…` as a list.
func brokerList(_ text: String) throws -> [String] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    return try parts.map { part in
        let trimmed = part.trimmingCharacters(in: .whitespaces)
        guard let address = HostPort(trimmed), address.port > 0 else {
            throw CommandFailure.usage("--log-brokers: '\(trimmed)' is not HOST:PORT")
        }
        return address.description
    }
}

/// A project id from the command line.
func projectID(_ text: String) throws -> ProjectID {
    do throws(InvalidName) { return try ProjectID(text) } catch {
        throw CommandFailure.usage("project '\(text)': \(error.message)")
    }
}

/// What `up` prints when all is ready.
func summary(_ endpoints: Endpoints, data: String) -> String {
    let project = endpoints.project
    let root = "\(endpoints.api)/3.0/projects/\(project.id)"
    return """
        Millrace is running. Data: \(data)

          API          \(endpoints.api)
          collectors   \(endpoints.collectors.joined(separator: " "))
          lag          \(endpoints.lag)
          log          \(endpoints.log.joined(separator: ","))
          project      \(project.id)
          write key    \(project.writeKey)
          read key     \(project.readKey)
          master key   \(project.masterKey)

        Send an event:
          curl -H 'Authorization: \(project.writeKey)' -d '{"total": 12.5}' \\
            \(root)/events/orders
        Count:
          curl -H 'Authorization: \(project.readKey)' \\
            '\(root)/queries/count?event_collection=orders'

        See how far the workers are, partition by partition; \(endpoints.lag) is the same as a page:
          millrace-lag table --log-brokers \(endpoints.log.joined(separator: ","))

        Ctrl-C stops everything in order.
        """
}
