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
        var row = LoadedRow()
        try rows.forEach(StoreTables.blocks, in: .all) { cell in
            try readable(cell) {
                if !row.owns(cell.key) {
                    row.finish(into: &states)
                    row = try LoadedRow(of: cell.key)
                }
                try row.add(cell, &segments)
            }
            return true
        }
        row.finish(into: &states)
        var shards: [ShardID: Shard] = [:]
        for (id, var state) in states {
            for collection in state.fresh.keys { state.updatePending(collection, policy) }
            shards[id] = Shard(id, state)
        }
        return (shards, segments)
    }

    private func readable<Result>(_ cell: Cell, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch {
            throw EventStoreError(
                .damaged, "manifest cell \(hexadecimal(cell.key)) cannot be read: \(error)",
                cause: error)
        }
    }
}

/// The manifest's cells of one collection in one shard, which lie next to each other.
private struct LoadedRow {
    private var prefix: ArraySlice<UInt8> = []
    private var place: (shard: ShardID, collection: CollectionID)?
    private var fresh: [FreshBlock] = []

    /// What follows the row key: first offset and index.
    private static let positionByteCount = 12

    init() {}

    init(of key: [UInt8]) throws {
        var reader = KeyReader(key)
        place = (
            ShardID(try reader.readInt32()), try StoreTables.readCollection(&reader)
        )
        prefix = key[..<reader.offset]
    }

    func owns(_ key: [UInt8]) -> Bool {
        key.count == prefix.count + Self.positionByteCount && key.starts(with: prefix)
    }

    mutating func add(_ cell: Cell, _ segments: inout [UInt64: Int]) throws {
        let record = try BlockRecord(cell.value)
        switch record.place {
        case .sealed(let segment, _): segments[segment, default: 0] += 1
        case .fresh:
            var reader = KeyReader(Array(cell.key[prefix.count...]))
            let position = try BlockPosition(&reader)
            let size = FreshSize(rowCount: record.rowCount, byteCount: record.byteCount)
            fresh.append(FreshBlock(position: position, size: size))
        }
    }

    func finish(into states: inout [ShardID: ShardState]) {
        guard let place, !fresh.isEmpty else { return }
        states[place.shard, default: ShardState()].fresh[place.collection, default: []] += fresh
        states[place.shard]?.freshRowCount += fresh.reduce(0) { $0 + $1.size.rowCount }
    }
}
