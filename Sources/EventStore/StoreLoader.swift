// Reads what a store must know when it opens: applied offsets, fresh blocks, segments in use. One
// pass over the small tables; no block is read.

internal import Base
internal import Model
internal import RowStore

struct StoreLoader {
    private let rows: RowStore
    private let policy: MergePolicy

    init(_ rows: RowStore, policy: MergePolicy) {
        self.rows = rows
        self.policy = policy
    }

    /// The shards, and how many blocks of each segment the manifest names.
    func load() throws -> (shards: [ShardID: Shard], segments: [UInt64: Int]) {
        var states: [ShardID: ShardState] = [:]
        var segments: [UInt64: Int] = [:]
        try rows.forEach(StoreTables.offsets, in: .all) { cell in
            var key = KeyReader(cell.key)
            let shard = try readable(cell) { ShardID(try key.readInt32()) }
            states[shard, default: ShardState()].applied = decodeCounter(cell.value)
            return true
        }
        try rows.forEach(StoreTables.blocks, in: .all) { cell in
            try readable(cell) { try add(cell, to: &states, &segments) }
            return true
        }
        var shards: [ShardID: Shard] = [:]
        for (id, var state) in states {
            for collection in state.fresh.keys { state.updatePending(collection, policy) }
            shards[id] = Shard(id, state)
        }
        return (shards, segments)
    }

    private func add(
        _ cell: Cell, to states: inout [ShardID: ShardState], _ segments: inout [UInt64: Int]
    ) throws {
        var key = KeyReader(cell.key)
        let shard = ShardID(try key.readInt32())
        let collection = try StoreTables.readCollection(&key)
        let position = try BlockPosition(&key)
        let record = try BlockRecord(cell.value)
        switch record.place {
        case .sealed(let segment, _): segments[segment, default: 0] += 1
        case .fresh:
            let size = FreshSize(rowCount: record.rowCount, byteCount: record.byteCount)
            states[shard, default: ShardState()].fresh[collection, default: []]
                .append(FreshBlock(position: position, size: size))
            states[shard]?.freshRowCount += record.rowCount
        }
    }

    private func readable<Result>(_ cell: Cell, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch {
            throw EventStoreError(
                .damaged, "manifest cell \(hexadecimal(cell.key)) cannot be read: \(error)",
                cause: error)
        }
    }
}
