// millrace admin retention: how long collections keep their events. Read from the stores, written
// as a control record into every partition of the log, as the API's PUT does.

import ArgumentParser
import Base
import Catalog
import JSON
import LogClient
import Logging
import Model
import RPC
import Runtime
import Wire

/// Shows and changes how long collections keep their events.
struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Show or change how long a collection keeps its events.",
        discussion: """
            Prints project/collection, a tab, and the days or `for good`. Without a collection all \
            of the project are shown that do not keep their events for good.
            """)

    @Argument(help: "The project's id.")
    var project: String
    @Argument(help: "The collection's name.")
    var collection: String?
    @Option(help: .init("Keep events for so many days from now on.", valueName: "n"))
    var days: Int64?
    @Flag(help: "Keep events for good from now on.")
    var forever = false
    @Option(
        help: .init(
            "The log's addresses (instead of endpoints.json).", valueName: "host:port,…"))
    var logBrokers: String?
    @OptionGroup var stores: StoreOptions

    private static let dayMilliseconds: Int64 = 86_400_000
    private static let daysMax = ControlCommand.keptMillisecondsMax / dayMilliseconds

    func validate() throws {
        guard days == nil || !forever else {
            throw ValidationError("--days and --forever exclude each other")
        }
        guard days.map({ (1...Self.daysMax).contains($0) }) ?? true else {
            throw ValidationError("--days: 1 to \(Self.daysMax) is wanted")
        }
        guard collection != nil || days == nil && !forever else {
            throw ValidationError("which collection?")
        }
    }

    func run() async throws {
        try await runCommand {
            let project = try projectID(project)
            let id = try collection.map { name in
                do throws(InvalidName) {
                    return CollectionID(project: project, collection: try CollectionName(name))
                } catch { throw CommandFailure.usage("collection '\(name)': \(error.message)") }
            }
            try await stores.asking { nodes in
                if let id, days != nil || forever { try await change(id, nodes) }
                try await show(project, id, nodes)
            }
        }
    }

    // MARK: Changing

    /// Returns when the shards have it, or after a while.
    private func change(_ id: CollectionID, _ nodes: StoreNodes) async throws {
        let brokers = try brokers()
        let command = ControlCommand.keep(milliseconds: days.map { $0 * Self.dayMilliseconds })
        let offsets = try await askingLog(brokers) {
            let connection = try logConnection(brokers)
            let logger = Logger(label: "millrace")
            let admin = try LogAdmin(connection: connection, logger: logger)
            let state = try await existingCatalog(connection, logger)
            guard state.projects[id.project] != nil else {
                throw CommandFailure("there is no project \(id.project)")
            }
            guard
                let topic = try await admin.metadata(
                    of: MillraceTopics.events, timeout: .seconds(10))
            else { throw CommandFailure("the log has no topic \(MillraceTopics.events)") }
            return try await ControlPublisher(connection: connection, logger: logger).publish(
                CollectionControl(collection: id, bytes: command.encoded),
                partitionCount: Int32(topic.partitions.count), timeout: .seconds(10))
        }
        let deadline = ContinuousClock.now + .seconds(5)
        while try await !areThere(offsets, nodes) {
            guard .now < deadline else {
                return writeError(
                    "millrace: the log has it; the stores follow when they get there\n")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func areThere(
        _ offsets: [ShardID: Int64], _ nodes: StoreNodes
    ) async throws -> Bool {
        var waiting = offsets
        for client in nodes.clients {
            for applied in try await client.appliedOffsets()
            where waiting[applied.shard].map({ applied.offset >= $0 }) ?? false {
                waiting[applied.shard] = nil
            }
        }
        return waiting.isEmpty
    }

    private func brokers() throws -> [String] {
        if let logBrokers { return try brokerList(logBrokers) }
        let listed = try EndpointsFile(in: stores.dataDirectory).texts("log")
        guard !listed.isEmpty else { throw CommandFailure("endpoints.json names no log") }
        return listed
    }

    // MARK: Showing

    private func show(
        _ project: ProjectID, _ id: CollectionID?, _ nodes: StoreNodes
    ) async throws {
        let table = try await nodes.table("store/retention")
        let shards = try await nodes.shards()
        var kept: [CollectionID: [Int64]] = [:]
        for shard in shards {
            for (found, milliseconds) in try await retentions(
                of: project, id, table.reference, shard, nodes)
            {
                kept[found, default: []].append(milliseconds)
            }
        }
        if let id { kept[id, default: []] += [] }
        for (id, values) in kept.sorted(by: { $0.key < $1.key }) {
            var words = Set(values).sorted().map(text)
            if values.count < shards.count || words.isEmpty { words.append("for good") }
            // A shard that has not applied the change yet, or was filled from a log without it.
            let note = words.count > 1 ? " (shards differ)" : ""
            writeOutput("\(id)\t\(words.joined(separator: ", "))\(note)")
        }
    }

    private func text(_ milliseconds: Int64) -> String {
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: Self.dayMilliseconds)
        guard rest == 0 else { return "\(milliseconds) ms" }
        return days == 1 ? "1 day" : "\(days) days"
    }

    /// What one shard says of a collection, or of all of the project.
    private func retentions(
        of project: ProjectID, _ id: CollectionID?, _ table: TableReference, _ shard: ShardID,
        _ nodes: StoreNodes
    ) async throws -> [(CollectionID, Int64)] {
        var prefix = KeyWriter()
        prefix.append(project.name)
        if let id { prefix.append(id.collection.name) }
        var slice = TableSlice(
            table: table, shard: shard, range: .beginning(with: prefix.bytes),
            isDescending: false, limit: 1000, valueBytesMax: 8)
        var found: [(CollectionID, Int64)] = []
        repeat {
            let page = try await nodes.client(of: shard).slice(slice)
            for cell in page.cells {
                var key = KeyReader(cell.key)
                _ = try key.readText()
                let name = try CollectionName(try key.readText())
                var value = ByteReader(cell.value)
                found.append(
                    (
                        CollectionID(project: project, collection: name),
                        try value.readLittleEndian()
                    ))
            }
            slice.cursor = page.next
        } while slice.cursor != nil
        return found
    }
}
