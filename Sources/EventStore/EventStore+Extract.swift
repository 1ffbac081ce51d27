// Reading events back: the newest rows of each shard are found first, then only their blocks are
// read again and written as JSON. One snapshot for both.

internal import Base
internal import Columns
package import Model
package import Plan
internal import RowStore
internal import Scan

extension EventStore {
    /// The events of `plan` in some shards, newest first. Calls `checkpoint` between blocks and
    /// columns; what it throws ends the extraction. Throws `ExtractionTooLarge` too.
    package func extract(
        _ plan: ExtractionPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws -> ExtractionResult {
        try checkOpen()
        let began = monotonicNanoseconds()
        defer { metrics.recordScan(since: began) }
        let reader = beginReading()
        defer { reader.end() }
        do {
            var parts: [ExtractionResult] = []
            for shard in shards {
                parts.append(try extract(plan, shard, reader.snapshot, checkpoint))
            }
            return try plan.merge(parts, bytesMax: Limits.extractionBytesMax)
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func extract(
        _ plan: ExtractionPlan, _ shard: ShardID, _ snapshot: RowSnapshot,
        _ checkpoint: () throws -> Void
    ) throws -> ExtractionResult {
        let timeframe = plan.timeframe.map {
            $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
        }
        let listed = try blocks(of: plan.collection, shard, snapshot)
        let chosen = listed.indices.filter { listed[$0].record.overlaps(timeframe) }
        let newest = NewestRows(plan: plan)
        let latestFirst = chosen.sorted {
            (listed[$0].record.maxTimestamp, $0) > (listed[$1].record.maxTimestamp, $1)
        }
        for number in latestFirst
        where newest.wants(maxTimestamp: listed[number].record.maxTimestamp) {
            try checkpoint()
            try read(listed[number], snapshot) { try newest.consume($0, number: number) }
        }
        let rows = newest.finish()
        var statistics = newest.statistics
        statistics.blocksSkipped += Int64(listed.count - chosen.count)
        let places = Dictionary(grouping: rows.indices) { rows[$0].block }
        var texts = [[UInt8]](repeating: [], count: rows.count)
        var renderer = EventRenderer(
            properties: plan.properties, byteCountMax: Limits.extractionBytesMax)
        for (number, indexes) in places.sorted(by: { $0.key < $1.key }) {
            try read(listed[number], snapshot) { block in
                let rendered = try renderer.render(
                    block, rows: indexes.map { rows[$0].row }, checkpoint: checkpoint)
                for (index, text) in zip(indexes, rendered) { texts[index] = text }
            }
        }
        let events = rows.indices.map {
            ExtractedEvent(
                shard: shard, timestamp: Timestamp(milliseconds: rows[$0].time), json: texts[$0])
        }
        return ExtractionResult(events: events, statistics: statistics)
    }
}
