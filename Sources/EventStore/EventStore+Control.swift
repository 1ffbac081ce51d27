// Control records: deletes, and how long events are kept, applied in the one atomic batch that also
// moves the applied offset. A collection goes at once; deletes that have to read events are noted
// (EventStore+Delete.swift). Whole blocks leave the manifest, parts of blocks are noted in
// `edits`, and totals, hours and the schema agree with what is left. The merger rewrites edited
// blocks later.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Synchronization
internal import Wire

/// What a control record, or retention, does to a shard's state in memory, once it is stored.
struct Removal {
    var collection: CollectionID
    /// Blocks that are gone.
    var removed: [ListedBlock] = []
    /// Blocks that have lost something.
    var edited = 0
    /// Whether schema cells have been deleted.
    var forgetsTypes = false
    /// A delete that has been accepted by this.
    var accepted: PendingDelete?
    /// The offset of the delete that this carries out.
    var finished: Int64?
    /// Whether all waiting deletes of the collection are pointless now.
    var endsDeletes = false

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
        _ control: CheckedBatch.Control, at offset: Int64, _ shard: ShardID,
        _ state: inout ShardState, _ changes: inout WriteBatch
    ) throws -> Removal {
        if control.command.takesEvents {
            guard state.deletes.count < Limits.waitingDeletesMax else {
                throw EventStoreError(
                    .busy, "\(state.deletes.count) deletes wait to be carried out, that is all")
            }
            try settle(control.collection, shard, in: &state)
        }
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
        case .deleteCollection: try removeCollection(shard, &removal, &changes)
        case .deleteEvents(let timeframe, let filters):
            guard timeframe != nil || !filters.isEmpty else {
                try removeCollection(shard, &removal, &changes)
                break
            }
            accept(control, at: offset, shard, &removal, &changes)
        case .deleteProperty(let path):
            // At once: events that follow may bring it again.
            try forget(path, row, &removal, &changes)
            accept(control, at: offset, shard, &removal, &changes)
        }
        return removal
    }

    /// Takes a stored removal over into the state.
    func finish(_ removal: Removal, in state: inout ShardState) {
        if removal.endsDeletes {
            state.deletes.removeAll { $0.collection == removal.collection }
        }
        if let accepted = removal.accepted { state.deletes.append(accepted) }
        if let finished = removal.finished {
            state.deletes.removeAll { $0.offset == finished }
            // Merges have waited for it.
            state.updatePending(removal.collection, options.mergePolicy)
        }
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

    /// The collection, and all that waits to be done to it.
    private func removeCollection(
        _ shard: ShardID, _ removal: inout Removal, _ changes: inout WriteBatch
    ) throws {
        let row = StoreTables.row(shard, removal.collection)
        try removeAll(shard, &removal, &changes)
        forgetTokens(row, &changes)
        try delete(from: StoreTables.deletes, row, &changes)
        removal.endsDeletes = true
    }

    func removeAll(
        _ shard: ShardID, _ removal: inout Removal, _ changes: inout WriteBatch
    ) throws {
        let snapshot = rows.snapshot()
        let row = StoreTables.row(shard, removal.collection)
        removal.removed = try blocks(of: removal.collection, shard, snapshot)
        removal.edited = 0
        removal.forgetsTypes = true
        for block in removal.removed { drop(block, &changes) }
        for table in [StoreTables.rollups, StoreTables.totals, StoreTables.schema] {
            try delete(from: table, row, &changes)
        }
    }

    /// One by one: range deletes slow later reads, and these are few cells.
    private func delete(
        from table: TableName, _ row: [UInt8], _ changes: inout WriteBatch
    ) throws {
        try rows.forEach(table, in: .beginning(with: row)) { cell in
            changes.delete(table, key: cell.key)
            return true
        }
    }

    /// Events that are sent again after the delete are new ones. A range, as there may be millions.
    private func forgetTokens(_ row: [UInt8], _ changes: inout WriteBatch) {
        guard let end = KeyRange.beginning(with: row).upper else { return }
        changes.delete(StoreTables.tokens, lower: row, upper: end)
    }

    func drop(_ block: ListedBlock, _ changes: inout WriteBatch) {
        changes.delete(StoreTables.blocks, key: block.key)
        if block.record.place == .fresh { changes.delete(StoreTables.tail, key: block.key) }
        if block.stored != nil { changes.delete(StoreTables.edits, key: block.key) }
    }

    // MARK: What has to be read for

    private func accept(
        _ control: CheckedBatch.Control, at offset: Int64, _ shard: ShardID,
        _ removal: inout Removal, _ changes: inout WriteBatch
    ) {
        let delete = PendingDelete(
            collection: control.collection, offset: offset, command: control.command)
        changes.put(
            StoreTables.deletes, key: delete.key(shard), value: control.command.encoded)
        removal.accepted = delete
    }

    private func forget(
        _ path: PropertyPath, _ row: [UInt8], _ removal: inout Removal,
        _ changes: inout WriteBatch
    ) throws {
        try rows.forEach(StoreTables.schema, in: .beginning(with: row)) { cell in
            var key = KeyReader(Array(cell.key.dropFirst(row.count)))
            guard PropertyPath.covers(path, Array(try key.readText().utf8)) else { return true }
            changes.delete(StoreTables.schema, key: cell.key)
            removal.forgetsTypes = true
            return true
        }
    }
}

extension ControlCommand {
    fileprivate var takesEvents: Bool {
        if case .keep = self { false } else { true }
    }
}
