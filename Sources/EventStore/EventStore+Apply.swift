// Applying a batch: exactly once, atomically.

internal import Base
internal import Columns
package import Model
internal import RowStore
internal import Synchronization

extension EventStore {
    /// Stores a batch if it begins where its shard stands. The caller repeats a batch that failed,
    /// or goes where the outcome says.
    package func apply(_ batch: ApplyBatch) throws -> ApplyOutcome {
        try checkOpen()
        let began = monotonicNanoseconds()
        let checked = try CheckedBatch(batch)
        let shard = shard(batch.shard)
        let outcome = try shard.state.withLock { state in
            // Below: seen. Beyond, or across: the worker starts again where the shard stands.
            guard batch.fromOffset == state.applied else {
                return batch.toOffset <= state.applied
                    ? ApplyOutcome.alreadyApplied(next: state.applied)
                    : .gap(next: state.applied)
            }
            do { try store(checked, of: batch, in: &state) } catch {
                throw EventStoreError.wrapping(error)
            }
            return .applied(next: batch.toOffset)
        }
        if case .applied = outcome { metrics.recordApply(rows: checked.rowCount, since: began) }
        return outcome
    }

    /// Writes the batch, then takes it over into the state: a failed write changes nothing.
    private func store(
        _ checked: CheckedBatch, of batch: ApplyBatch, in state: inout ShardState
    ) throws {
        var changes = rows.makeBatch()
        var added: [(CollectionID, FreshBlock)] = []
        var types: [CollectionID: [String: UInt8]] = [:]
        for (index, part) in checked.parts.enumerated() {
            let row = StoreTables.row(batch.shard, part.collection)
            let position = BlockPosition(firstOffset: batch.fromOffset, index: Int32(index))
            let key = position.key(row)
            changes.put(StoreTables.tail, key: key, value: part.bytes)
            changes.put(
                StoreTables.blocks, key: key, value: BlockRecord(fresh: part.block).encoded)
            changes.add(StoreTables.totals, key: row, Int64(part.block.rowCount))
            let size = FreshSize(rowCount: part.block.rowCount, byteCount: part.bytes.count)
            added.append((part.collection, FreshBlock(position: position, size: size)))
            let known =
                try types[part.collection]
                ?? state.knownTypes.types(of: part.collection)
                ?? storedTypes(row)
            types[part.collection] = putTypes(of: part.block, row: row, known: known, &changes)
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
        for (collection, known) in types { state.knownTypes.set(known, of: collection) }
    }

    // MARK: Schema

    private func storedTypes(_ row: [UInt8]) throws -> [String: UInt8] {
        var known: [String: UInt8] = [:]
        try rows.forEach(StoreTables.schema, in: .beginning(with: row)) { cell in
            var key = KeyReader(Array(cell.key.dropFirst(row.count)))
            known[try key.readText()] = cell.value.first ?? 0
            return true
        }
        return known
    }

    /// Adds the block's types to `known` and puts the cells that change.
    private func putTypes(
        of block: Block, row: [UInt8], known: [String: UInt8], _ changes: inout WriteBatch
    ) -> [String: UInt8] {
        var known = known
        for position in 0..<block.columnCount {
            let column = block.column(at: position)
            let path = column.path
            let before = known[path] ?? 0
            let after = before | TypeBits.bits(column.kinds, path: path)
            guard after != before else { continue }
            known[path] = after
            changes.put(
                StoreTables.schema, key: StoreTables.schemaKey(row, path: path), value: [after])
        }
        return known
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
