// Reading events back: the newest rows of each shard are found first, then only their blocks are
// read again and written as JSON. One snapshot for both. A block at a time, so that others get
// their turn in between.

internal import Base
internal import Columns
package import Model
package import Plan
internal import RowStore
internal import Scan
internal import Synchronization

/// An extraction under way. Any thread, one at a time. It holds a snapshot until it goes away.
package final class StoreExtraction: Sendable {
    /// One shard's part.
    private struct ShardState {
        var shard: ShardID
        var listed: [ListedBlock]
        var newest: NewestRows
        /// Blocks whose rows have not been looked at, the one with the latest event last.
        var unread: [Int]
        /// Blocks with rows that are wanted but not written yet, and which rows those are.
        var unwritten: [(block: Int, indexes: [Int])]?
        var rows: [ExtractedRow] = []
        var texts: [[UInt8]] = []
        var renderer: EventRenderer
        var skippedCount: Int
    }

    private struct State {
        var shards: [ShardID]
        var current: ShardState?
        var results: [ExtractionResult] = []
    }

    private let store: EventStore
    private let plan: ExtractionPlan
    private let reader: StoreReader
    private let began = monotonicNanoseconds()
    private let state: Mutex<State>

    fileprivate init(_ store: EventStore, _ plan: ExtractionPlan, _ shards: [ShardID]) {
        self.store = store
        self.plan = plan
        reader = store.beginReading()
        state = Mutex(State(shards: shards.reversed()))
    }

    deinit { reader.end() }

    /// Reads one block, or finds the blocks of a shard; false when all is done. After an error it
    /// is of no more use. Throws `ExtractionTooLarge` too.
    package func step() throws -> Bool {
        do { return try state.withLock { try step(&$0) } } catch {
            throw EventStoreError.wrapping(error)
        }
    }

    /// The events, newest first. Call it once, when nothing is left to do.
    package func finish() throws -> ExtractionResult {
        defer { store.metrics.recordScan(since: began) }
        do {
            return try plan.merge(
                state.withLock { $0.results }, bytesMax: Limits.extractionBytesMax)
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func step(_ state: inout State) throws -> Bool {
        guard var shard = state.current else {
            guard let next = state.shards.popLast() else { return false }
            state.current = try begin(next)
            return true
        }
        // Taken out, so that what grows is not copied.
        state.current = nil
        if try find(&shard) {
            state.current = shard
        } else if try write(&shard) {
            state.current = shard
        } else {
            state.results.append(result(of: shard))
        }
        return true
    }

    private func begin(_ shard: ShardID) throws -> ShardState {
        let timeframe = plan.timeframe.map {
            $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
        }
        let listed = try store.blocks(of: plan.collection, shard, reader.snapshot)
        let chosen = listed.indices.filter { listed[$0].record.overlaps(timeframe) }
        let latestLast = chosen.sorted {
            (listed[$0].record.maxTimestamp, $0) < (listed[$1].record.maxTimestamp, $1)
        }
        return ShardState(
            shard: shard, listed: listed, newest: NewestRows(plan: plan), unread: latestLast,
            renderer: EventRenderer(
                properties: plan.properties, byteCountMax: Limits.extractionBytesMax),
            skippedCount: listed.count - chosen.count)
    }

    /// Looks at the rows of the next block that may have wanted ones; false if there is none.
    private func find(_ shard: inout ShardState) throws -> Bool {
        while let number = shard.unread.popLast() {
            let block = shard.listed[number]
            guard shard.newest.wants(maxTimestamp: block.record.maxTimestamp) else { continue }
            let newest = shard.newest
            try store.read(block, reader.snapshot) { try newest.consume($0, number: number) }
            return true
        }
        return false
    }

    /// Writes the wanted rows of the next block; false if there is none.
    private func write(_ shard: inout ShardState) throws -> Bool {
        if shard.unwritten == nil {
            let rows = shard.newest.finish()
            shard.rows = rows
            shard.texts = [[UInt8]](repeating: [], count: rows.count)
            shard.unwritten = Dictionary(grouping: rows.indices) { rows[$0].block }
                .sorted { $0.key > $1.key }.map { (block: $0.key, indexes: $0.value) }
        }
        guard let (number, indexes) = shard.unwritten?.popLast() else { return false }
        let rows = indexes.map { shard.rows[$0].row }
        var renderer = shard.renderer
        let texts = try store.read(shard.listed[number], reader.snapshot) { block in
            try renderer.render(block, rows: rows) {}
        }
        shard.renderer = renderer
        for (index, text) in zip(indexes, texts) { shard.texts[index] = text }
        return true
    }

    private func result(of shard: ShardState) -> ExtractionResult {
        var statistics = shard.newest.statistics
        statistics.blocksSkipped += Int64(shard.skippedCount)
        let events = shard.rows.indices.map {
            ExtractedEvent(
                shard: shard.shard, timestamp: Timestamp(milliseconds: shard.rows[$0].time),
                json: shard.texts[$0])
        }
        return ExtractionResult(events: events, statistics: statistics)
    }
}

extension EventStore {
    /// Takes a snapshot for the events of `plan` in some shards.
    package func beginExtraction(
        _ plan: ExtractionPlan, shards: [ShardID]
    ) throws -> StoreExtraction {
        try checkOpen()
        return StoreExtraction(self, plan, shards)
    }

    /// The events of `plan` in some shards, newest first, read by this thread alone. Calls
    /// `checkpoint` before each block; what it throws ends the extraction.
    package func extract(
        _ plan: ExtractionPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws -> ExtractionResult {
        let extraction = try beginExtraction(plan, shards: shards)
        repeat { try checkpoint() } while try extraction.step()
        return try extraction.finish()
    }
}
