// The two topologies of the example, and their bolts. docs/topology.md explains them.

import Bolts
import Foundation
import JSON
import LogClient
import Model
import Synchronization
import Topology

enum Counting {
    static let records = StreamDeclaration("records", fields: ["key", "value"])
    static let counts = StreamDeclaration("counts", fields: ["collection", "minute", "events"])

    /// Reads events and writes, for each batch, how many each collection has in each minute.
    static func perBatch(to topic: RowTopic) throws -> Topology<RowBatch> {
        try Topology(
            name: "count",
            spout: SpoutDeclaration("events", emits: records, pendingBatchesMax: 4),
            bolts: [
                BoltDeclaration(
                    "count", reads: [Subscription("events", records.name, by: .shuffle)],
                    emits: [counts], parallelism: 2
                ) { _ in ByRow(CountByMinute(), emits: [counts]) },
                BoltDeclaration(
                    "repartition", reads: [Subscription("count", counts.name, by: .partition)]
                ) { _ in RepartitionBolt(to: topic, by: ["collection"]) },
            ])
    }

    /// Reads those counts, each collection's in one partition, and adds them up.
    static func total(_ totals: Totals) throws -> Topology<RowBatch> {
        try Topology(
            name: "total",
            spout: SpoutDeclaration("counts", emits: counts, pendingBatchesMax: 4),
            bolts: [
                BoltDeclaration(
                    "add",
                    reads: [Subscription("counts", counts.name, by: .fields(["collection"]))],
                    parallelism: 2, tickEvery: .seconds(1)
                ) { _ in ByRow(Add(totals: totals)) }
            ])
    }

    /// The records of a batch as rows.
    static func rows(_ stretch: RecordStretch) -> RowBatch {
        func texts(_ bytes: (LogRecord) -> [UInt8]) -> [Value] {
            stretch.records.map { .string(String(decoding: bytes($0), as: UTF8.self)) }
        }
        return RowBatch(fields: records.fields, columns: [texts(\.key), texts(\.value)])
    }
}

/// Counts the events of a batch by collection and minute.
struct CountByMinute: RowBolt {
    private struct Place: Hashable {
        var collection: String
        var minute: String
    }
    private var counts: [Place: Int64] = [:]

    mutating func execute(_ row: Row, into output: inout RowCollector) async throws {
        // What is no event is the worker's business, which keeps it among the dead letters.
        guard case .string(let key) = row["key"], case .string(let text) = row["value"],
            let time = try? JSONValue(parsing: text)["keen"]?["timestamp"]?.string,
            time.count >= 16
        else { return }
        counts[Place(collection: key, minute: String(time.prefix(16))), default: 0] += 1
    }

    /// Within the batch: should it be replayed, its counts come again as a whole, or not at all.
    mutating func finishBatch(into output: inout RowCollector) async throws {
        for (place, count) in counts {
            output.emit(
                [.string(place.collection), .string(place.minute), .int(count)],
                to: Counting.counts.name)
        }
        counts = [:]
    }
}

/// Adds counts up.
struct Add: RowBolt {
    let totals: Totals

    mutating func execute(_ row: Row, into output: inout RowCollector) async throws {
        guard case .string(let collection) = row["collection"],
            case .int(let events) = row["events"]
        else { return }
        totals.add(events, to: collection)
    }

    mutating func tick() async { totals.show() }
    mutating func cleanup() async { totals.show() }
}

/// The events of each collection that this process has counted.
final class Totals: Sendable {
    private let state = Mutex((counts: [String: Int64](), changed: Set<String>()))

    func add(_ events: Int64, to collection: String) {
        state.withLock { state in
            state.counts[collection, default: 0] += events
            state.changed.insert(collection)
        }
    }

    /// Prints what has changed: collection, tab, events.
    func show() {
        let lines = state.withLock { state in
            defer { state.changed = [] }
            return state.changed.sorted().map { "\($0)\t\(state.counts[$0] ?? 0)\n" }
        }
        guard !lines.isEmpty else { return }
        try? FileHandle.standardOutput.write(contentsOf: Data(lines.joined().utf8))
    }
}
