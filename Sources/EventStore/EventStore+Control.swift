// Control records: deletes, and how long events are kept. A delete takes effect in the one atomic
// batch that also moves the applied offset: whole blocks leave the manifest, parts of blocks are
// noted in `edits`, and totals, hours and the schema agree with what is left. The merger rewrites
// edited blocks later.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Scan
internal import Synchronization
internal import Wire

/// What a control record, or retention, does to a shard's state in memory, once it is stored.
struct Removal {
    var collection: CollectionID
    /// Blocks that are gone.
    var removed: [ListedBlock] = []
    /// Blocks that have lost something.
    var edited = 0
    /// Events that are gone, by hour since 1970; nil: whatever there was.
    var hours: [Int64: Int64]? = [:]
    /// Whether schema cells have been deleted.
    var forgetsTypes = false

    var isEmpty: Bool { removed.isEmpty && edited == 0 && !forgetsTypes }

    var releasedSegments: [UInt64] {
        removed.compactMap {
            if case .sealed(let segment, _) = $0.record.place { segment } else { nil }
        }
    }
}

extension EventStore {
    /// Puts what a control record does into `changes`. The shard's lock is held.
    func apply(
        _ control: CheckedBatch.Control, _ shard: ShardID, _ changes: inout WriteBatch
    ) throws -> Removal {
        var removal = Removal(collection: control.collection)
        let row = StoreTables.row(shard, control.collection)
        switch control.command {
        case .keep(let milliseconds):
            if let milliseconds {
                var value = ByteWriter()
                value.write(littleEndian: milliseconds)
                changes.put(StoreTables.retention, key: row, value: value.bytes)
            } else {
                changes.delete(StoreTables.retention, key: row)
            }
        case .deleteCollection: try removeAll(shard, &removal, &changes)
        case .deleteEvents(let timeframe, let filters):
            let frame = timeframe.map { $0.lowerBound.milliseconds..<$0.upperBound.milliseconds }
            guard frame != nil || !filters.isEmpty else {
                try removeAll(shard, &removal, &changes)
                break
            }
            try removeRows(
                RowFinder(filters: filters, timeframe: frame), frame, shard, isDelete: true,
                &removal, &changes)
        case .deleteProperty(let path): try remove(path, shard, &removal, &changes)
        }
        return removal
    }

    /// Takes a stored removal over into the state.
    func finish(_ removal: Removal, in state: inout ShardState) {
        guard !removal.isEmpty else { return }
        state.edition += 1
        if removal.forgetsTypes { state.knownTypes.forget(removal.collection) }
        let gone = Set(removal.removed.map(\.key))
        guard !gone.isEmpty, var blocks = state.fresh[removal.collection] else { return }
        let row = removal.removed[0].key.dropLast(12)
        blocks.removeAll { block in
            guard gone.contains(block.position.key(Array(row))) else { return false }
            state.freshRowCount -= block.size.rowCount
            return true
        }
        state.fresh[removal.collection] = blocks.isEmpty ? nil : blocks
        state.updatePending(removal.collection, options.mergePolicy)
    }

    /// Lets go of the segments that a stored removal was the last to use. Without a shard's lock.
    func release(_ removal: Removal, of shard: Shard) {
        let segments = removal.releasedSegments
        readers.retire(uses.release(segments))
        // Others may hold little else than what is gone.
        if !segments.isEmpty { shard.newSegments.store(Shard.lookIsDue, ordering: .relaxed) }
    }

    // MARK: Everything

    private func removeAll(
        _ shard: ShardID, _ removal: inout Removal, _ changes: inout WriteBatch
    ) throws {
        let snapshot = rows.snapshot()
        let row = StoreTables.row(shard, removal.collection)
        removal.removed = try blocks(of: removal.collection, shard, snapshot)
        removal.hours = nil
        removal.forgetsTypes = true
        for block in removal.removed { drop(block, &changes) }
        forgetTokens(row, &changes)
        // One by one: range deletes slow later reads, and these are few cells.
        for table in [StoreTables.rollups, StoreTables.totals, StoreTables.schema] {
            try snapshot.forEach(table, in: .beginning(with: row)) { cell in
                changes.delete(table, key: cell.key)
                return true
            }
        }
    }

    /// Events that are sent again after the delete are new ones. A range, as there may be millions.
    private func forgetTokens(_ row: [UInt8], _ changes: inout WriteBatch) {
        guard let end = KeyRange.beginning(with: row).upper else { return }
        changes.delete(StoreTables.tokens, lower: row, upper: end)
    }

    private func drop(_ block: ListedBlock, _ changes: inout WriteBatch) {
        changes.delete(StoreTables.blocks, key: block.key)
        if block.record.place == .fresh { changes.delete(StoreTables.tail, key: block.key) }
        if block.stored != nil { changes.delete(StoreTables.edits, key: block.key) }
    }

    // MARK: Rows

    /// Takes out the rows that `finder` finds. With `isDelete` false, a block that cannot be read
    /// is passed over: retention asks again.
    func removeRows(
        _ finder: RowFinder, _ timeframe: Range<Int64>?, _ shard: ShardID, isDelete: Bool,
        _ removal: inout Removal, _ changes: inout WriteBatch
    ) throws {
        let snapshot = rows.snapshot()
        var hours: [Int64: Int64] = [:]
        for block in try blocks(of: removal.collection, shard, snapshot)
        where block.record.overlaps(timeframe) && block.stored?.undecided == nil {
            var stored = block.stored ?? StoredEdits()
            do {
                let found = try read(block, snapshot) { try finder.find(in: $0) }
                guard !found.rows.isEmpty else { continue }
                for time in found.times { hours[time.floorDivided(by: 3_600_000), default: 0] += 1 }
                stored.edits.delete(found.rows, of: block.record.rowCount)
                stored.isDeleted = stored.isDeleted || isDelete
            } catch let error as EventStoreError where error.code == .damaged {
                guard isDelete else { continue }
                // Nobody knows what is left of it, so from here on nobody may count it.
                stored.undecided = error.message
            }
            if stored.edits.deletedCount == block.record.rowCount {
                drop(block, &changes)
                removal.removed.append(block)
            } else {
                changes.put(StoreTables.edits, key: block.key, value: stored.encoded)
                removal.edited += 1
            }
        }
        try uncount(hours, shard, &removal, &changes)
    }

    /// Takes events out of the counts. A collection whose last event goes is gone itself.
    private func uncount(
        _ hours: [Int64: Int64], _ shard: ShardID, _ removal: inout Removal,
        _ changes: inout WriteBatch
    ) throws {
        let row = StoreTables.row(shard, removal.collection)
        removal.hours = hours
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

    // MARK: Properties

    private func remove(
        _ path: PropertyPath, _ shard: ShardID, _ removal: inout Removal,
        _ changes: inout WriteBatch
    ) throws {
        let snapshot = rows.snapshot()
        let row = StoreTables.row(shard, removal.collection)
        for block in try blocks(of: removal.collection, shard, snapshot) {
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
            changes.put(StoreTables.edits, key: block.key, value: stored.encoded)
            removal.edited += 1
        }
        try snapshot.forEach(StoreTables.schema, in: .beginning(with: row)) { cell in
            var key = KeyReader(Array(cell.key.dropFirst(row.count)))
            guard PropertyPath.covers(path, Array(try key.readText().utf8)) else { return true }
            changes.delete(StoreTables.schema, key: cell.key)
            removal.forgetsTypes = true
            return true
        }
    }
}
