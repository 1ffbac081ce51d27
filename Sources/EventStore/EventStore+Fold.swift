// Makes ordinary fresh blocks of the small ones of a collection, which lie in one cell: when there
// are many, before a merge that would bring others out of the order of the log, and before anything
// is taken out of them, so that merges and edits know ordinary blocks only.
//
// A fold changes how events are stored and nothing else; it need not survive a power cut.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Synchronization

/// A collection's small blocks, read, and what becomes of them.
private struct Fold {
    var collection: CollectionID
    /// What the cell held.
    var size: SmallSize
    var outcome: [SmallBlock]
}

extension EventStore {
    /// Collections whose cells one write replaces: `apply` waits for it. A choice.
    private static let foldsPerWrite = 256

    /// Folds collections of a shard. Called by one thread at a time, and never with the lock.
    /// Returns how many blocks have come out.
    func fold(_ collections: [CollectionID], _ shard: Shard) throws -> Int {
        var count = 0
        var rest = collections[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.foldsPerWrite)
            rest = rest.dropFirst(some.count)
            let (edition, fresh) = shard.state.withLock { state in
                (state.edition, some.map { state.fresh[$0, default: []].map(\.position) })
            }
            let folds = try zip(some, fresh).map { try read($0, among: $1, shard.id) }
            count += try shard.state.withLock { state in
                // After a delete the next round folds what is left.
                guard state.edition == edition else { return 0 }
                // What has grown meanwhile is read again, or would never come to an end.
                return try write(
                    try folds.map { fold in
                        let isAsRead = state.small[fold.collection] == fold.size
                        return isAsRead ? fold : try read(fold.collection, shard.id, state)
                    }, shard.id, &state)
            }
        }
        return count
    }

    /// Folds one collection of a shard, whose lock is held, if some of its small blocks may hold an
    /// event of the timeframe.
    func settle(
        _ collection: CollectionID, overlapping timeframe: Range<Int64>? = nil, _ shard: ShardID,
        in state: inout ShardState
    ) throws {
        guard state.small[collection] != nil else { return }
        let row = StoreTables.row(shard, collection)
        let blocks = try smallBlocks(row, rows.snapshot())
        guard blocks.contains(where: { $0.record.overlaps(timeframe) }) else { return }
        _ = try write([try read(collection, shard, state)], shard, &state)
        // A fold of the merger that has read the cell before must not be taken for this one's.
        state.edition += 1
    }

    /// The small blocks of a row, in the order of the log.
    func smallBlocks(_ row: [UInt8], _ snapshot: RowSnapshot) throws -> [SmallBlock] {
        guard let cell = try snapshot.get(StoreTables.small, key: row) else { return [] }
        do { return try SmallCell.blocks(cell) } catch {
            throw EventStoreError(
                .damaged, "small blocks \(hexadecimal(row)) cannot be read: \(error)",
                cause: error)
        }
    }

    private func read(
        _ collection: CollectionID, _ shard: ShardID, _ state: ShardState
    ) throws -> Fold {
        try read(
            collection, among: state.fresh[collection, default: []].map(\.position), shard)
    }

    /// Reads a cell and merges what lies next to each other in the order of the log.
    private func read(
        _ collection: CollectionID, among fresh: [BlockPosition], _ shard: ShardID
    ) throws -> Fold {
        let blocks = try smallBlocks(StoreTables.row(shard, collection), rows.snapshot())
        var fold = Fold(collection: collection, size: SmallSize(), outcome: [])
        var run: [SmallBlock] = []
        var later = fresh[...]
        for block in blocks {
            fold.size.add(block.record)
            let passed = later.prefix { $0 < block.position }.count
            if passed > 0 {
                fold.outcome += Self.merged(run)
                run = []
                later = later.dropFirst(passed)
            }
            run.append(block)
        }
        fold.outcome += Self.merged(run)
        return fold
    }

    /// The blocks as one. As they are if one of them is damaged: then it is found where all fresh
    /// blocks are.
    private static func merged(_ run: [SmallBlock]) -> [SmallBlock] {
        guard run.count > 1 else { return run }
        var builder = BlockBuilder()
        do throws(BlockError) {
            for small in run { try builder.append(try Block(small.bytes)) }
            let bytes = builder.encode()
            let record = BlockRecord(fresh: try Block(bytes))
            return [SmallBlock(position: run[0].position, record: record, bytes: bytes)]
        } catch { return run }
    }

    /// Writes folds, and takes them over into the state.
    private func write(
        _ folds: [Fold], _ shard: ShardID, _ state: inout ShardState
    ) throws -> Int {
        var changes = rows.makeBatch()
        var count = 0
        for fold in folds where !fold.outcome.isEmpty {
            let row = StoreTables.row(shard, fold.collection)
            changes.delete(StoreTables.small, key: row)
            for block in fold.outcome {
                let key = block.position.key(row)
                changes.put(StoreTables.tail, key: key, value: block.bytes)
                changes.put(StoreTables.blocks, key: key, value: block.record.encoded)
            }
            count += fold.outcome.count
        }
        guard count > 0 else { return 0 }
        try rows.write(changes, sync: false)
        for fold in folds where !fold.outcome.isEmpty {
            state.unfold(
                fold.collection,
                into: fold.outcome.map {
                    let size = FreshSize(
                        rowCount: $0.record.rowCount, byteCount: $0.record.byteCount)
                    return FreshBlock(position: $0.position, size: size)
                }, policy: options.mergePolicy)
        }
        return count
    }
}
