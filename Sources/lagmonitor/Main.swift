// millrace-lag: how far every consumer is behind, as a table and as a service. Wiring only.

import ArgumentParser
import Base

@main
struct Lagmonitor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-lag",
        abstract: "Shows how far a consumer group is behind, in any Kafka log.",
        version: Build.version, subcommands: [Serve.self, Table.self],
        defaultSubcommand: Serve.self)
}
