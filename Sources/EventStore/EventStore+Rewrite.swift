// Writes edited blocks anew without what is gone, so that deleted events leave the disk. Fresh
// blocks are rewritten in place, sealed ones into a new segment; a segment that no manifest cell
// names any more is removed when the last reader that may know it has finished.
//
// A delete may come while a block is being read here: the shard's edition tells, and the rewrite is
// thrown away and done again.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Synchronization

/// Blocks written anew.
private struct Rewritten {
    var listed: ListedBlock
    var bytes: [UInt8]
    var record: BlockRecord
}

extension EventStore {
    /// Rewrites some edited blocks of a shard, if there are any that are worth it. Called by one
    /// thread at a time.
    func rewriteEdited(_ shard: Shard, _ report: inout MergeReport) throws {
        let edition = shard.state.withLock { $0.edition }
        let reader = beginReading()
        defer { reader.end() }
        let candidates = try editedBlocks(of: shard.id, reader.snapshot)
        guard !candidates.isEmpty else { return }
        var rewritten: [Rewritten] = []
        for listed in candidates {
            do {
                rewritten.append(try read(listed, reader.snapshot) { try rewrite($0, listed) })
            } catch let error as EventStoreError where error.code == .damaged {
                // It stays as it is: readers are told, and so is `verify`.
                continue
            }
        }
        try replace(rewritten, shard, edition, &report)
    }

    private func rewrite(_ block: Block, _ listed: ListedBlock) throws -> Rewritten {
        var builder = BlockBuilder()
        try builder.append(block)
        let isSealed = listed.record.place != .fresh
        let bytes = builder.encode(form: isSealed ? .sealed : .fresh)
        return Rewritten(
            listed: listed, bytes: bytes, record: BlockRecord(fresh: try Block(bytes)))
    }

    /// As many as one segment aims at.
    private func editedBlocks(
        of shard: ShardID, _ snapshot: RowSnapshot
    ) throws -> [ListedBlock] {
        var found: [ListedBlock] = []
        var byteCount = 0
        try snapshot.forEach(StoreTables.edits, in: .beginning(with: StoreTables.row(shard))) {
            cell in
            guard let bytes = try snapshot.get(StoreTables.blocks, key: cell.key) else {
                return true
            }
            let record = try BlockRecord(bytes)
            let stored = try StoredEdits(cell.value, rowCount: record.rowCount)
            guard stored.isWorthRewriting(of: record) else { return true }
            var key = KeyReader(cell.key)
            _ = try key.readInt32()
            found.append(
                ListedBlock(
                    shard: shard, collection: try StoreTables.readCollection(&key),
                    key: cell.key, record: record, stored: stored))
            byteCount += record.byteCount
            return byteCount < Limits.segmentBytesAim
        }
        return found
    }

    private func replace(
        _ rewritten: [Rewritten], _ shard: Shard, _ edition: UInt64,
        _ report: inout MergeReport
    ) throws {
        guard !rewritten.isEmpty else { return }
        var changes = rows.makeBatch()
        let segment = try writeSegment(rewritten, shard.id, &changes)
        var batch: WriteBatch? = changes
        let isDone = try shard.state.withLock { state in
            guard state.edition == edition else { return false }
            if let batch = batch.take() { try rows.write(batch, sync: true) }
            for block in rewritten where block.listed.record.place == .fresh {
                state.resize(
                    try block.listed.position, of: block.listed.collection,
                    to: FreshSize(
                        rowCount: block.record.rowCount, byteCount: block.record.byteCount),
                    policy: options.mergePolicy)
            }
            return true
        }
        guard isDone else {
            if let segment { try segments.drop(segment.number) }
            return
        }
        report.rewrittenBlocks += rewritten.count
        let left = Removal(
            collection: rewritten[0].listed.collection, removed: rewritten.map(\.listed))
        if let segment {
            uses.add(segment.number, blocks: segment.entries.count)
            report.segments += 1
            report.segmentBytes += segment.byteCount
        }
        release(left, of: shard)
    }

    /// Puts all cells into `changes` and writes the segment of the sealed blocks, if there are any.
    private func writeSegment(
        _ rewritten: [Rewritten], _ shard: ShardID, _ changes: inout WriteBatch
    ) throws -> SegmentBuilder? {
        let hasSealed = rewritten.contains { $0.listed.record.place != .fresh }
        var segment =
            hasSealed
            ? SegmentBuilder(shard: shard, number: try takeSegmentNumber()) : nil
        for block in rewritten {
            var record = block.record
            if block.listed.record.place == .fresh {
                changes.put(StoreTables.tail, key: block.listed.key, value: block.bytes)
            } else if let number = segment?.number {
                let offset = segment?.append(
                    block.bytes, collection: block.listed.collection,
                    position: try block.listed.position, record: record)
                record.place = .sealed(segment: number, offset: offset ?? 0)
            }
            changes.put(StoreTables.blocks, key: block.listed.key, value: record.encoded)
            changes.delete(StoreTables.edits, key: block.listed.key)
        }
        if let segment { try segments.write(segment) }
        return segment
    }

    /// What has been taken out of a fresh block. Throws if nobody can say.
    func edits(ofFresh key: [UInt8]) throws -> BlockEdits {
        guard let cell = try rows.get(StoreTables.edits, key: key) else { return BlockEdits() }
        guard let record = try rows.get(StoreTables.blocks, key: key) else { return BlockEdits() }
        let stored = try StoredEdits(cell, rowCount: try BlockRecord(record).rowCount)
        if let undecided = stored.undecided {
            throw EventStoreError(
                .damaged,
                "a delete could not be applied to fresh block \(hexadecimal(key)): \(undecided)")
        }
        return stored.edits
    }

    /// Removes the files of segments that nobody can name any more.
    func removeUnusedSegments() throws {
        for number in readers.takeUnused() {
            answers.forget(segment: number)
            try segments.drop(number)
        }
    }
}

extension StoredEdits {
    /// What was deleted goes soon; what is only too old, when it is a quarter of the block.
    func isWorthRewriting(of record: BlockRecord) -> Bool {
        undecided == nil && (isDeleted || edits.deletedCount * 4 >= record.rowCount)
    }
}
