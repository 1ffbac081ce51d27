// Applying a batch: exactly once, atomically.

internal import Base
internal import Columns
internal import CoreMetrics
package import Model
internal import RowStore
internal import Synchronization

extension EventStore {
    /// Stores a batch as `accept` does, and carries out what it deletes, if the merger is not about
    /// to.
    package func apply(_ batch: ApplyBatch) throws -> ApplyOutcome {
        let outcome = try accept(batch)
        if batch.control != nil { try finishDeletes() }
        return outcome
    }

    /// Stores a batch if it begins where its shard stands. The caller repeats a batch that failed,
    /// or goes where the outcome says. A delete may still wait for `finishDeletes` or a merge.
    package func accept(_ batch: ApplyBatch) throws -> ApplyOutcome {
        try checkOpen()
        let began = monotonicNanoseconds()
        let checked = try CheckedBatch(batch)
        let shard = shard(batch.shard)
        var removal: Removal?
        let outcome = try shard.state.withLock { state in
            // Below: seen. Beyond, or across: the worker starts again where the shard stands.
            guard batch.fromOffset == state.applied else {
                return batch.toOffset <= state.applied
                    ? ApplyOutcome.alreadyApplied(next: state.applied)
                    : .gap(next: state.applied)
            }
            if !batch.blocks.isEmpty { try state.backlog.checkRoom(options.backlogBytesMax) }
            do {
                let unique = try deduplicate(checked, batch.shard)
                removal = try store(unique, of: batch, in: &state)
                metrics.duplicates.increment(by: unique.duplicateCount)
            } catch { throw EventStoreError.wrapping(error) }
            return .applied(next: batch.toOffset)
        }
        if let removal { release(removal, of: shard) }
        if case .applied = outcome { metrics.recordApply(rows: checked.rowCount, since: began) }
        return outcome
    }

    /// Writes the batch, then takes it over into the state: a failed write changes nothing.
    private func store(
        _ unique: DeduplicatedBatch, of batch: ApplyBatch, in state: inout ShardState
    ) throws -> Removal? {
        let checked = unique.batch
        var changes = rows.makeBatch()
        putTokens(unique.firsts, &changes)
        let removal = try checked.control.map {
            try apply($0, at: batch.fromOffset, batch.shard, &state, &changes)
        }
        var added: [(CollectionID, FreshBlock)] = []
        var small: [(CollectionID, BlockRecord)] = []
        var types: [CollectionID: [PropertyPath: UInt8]] = [:]
        for (index, part) in checked.parts.enumerated() {
            let row = StoreTables.row(batch.shard, part.collection)
            let position = BlockPosition(firstOffset: batch.fromOffset, index: Int32(index))
            let record = BlockRecord(fresh: part.block)
            if options.mergePolicy.isSmall(record) {
                let block = SmallBlock(position: position, record: record, bytes: part.bytes)
                changes.merge(StoreTables.small, key: row, value: block.encoded)
                small.append((part.collection, record))
            } else {
                let key = position.key(row)
                changes.put(StoreTables.tail, key: key, value: part.bytes)
                changes.put(StoreTables.blocks, key: key, value: record.encoded)
                let size = FreshSize(rowCount: record.rowCount, byteCount: record.byteCount)
                added.append((part.collection, FreshBlock(position: position, size: size)))
            }
            changes.add(StoreTables.totals, key: row, Int64(record.rowCount))
            try putTypes(
                of: part, row: row, known: state.knownTypes.types(of: part.collection),
                &types[part.collection, default: [:]], &changes)
        }
        for delta in checked.rollups {
            let row = StoreTables.row(batch.shard, delta.collection)
            changes.add(
                StoreTables.rollups, key: StoreTables.rollupKey(row, hour: delta.hour), delta.count)
        }
        var offset = ByteWriter()
        offset.write(littleEndian: batch.toOffset)
        changes.put(StoreTables.offsets, key: StoreTables.row(batch.shard), value: offset.bytes)
        try rows.write(changes, sync: options.syncsEveryApply)
        state.applied = batch.toOffset
        for (collection, block) in added {
            state.add(block, to: collection, policy: options.mergePolicy)
        }
        for (collection, record) in small {
            state.add(small: record, to: collection, policy: options.mergePolicy)
        }
        for (collection, learned) in types { state.knownTypes.set(learned, of: collection) }
        if let removal { finish(removal, in: &state) }
        return removal
    }

    // MARK: Schema

    /// Puts the cells of properties that come with a type for the first time. `learned` is what the
    /// batch added to what is known. What is not known is looked up one by one: a collection may
    /// have more properties than fit into memory.
    private func putTypes(
        of part: CheckedBatch.Part, row: [UInt8], known: [PropertyPath: UInt8],
        _ learned: inout [PropertyPath: UInt8], _ changes: inout WriteBatch
    ) throws {
        for (position, path) in part.paths.enumerated() {
            let bits = TypeBits.bits(part.block.column(at: position).kinds, path: path.text)
            if let before = learned[path] ?? known[path], before | bits == before { continue }
            let key = StoreTables.schemaKey(row, path: path.text)
            let before =
                try learned[path] ?? known[path] ?? rows.get(StoreTables.schema, key: key)?.first
            let after = (before ?? 0) | bits
            learned[path] = after
            if after != before { changes.put(StoreTables.schema, key: key, value: [after]) }
        }
    }
}

extension BlockRecord {
    /// A block whose bytes are in the tail.
    init(fresh block: Block) {
        self.init(
            place: .fresh, rowCount: block.rowCount, byteCount: block.byteCount,
            minTimestamp: block.minTimestamp, maxTimestamp: block.maxTimestamp)
    }
}
