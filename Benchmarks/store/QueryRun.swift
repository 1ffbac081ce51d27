// The queries of the comparison with DuckDB and ClickHouse, asked of a store that `ingest` filled: the
// engine of a storage node with as many lanes as threads, without the network around it.

import Aggregate
import Base
import EventStore
import Foundation
import Logging
import Model
import Plan
import Synchronization

/// One query of the set.
struct BenchQuery {
    enum Kind {
        case scan(ScanPlan)
        case extract(ExtractionPlan)
        /// A scan of actors for each step.
        case funnel([ScanPlan])
    }

    var name: String
    var kind: Kind
    /// Groups with the largest figures, if not all.
    var top: Int?

    static let start: Int64 = 1_356_998_400_000
    static let day: Int64 = 86_400_000

    static func all() throws -> [BenchQuery] {
        let collection = CollectionID(
            project: try ProjectID("bench"), collection: try CollectionName("views"))
        func path(_ name: String) throws -> PropertyPath { try PropertyPath(name) }
        let user = try path("user_id")
        func times(_ step: Int64) -> [Timestamp] {
            stride(from: start, through: start + 30 * day, by: Int(step)).map {
                Timestamp(milliseconds: Int64($0))
            }
        }
        func scan(
            _ name: String, _ kind: AggregateKind, of target: String? = nil,
            by groups: [String] = [],
            where filters: [Filter] = [], every step: Int64? = nil, days: Range<Int64> = 0..<30,
            top: Int? = nil
        ) throws -> BenchQuery {
            let frame =
                Timestamp(
                    milliseconds: start + days.lowerBound * day)..<Timestamp(
                    milliseconds: start + days.upperBound * day)
            return BenchQuery(
                name: name,
                kind: .scan(
                    ScanPlan(
                        collection: collection, timeframe: frame, filters: filters,
                        groupBy: try groups.map(path), boundaries: step.map(times) ?? [],
                        aggregates: [
                            AggregateRequest(kind: kind, target: try target.map(path))
                        ])), top: top)
        }
        let busy: [Filter] = [
            .compare(try path("items"), .greaterOrEqual, .int(3)),
            .compare(try path("ab"), .equal, .bool(true)),
        ]
        let country = Filter.compare(try path("country"), .equal, .string("c3"))
        func step(_ filter: Filter) -> ScanPlan {
            ScanPlan(
                collection: collection, filters: [filter],
                aggregates: [AggregateRequest(kind: .selectUnique, target: user)])
        }
        return [
            try scan("Q1", .count),
            try scan("Q2", .count, where: [country], days: 10..<17),
            try scan("Q3", .sum, of: "amount", by: ["country"]),
            try scan("Q4", .count, by: ["page"], top: 10),
            try scan("Q5", .average, of: "session_ms", by: ["device"], every: day),
            try scan("Q6", .countUnique, of: "user_id"),
            try scan("Q7", .numbers, of: "session_ms", by: ["country"]),
            try scan(
                "Q8", .count, by: ["referrer"],
                where: [.contains(try path("page"), .string("checkout"))]),
            try scan("Q9", .count, where: busy, every: day / 24),
            BenchQuery(
                name: "Q10",
                kind: .funnel([
                    step(.compare(try path("device"), .equal, .string("phone"))),
                    step(.compare(try path("amount"), .greater, .int(100))),
                    step(.contains(try path("page"), .string("checkout"))),
                ])),
            try scan("Q12", .count, by: ["user_id"], where: [country], top: 10),
            BenchQuery(
                name: "Q11",
                kind: .extract(
                    ExtractionPlan(
                        collection: collection, filters: [country] + busy,
                        properties: [try path("user_id"), .timestamp], limit: 100, isLatest: true))),
        ]
    }
}

/// Asks every query often enough for a median.
struct QueryRun {
    private let store: EventStore
    private let threads: Int

    init(directory: String, threads: Int, cacheBytes: Int) throws {
        var options = EventStoreOptions()
        options.answerCacheBytesMax = cacheBytes
        store = try EventStore(
            directory: directory, options: options, logger: Logger(label: "benchstore"))
        self.threads = threads
    }

    /// One JSON object: by name, milliseconds of every turn but the first two, and the answer's rows.
    func run(turns: Int, only: [String]) throws -> String {
        var parts: [String] = []
        for query in try BenchQuery.all() where only.isEmpty || only.contains(query.name) {
            var times: [Double] = []
            var rows: [String] = []
            for _ in 0..<turns + 2 {
                let began = monotonicNanoseconds()
                rows = try answer(query)
                times.append(Double(monotonicNanoseconds() - began) / 1e6)
            }
            let kept = times.dropFirst(2).map { String($0) }.joined(separator: ", ")
            parts.append(
                "\"\(query.name)\": {\"ms\": [\(kept)], \"first\": \(times[0]), "
                    + "\"rows\": [\(rows.joined(separator: ", "))]}")
        }
        return "{\(parts.joined(separator: ", "))}"
    }

    private func answer(_ query: BenchQuery) throws -> [String] {
        switch query.kind {
        case .extract(let plan):
            let found = try store.extract(plan, shards: [ShardID(0)]) {}
            return found.events.map { String(decoding: $0.json, as: UTF8.self) }
        case .funnel(let steps): return try answer(steps: steps)
        case .scan(let plan):
            let found = try scan(plan)
            let order =
                query.top.map { top in
                    let figures = found.states[0].figures
                    return found.keys.first(
                        top, by: [GroupOrdering(.figures(figures), isDescending: true)])
                } ?? found.keys.answerOrder
            return order.map { index in
                let group = found.group(Int(index))
                let bucket = plan.boundaries.isEmpty ? [] : ["\(group.bucket)"]
                let cells = bucket + group.key.map(Self.json) + group.states.map(Self.json)
                return "[\(cells.joined(separator: ", "))]"
            }
        }
    }

    /// How many actors reach each step.
    private func answer(steps: [ScanPlan]) throws -> [String] {
        var reached: DistinctValues?
        return try steps.map { plan in
            var actors = DistinctValues()
            if case .selectUnique(let found)? = try scan(plan).groups.first?.states.first {
                actors = found
            }
            let left = reached?.intersection(actors) ?? actors
            reached = left
            return "[\(left.count)]"
        }
    }

    private func scan(_ plan: ScanPlan) throws -> PartialResult {
        let scan = try store.beginScan(plan, shards: [ShardID(0)]) {}
        let lanes = (0..<min(threads, scan.laneCountMax)).map { _ in scan.makeLane() }
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: lanes.count) { lane in
            do { while try lanes[lane].step() {} } catch { failure.withLock { $0 = error } }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return try scan.finish(lanes)
    }

    private static func json(_ value: Value) -> String {
        switch value {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): "\"\(text)\""
        case .null, .bool, .json: "null"
        }
    }

    private static func json(_ state: AggregateState) -> String {
        let result: AggregateResult =
            if case .numbers(let numbers) = state {
                numbers.percentile(hundredths: 9500)
            } else {
                state.result
            }
        return switch result {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .null, .list: "null"
        }
    }
}
