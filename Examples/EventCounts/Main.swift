// An example of a topology of one's own: counts the events of each collection, over as many
// processes as are started. See docs/topology.md.

import ArgumentParser
import Base
import Bolts
import LogClient
import Logging
import Topology

@main
struct EventCounts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eventcounts",
        abstract: "Counts the events of each collection; start it as often as you like.")

    @Option(help: "HOST:PORT of the log.")
    var logBrokers: String
    @Option(help: "The topic between the two topologies.")
    var topic = "example.counts"
    @Flag(help: "Print the topologies for Graphviz and exit.")
    var dot = false

    func run() async throws {
        let logger = Logger(label: "eventcounts")
        let connection = LogConnection(brokers: logBrokers.split(separator: ",").map(String.init))
        let between = try await RowTopic(
            topic, partitions: 4, connection: connection, logger: logger)
        let count = try Counting.perBatch(to: between)
        let total = try Counting.total(Totals())
        if dot {
            print(count.dot, total.dot, separator: "\n")
            return await between.close()
        }
        let first = try pipeline(
            count, reads: MillraceTopics.events, connection, logger, make: Counting.rows)
        let second = try pipeline(total, reads: topic, connection, logger) {
            RowTopic.rows(of: $0, fields: Counting.counts.fields)
        }
        async let counting: Void = first.run()
        async let adding: Void = second.run()
        _ = try await (counting, adding)
    }

    /// A topology on a topic. Its group's commits say where it goes on after a restart.
    private func pipeline(
        _ topology: Topology<RowBatch>, reads topic: String, _ connection: LogConnection,
        _ logger: Logger, make: @escaping @Sendable (RecordStretch) -> RowBatch
    ) throws -> LogPipeline<RowBatch> {
        var configuration = LogPipelineConfiguration(
            connection: connection, seed: monotonicNanoseconds())
        configuration.topic = topic
        configuration.group = "eventcounts.\(topology.name)"
        let admin = try LogAdmin(connection: connection, logger: logger)
        return try LogPipeline(
            configuration: configuration, topology: topology,
            positions: CommittedPositions(of: configuration.group, topic: topic, admin: admin),
            logger: logger, make: make)
    }
}
