// The background merger: fresh blocks become larger fresh blocks, and full ones sealed blocks in a
// segment file. Order of a seal: read and merge; write the file, sync it, rename it, sync the
// directory; then one synced batch that names the sealed blocks in the manifest and removes the
// fresh ones. A stop before the batch leaves an orphan file; after it everything is done.
//
// What cannot be read is left where it is, and the rest goes on; the first damage is thrown at the
// end of the round.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Synchronization

/// What a round of merging did.
package struct MergeReport: Sendable, Equatable {
    package var sealedBlocks = 0
    package var sealedRows = 0
    package var segments = 0
    package var segmentBytes = 0
    /// Fresh blocks made of smaller ones.
    package var compactedBlocks = 0
    /// Small segments that have become parts of larger ones.
    package var joinedSegments = 0
    /// Blocks written anew without what was deleted from them.
    package var rewrittenBlocks = 0

    package init() {}
    package var isEmpty: Bool { self == MergeReport() }
}

/// A merge to do: which blocks of which collection.
private struct MergeTask {
    var collection: CollectionID
    var blocks: [FreshBlock]
    var seals: Bool
    /// The collection's fresh blocks before `blocks`. Blocks are sealed from the oldest on.
    var older: [FreshBlock]
    /// The shard's edition when the task was made.
    var edition: UInt64
}

/// A sealed block that is to be written.
private struct SealedBlock {
    var position: BlockPosition
    var bytes: [UInt8]
    var record: BlockRecord
}

extension EventStore {
    /// Does the merges that are due now, in all shards. Returns an empty report at once if another
    /// thread is merging. `apply` and `scan` go on meanwhile. Damage of one collection is thrown
    /// after the others have been merged, trouble with the disk at once.
    package func mergeOnce() throws -> MergeReport {
        try checkOpen()
        guard !isMerging.exchange(true, ordering: .acquiring) else { return MergeReport() }
        defer { isMerging.store(false, ordering: .releasing) }
        var round = MergeRound()
        defer { metrics.recordMerge(round.report, freshRows: freshRowCount) }
        do {
            for shard in allShards {
                let before = round.report.segments
                round.finishDeletes { try finishDeletes(of: shard) }
                try merge(shard, &round)
                try rewriteEdited(shard, &round.report)
                let written = round.report.segments - before
                shard.newSegments.add(written, ordering: .relaxed)
                try joinSegments(shard, &round.report)
            }
            // Those that came meanwhile.
            for shard in allShards { round.finishDeletes { try finishDeletes(of: shard) } }
            try removeUnusedSegments()
        } catch { throw EventStoreError.wrapping(error) }
        if let trouble = round.trouble ?? round.damage { throw trouble }
        return round.report
    }

    /// Collections of a shard that one round looks at: `apply` waits for the planning. A choice.
    private static let collectionsPerRound = 1024

    /// Blocks that one round seals of a collection, so that one with a long tail does not keep the
    /// others waiting. A choice.
    private static let stepsPerTurn = 8

    private struct MergeRound {
        var report = MergeReport()
        var damage: EventStoreError?
        /// What kept a delete from being carried out, which must not keep merges from it.
        var trouble: (any Error)?
        /// Collections of the shard being merged that have met damage.
        var damaged: Set<CollectionID> = []

        mutating func finishDeletes(_ body: () throws -> Void) {
            do { try body() } catch { trouble = trouble ?? EventStoreError.wrapping(error) }
        }

        /// Runs a step of one collection; nil if it met damage, now or before: sealed blocks stay
        /// older than fresh ones.
        mutating func attempt<Result>(
            _ collection: CollectionID, _ step: () throws -> Result
        ) throws -> Result? {
            guard !damaged.contains(collection) else { return nil }
            do { return try step() } catch {
                let error = EventStoreError.wrapping(error)
                guard let found = error as? EventStoreError, found.code == .damaged else {
                    throw error
                }
                damage = damage ?? found
                damaged.insert(collection)
                return nil
            }
        }
    }

    private func merge(_ shard: Shard, _ round: inout MergeRound) throws {
        let policy = options.mergePolicy
        round.damaged = []
        var folds: [CollectionID] = []
        let tasks = shard.state.withLock { state in
            let waiting = Set(state.deletes.map(\.collection))
            let turns = state.backlog.takeTurns(Self.collectionsPerRound).sorted()
            return turns.flatMap { collection in
                // No block may have rows from both sides of a delete.
                guard !waiting.contains(collection) else { return [MergeTask]() }
                // Merges take neighbours, so those in between come first.
                if state.small[collection] != nil {
                    folds.append(collection)
                    return [MergeTask]()
                }
                let blocks = state.fresh[collection, default: []]
                let steps = TailPlanner.plan(blocks.map(\.size), policy: policy)
                return steps.prefix(Self.stepsPerTurn).map {
                    MergeTask(
                        collection: collection, blocks: Array(blocks[$0.range]), seals: $0.seals,
                        older: Array(blocks[..<$0.range.lowerBound]), edition: state.edition)
                }
            }
        }
        round.report.compactedBlocks += try fold(folds, shard)
        var seals = tasks.filter(\.seals)
        for task in tasks where !task.seals {
            guard let isDone = try round.attempt(task.collection, { try compact(task, shard) })
            else { continue }
            if isDone {
                round.report.compactedBlocks += 1
            } else {
                var larger = task
                larger.blocks = task.older + task.blocks
                seals.append(larger)
            }
        }
        var rest = seals[...]
        while !rest.isEmpty { try sealSome(&rest, shard, &round) }
        shard.state.withLock { state in
            for collection in Set(tasks.map(\.collection)) {
                state.backlog.set(collection, isStuck: round.damaged.contains(collection))
            }
        }
    }

    // MARK: Reading

    /// Merges blocks from the first on, as many as the policy allows to be held in memory, at least
    /// one. Returns how many.
    private func merged(
        _ blocks: ArraySlice<FreshBlock>, row: [UInt8]
    ) throws -> (builder: BlockBuilder, count: Int) {
        var builder = BlockBuilder(
            rowsExpected: blocks.reduce(0) { $0 + $1.size.rowCount })
        var count = 0
        for fresh in blocks {
            let key = fresh.position.key(row)
            guard let bytes = try rows.get(StoreTables.tail, key: key) else {
                throw EventStoreError(
                    .damaged, "the bytes of the block \(hexadecimal(key)) of the manifest are gone")
            }
            let edits = try edits(ofFresh: key)
            do {
                let block = try Block(bytes).edited(by: edits)
                let size = builder.approximateByteCount + block.approximateByteCount
                if count > 0, size > options.mergePolicy.memoryBytes { break }
                try builder.append(block)
            } catch { throw EventStoreError(error, in: "fresh block \(hexadecimal(key))") }
            count += 1
        }
        return (builder, count)
    }

    // MARK: Fresh to fresh

    /// False if the blocks together are too large to be read again and again.
    private func compact(_ task: MergeTask, _ shard: Shard) throws -> Bool {
        guard let first = task.blocks.first else { return true }
        let row = StoreTables.row(shard.id, task.collection)
        let (builder, count) = try merged(task.blocks[...], row: row)
        guard count == task.blocks.count else { return false }
        let bytes = builder.encode()
        let record = BlockRecord(fresh: try Block(bytes))
        var changes = rows.makeBatch()
        try delete(task.blocks, row: row, &changes)
        changes.put(StoreTables.tail, key: first.position.key(row), value: bytes)
        changes.put(StoreTables.blocks, key: first.position.key(row), value: record.encoded)
        let size = FreshSize(rowCount: record.rowCount, byteCount: record.byteCount)
        let outcome = FreshBlock(position: first.position, size: size)
        var batch: WriteBatch? = changes
        try shard.state.withLock { state in
            // After a delete the next round merges what is left.
            guard state.edition == task.edition else { return }
            // Unsynced: a power cut that loses it leaves the blocks it was made of.
            if let batch = batch.take() { try rows.write(batch, sync: false) }
            state.replace(
                task.blocks, by: outcome, of: task.collection, policy: options.mergePolicy)
        }
        return true
    }

    // MARK: Fresh to sealed

    /// Takes tasks until a segment has a good size, and seals them together.
    private func sealSome(
        _ tasks: inout ArraySlice<MergeTask>, _ shard: Shard, _ round: inout MergeRound
    ) throws {
        var segment = SegmentBuilder(shard: shard.id, number: try takeSegmentNumber())
        var changes = rows.makeBatch()
        var done: [MergeTask] = []
        while let task = tasks.first, segment.byteCount < Limits.segmentBytesAim {
            tasks = tasks.dropFirst()
            let row = StoreTables.row(shard.id, task.collection)
            guard let blocks = try round.attempt(task.collection, { try sealed(task, row: row) })
            else { continue }
            try delete(task.blocks, row: row, &changes)
            for var block in blocks {
                let offset = segment.append(
                    block.bytes, collection: task.collection, position: block.position,
                    record: block.record)
                block.record.place = .sealed(segment: segment.number, offset: offset)
                changes.put(
                    StoreTables.blocks, key: block.position.key(row), value: block.record.encoded)
            }
            done.append(task)
        }
        guard !done.isEmpty else { return }
        try segments.write(segment)
        var batch: WriteBatch? = changes
        let isDone = try shard.state.withLock { state in
            // After a delete the next round seals what is left.
            guard done.allSatisfy({ $0.edition == state.edition }) else { return false }
            if let batch = batch.take() { try rows.write(batch, sync: true) }
            for task in done {
                state.replace(
                    task.blocks, by: nil, of: task.collection, policy: options.mergePolicy)
            }
            return true
        }
        guard isDone else { return try segments.drop(segment.number) }
        uses.add(segment.number, blocks: segment.entries.count)
        round.report.segments += 1
        round.report.segmentBytes += segment.byteCount
        round.report.sealedBlocks += segment.entries.count
        round.report.sealedRows += segment.entries.reduce(0) { $0 + $1.rowCount }
    }

    /// A segment's number, noted before its file is made, so that a store that cannot write makes
    /// no files that nobody will ever name.
    func takeSegmentNumber() throws -> UInt64 {
        let number = segments.takeNumber()
        var changes = rows.makeBatch()
        changes.putNextSegment(number + 1)
        try rows.write(changes, sync: false)
        return number
    }

    /// One sealed block; several if one would take too much memory.
    private func sealed(_ task: MergeTask, row: [UInt8]) throws -> [SealedBlock] {
        var rest = task.blocks[...]
        var sealed: [SealedBlock] = []
        while let first = rest.first {
            let (builder, count) = try merged(rest, row: row)
            let bytes = builder.encode(form: .sealed)
            let record = BlockRecord(fresh: try Block(bytes))
            sealed.append(SealedBlock(position: first.position, bytes: bytes, record: record))
            rest = rest.dropFirst(count)
        }
        return sealed
    }

    /// Deletes fresh blocks that lie next to each other. Many single deletes slow iterators, many
    /// range deletes slow lookups; a merge of the usual size takes the former. The manifest, which
    /// also holds sealed blocks, never takes a range.
    private func delete(_ blocks: [FreshBlock], row: [UInt8], _ changes: inout WriteBatch) throws {
        let keys = blocks.map { $0.position.key(row) }
        for key in keys {
            changes.delete(StoreTables.blocks, key: key)
            // Most have none, and a tombstone each would slow every reader.
            if try rows.get(StoreTables.edits, key: key) != nil {
                changes.delete(StoreTables.edits, key: key)
            }
        }
        if keys.count > 256, let first = keys.first, let last = keys.last {
            changes.delete(StoreTables.tail, lower: first, upper: last + [0])
        } else {
            for key in keys { changes.delete(StoreTables.tail, key: key) }
        }
    }
}
