// The background merger: fresh blocks become larger fresh blocks, and full ones sealed blocks in a
// segment file. Order of a seal: read and merge; write the file, sync it, rename it, sync the
// directory; then one synced batch that names the sealed blocks in the manifest and removes the
// fresh ones. A stop before the batch leaves an orphan file; after it everything is done.

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

    package init() {}
    package var isEmpty: Bool { self == MergeReport() }
}

/// A merge to do: which blocks of which collection.
private struct MergeTask {
    var collection: CollectionID
    var blocks: [FreshBlock]
    var seals: Bool
}

extension EventStore {
    /// Does the merges that are due now, in all shards. Returns an empty report at once if another
    /// thread is merging. `apply` and `scan` go on meanwhile.
    package func mergeOnce() throws -> MergeReport {
        try checkOpen()
        guard !isMerging.exchange(true, ordering: .acquiring) else { return MergeReport() }
        defer { isMerging.store(false, ordering: .releasing) }
        var report = MergeReport()
        do {
            for shard in allShards { try merge(shard, &report) }
        } catch { throw EventStoreError.wrapping(error) }
        metrics.recordMerge(report, freshRows: freshRowCount)
        return report
    }

    private func merge(_ shard: Shard, _ report: inout MergeReport) throws {
        let policy = options.mergePolicy
        let tasks = shard.state.withLock { state in
            state.pending.sorted().flatMap { collection in
                let blocks = state.fresh[collection, default: []]
                return TailPlanner.plan(blocks.map(\.size), policy: policy).map {
                    MergeTask(
                        collection: collection, blocks: Array(blocks[$0.range]), seals: $0.seals)
                }
            }
        }
        for task in tasks where !task.seals { try compact(task, shard, &report) }
        var seals = tasks.filter(\.seals)[...]
        while !seals.isEmpty { try sealSome(&seals, shard, &report) }
    }

    // MARK: Reading

    private func merged(_ task: MergeTask, row: [UInt8]) throws -> BlockBuilder {
        var builder = BlockBuilder()
        for block in task.blocks {
            let key = block.position.key(row)
            guard let bytes = try rows.get(StoreTables.tail, key: key) else {
                throw EventStoreError(
                    .damaged, "the bytes of the block \(hexadecimal(key)) of the manifest are gone")
            }
            do { try builder.append(try Block(bytes)) } catch {
                throw EventStoreError(error, in: "fresh block \(hexadecimal(key))")
            }
        }
        return builder
    }

    // MARK: Fresh to fresh

    private func compact(_ task: MergeTask, _ shard: Shard, _ report: inout MergeReport) throws {
        guard let first = task.blocks.first else { return }
        let row = StoreTables.row(shard.id, task.collection)
        let bytes = try merged(task, row: row).encode()
        let record = BlockRecord(fresh: try Block(bytes))
        var changes = rows.makeBatch()
        delete(task.blocks, row: row, &changes)
        changes.put(StoreTables.tail, key: first.position.key(row), value: bytes)
        changes.put(StoreTables.blocks, key: first.position.key(row), value: record.encoded)
        // Unsynced: a power cut that loses it leaves the blocks it was made of.
        try rows.write(changes, sync: false)
        let size = FreshSize(rowCount: record.rowCount, byteCount: record.byteCount)
        let outcome = FreshBlock(position: first.position, size: size)
        shard.state.withLock {
            $0.replace(
                task.blocks, by: outcome, of: task.collection, policy: options.mergePolicy)
        }
        report.compactedBlocks += 1
    }

    // MARK: Fresh to sealed

    /// Takes tasks until a segment has a good size, and seals them together.
    private func sealSome(
        _ tasks: inout ArraySlice<MergeTask>, _ shard: Shard, _ report: inout MergeReport
    ) throws {
        var segment = SegmentBuilder(shard: shard.id, number: segments.takeNumber())
        var changes = rows.makeBatch()
        var done: [MergeTask] = []
        while let task = tasks.first, segment.byteCount < Limits.segmentBytesAim {
            tasks = tasks.dropFirst()
            try seal(task, shard.id, into: &segment, &changes)
            done.append(task)
        }
        try segments.write(segment)
        try rows.write(changes, sync: true)
        shard.state.withLock { state in
            for task in done {
                state.replace(
                    task.blocks, by: nil, of: task.collection, policy: options.mergePolicy)
            }
        }
        report.segments += 1
        report.segmentBytes += segment.byteCount
        report.sealedBlocks += segment.entries.count
        report.sealedRows += segment.entries.reduce(0) { $0 + $1.rowCount }
    }

    private func seal(
        _ task: MergeTask, _ shard: ShardID, into segment: inout SegmentBuilder,
        _ changes: inout WriteBatch
    ) throws {
        guard let first = task.blocks.first else { return }
        let row = StoreTables.row(shard, task.collection)
        let bytes = try merged(task, row: row).encode(form: .sealed)
        var record = BlockRecord(fresh: try Block(bytes))
        let offset = segment.append(
            bytes, collection: task.collection, position: first.position, record: record)
        record.place = .sealed(segment: segment.number, offset: offset)
        delete(task.blocks, row: row, &changes)
        changes.put(StoreTables.blocks, key: first.position.key(row), value: record.encoded)
    }

    /// Deletes fresh blocks that lie next to each other. Many single deletes slow iterators, many
    /// range deletes slow lookups; a merge of the usual size takes the former.
    private func delete(_ blocks: [FreshBlock], row: [UInt8], _ changes: inout WriteBatch) {
        let keys = blocks.map { $0.position.key(row) }
        for table in [StoreTables.tail, StoreTables.blocks] {
            if keys.count > 256, let first = keys.first, let last = keys.last {
                changes.delete(table, lower: first, upper: last + [0])
            } else {
                for key in keys { changes.delete(table, key: key) }
            }
        }
    }
}
