// Answers counts of whole hours, and of all time, from the hourly rollups.

internal import Aggregate
internal import Model
internal import Plan
internal import RowStore

/// A plan that asks for nothing but counts of whole hours.
struct RollupCounter {
    private static let hourMilliseconds: Int64 = 3_600_000
    private let plan: ScanPlan
    /// Hours since 1970 that bound the buckets; empty for a count of all time.
    private let hours: [Int64]

    /// Nil when the plan needs events.
    init?(_ plan: ScanPlan) {
        guard plan.filters.isEmpty, plan.groupBy.isEmpty, !plan.aggregates.isEmpty,
            plan.aggregates.allSatisfy({ $0.kind == .count })
        else { return nil }
        var times = plan.boundaries.map(\.milliseconds)
        if let timeframe = plan.timeframe {
            let ends = [timeframe.lowerBound.milliseconds, timeframe.upperBound.milliseconds]
            if times.count < 2 { times = ends }
            // Planners make the boundaries' ends equal the timeframe's; Scan copes with the rest.
            guard times.first == ends[0], times.last == ends[1] else { return nil }
        } else if times.count == 1 {
            return nil
        }
        guard times.allSatisfy({ $0 % Self.hourMilliseconds == 0 }) else { return nil }
        self.plan = plan
        hours = times.map { $0 / Self.hourMilliseconds }
    }

    func count(
        in shards: [ShardID], _ snapshot: RowSnapshot, checkpoint: () throws -> Void
    ) throws -> PartialResult {
        var counts: [Int32: Int64] = [:]
        for shard in shards {
            try checkpoint()
            let row = StoreTables.row(shard, plan.collection)
            if hours.isEmpty {
                counts[0, default: 0] += try snapshot.counter(StoreTables.totals, key: row)
            } else {
                try count(row, snapshot, into: &counts)
            }
        }
        let found = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        let column = StateColumn.counts(found.map(\.value))
        var result = PartialResult(
            keys: GroupKeys(buckets: found.map(\.key), columns: []),
            states: plan.aggregates.map { _ in column })
        result.statistics.usedRollup = true
        return result
    }

    private func count(
        _ row: [UInt8], _ snapshot: RowSnapshot, into counts: inout [Int32: Int64]
    ) throws {
        guard let first = hours.first, let last = hours.last, first < last else { return }
        let range = KeyRange(
            lower: StoreTables.rollupKey(row, hour: first),
            upper: StoreTables.rollupKey(row, hour: last))
        var bucket = 0
        try snapshot.forEach(StoreTables.rollups, in: range) { cell in
            var key = KeyReader(Array(cell.key.dropFirst(row.count)))
            let hour = try key.readInt64()
            while bucket + 2 < hours.count, hour >= hours[bucket + 1] { bucket += 1 }
            counts[Int32(bucket), default: 0] += decodeCounter(cell.value)
            return true
        }
    }
}
