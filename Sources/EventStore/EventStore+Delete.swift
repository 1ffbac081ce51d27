// Deletes of chosen events and of properties, which read a collection and may take long. They are
// accepted at their offset and carried out afterwards: batches that follow are applied meanwhile,
// and queries are answered.
//
// - Accepting notes the delete in the table `deletes`, in the atomic batch that moves the applied
//   offset. Until it is done `appliedOffset` says that the shard stands before it, so whoever waits
//   for that offset sees nothing of what was to go.
// - It takes blocks whose first offset lies before its own and no others. Merges leave a collection
//   alone while a delete waits for it, so no block has rows from both sides.
// - It reads a snapshot without a lock, on the merger's turn, so that nothing but other control
//   records changes what it reads; the shard's edition tells, and it reads again. Its outcome and
//   the end of the note are one atomic batch: a stop before it leaves the note, and the delete is
//   carried out after the next opening.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Scan
internal import Synchronization
internal import Wire

/// A delete that has been accepted.
struct PendingDelete: Sendable {
    var collection: CollectionID
    var offset: Int64
    var command: ControlCommand

    func key(_ shard: ShardID) -> [UInt8] {
        var key = KeyWriter(StoreTables.row(shard, collection))
        key.append(offset)
        return key.bytes
    }
}

/// What a delete, or retention, takes out of blocks, not written yet.
struct PlannedRemoval {
    var collection: CollectionID
    /// Blocks that lose something, and what is known of them afterwards; nil: they go.
    var blocks: [(listed: ListedBlock, edits: StoredEdits?)] = []
    /// Events that go, by hour since 1970.
    var hours: [Int64: Int64] = [:]
}

extension EventStore {
    /// Carries out all deletes that have been accepted. Does nothing if a merge is under way, which
    /// does so itself.
    package func finishDeletes() throws {
        try checkOpen()
        guard !isMerging.exchange(true, ordering: .acquiring) else { return }
        defer { isMerging.store(false, ordering: .releasing) }
        do { for shard in allShards { try finishDeletes(of: shard) } } catch {
            throw EventStoreError.wrapping(error)
        }
    }

    /// The same for one shard, by whoever has the merger's turn.
    func finishDeletes(of shard: Shard) throws {
        while true {
            let (next, edition) = shard.state.withLock { ($0.deletes.first, $0.edition) }
            guard let next else { return }
            let reader = beginReading()
            defer { reader.end() }
            let planned = try plan(next, shard.id, reader.snapshot)
            let removal = try shard.state.withLock { state -> Removal? in
                // Another control record came: some of the blocks may be others now.
                guard state.edition == edition else { return nil }
                var changes = rows.makeBatch()
                var removal = Removal(collection: next.collection)
                removal.finished = next.offset
                changes.delete(StoreTables.deletes, key: next.key(shard.id))
                try put(planned, shard.id, &removal, &changes)
                try rows.write(changes, sync: false)
                finish(removal, in: &state)
                return removal
            }
            if let removal { release(removal, of: shard) }
        }
    }

    private func plan(
        _ delete: PendingDelete, _ shard: ShardID, _ snapshot: RowSnapshot
    ) throws -> PlannedRemoval {
        switch delete.command {
        case .deleteEvents(let timeframe, let filters):
            let frame = timeframe.map { $0.lowerBound.milliseconds..<$0.upperBound.milliseconds }
            return try planRows(
                RowFinder(filters: filters, timeframe: frame), frame,
                try blocks(of: delete.collection, shard, snapshot, before: delete.offset),
                of: delete.collection, isDelete: true, snapshot)
        case .deleteProperty(let path):
            return try planProperty(
                path, try blocks(of: delete.collection, shard, snapshot, before: delete.offset),
                of: delete.collection, snapshot)
        case .deleteCollection, .keep:
            throw EventStoreError(.damaged, "a control record of this kind never waits")
        }
    }

    private func blocks(
        of collection: CollectionID, _ shard: ShardID, _ snapshot: RowSnapshot, before offset: Int64
    ) throws -> [ListedBlock] {
        try blocks(of: collection, shard, snapshot).filter {
            try $0.position.firstOffset < offset
        }
    }

    // MARK: Reading

    /// Which rows of the blocks `finder` finds. With `isDelete` false, a block that cannot be read
    /// is passed over: retention asks again.
    func planRows(
        _ finder: RowFinder, _ timeframe: Range<Int64>?, _ blocks: [ListedBlock],
        of collection: CollectionID, isDelete: Bool, _ snapshot: RowSnapshot
    ) throws -> PlannedRemoval {
        var planned = PlannedRemoval(collection: collection)
        for block in blocks
        where block.record.overlaps(timeframe) && block.stored?.undecided == nil {
            var stored = block.stored ?? StoredEdits()
            do {
                let found = try read(block, snapshot) { try finder.find(in: $0) }
                guard !found.rows.isEmpty else { continue }
                for time in found.times {
                    planned.hours[time.floorDivided(by: 3_600_000), default: 0] += 1
                }
                stored.edits.delete(found.rows, of: block.record.rowCount)
                stored.isDeleted = stored.isDeleted || isDelete
            } catch let error as EventStoreError where error.code == .damaged {
                guard isDelete else { continue }
                // Nobody knows what is left of it, so from here on nobody may count it.
                stored.undecided = error.message
            }
            let isGone = stored.edits.deletedCount == block.record.rowCount
            planned.blocks.append((block, isGone ? nil : stored))
        }
        return planned
    }

    private func planProperty(
        _ path: PropertyPath, _ blocks: [ListedBlock], of collection: CollectionID,
        _ snapshot: RowSnapshot
    ) throws -> PlannedRemoval {
        var planned = PlannedRemoval(collection: collection)
        for block in blocks {
            var stored = block.stored ?? StoredEdits()
            do {
                let isThere = try read(block, snapshot) { block in
                    block.visibleColumns.contains { position in
                        block.column(at: position).withPathBytes { PropertyPath.covers(path, $0) }
                    }
                }
                guard isThere else { continue }
            } catch let error as EventStoreError where error.code == .damaged {
                // Hidden is right whether it has the property or not.
            }
            stored.edits.hide(path)
            stored.isDeleted = true
            planned.blocks.append((block, stored))
        }
        return planned
    }

    // MARK: Writing

    /// Puts what was planned into `changes`. The shard's lock is held.
    func put(
        _ planned: PlannedRemoval, _ shard: ShardID, _ removal: inout Removal,
        _ changes: inout WriteBatch
    ) throws {
        for (listed, edits) in planned.blocks {
            if let edits {
                changes.put(StoreTables.edits, key: listed.key, value: edits.encoded)
                removal.edited += 1
            } else {
                drop(listed, &changes)
                removal.removed.append(listed)
            }
        }
        try uncount(planned.hours, shard, &removal, &changes)
    }

    /// Takes events out of the counts. A collection whose last event goes is gone itself.
    private func uncount(
        _ hours: [Int64: Int64], _ shard: ShardID, _ removal: inout Removal,
        _ changes: inout WriteBatch
    ) throws {
        let row = StoreTables.row(shard, removal.collection)
        let count = hours.values.reduce(0, +)
        guard count > 0 else { return }
        if try rows.counter(StoreTables.totals, key: row) <= count {
            return try removeAll(shard, &removal, &changes)
        }
        changes.add(StoreTables.totals, key: row, -count)
        for (hour, count) in hours.sorted(by: { $0.key < $1.key }) {
            changes.add(
                StoreTables.rollups, key: StoreTables.rollupKey(row, hour: hour), -count)
        }
    }
}
