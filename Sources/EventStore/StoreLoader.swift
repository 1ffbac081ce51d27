// Reads what a store must know when it opens: applied offsets, fresh blocks, segments in use. One
// pass over the small tables; no block is read.

internal import Base
internal import Model
internal import RowStore
internal import Wire

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
        try rows.snapshot().forEachInPlace(StoreTables.blocks) { key, value in
            do {
                if !row.owns(key) {
                    row.finish(into: &states)
                    row = try LoadedRow(of: Array(copying: key))
                }
                try row.add(key, value, &segments)
            } catch { throw Self.damage(Array(copying: key), error) }
        }
        row.finish(into: &states)
        try loadSmall(into: &states)
        try loadDeletes(into: &states)
        var shards: [ShardID: Shard] = [:]
        for (id, var state) in states {
            for collection in state.fresh.keys { state.updatePending(collection, policy) }
            for collection in state.small.keys where state.isFoldDue(collection, policy) {
                state.updatePending(collection, policy)
            }
            shards[id] = Shard(id, state)
        }
        return (shards, segments)
    }

    private func loadSmall(into states: inout [ShardID: ShardState]) throws {
        try rows.snapshot().forEachInPlace(StoreTables.small) { key, value in
            do {
                var reader = KeyReader(Array(copying: key))
                let shard = ShardID(try reader.readInt32())
                let collection = try StoreTables.readCollection(&reader)
                let size = try SmallCell.size(value)
                states[shard, default: ShardState()].small[collection] = size
                states[shard]?.freshRowCount += size.rowCount
            } catch { throw Self.damage(Array(copying: key), error) }
        }
    }

    /// Those of a shard in the order of the log.
    private func loadDeletes(into states: inout [ShardID: ShardState]) throws {
        try rows.forEach(StoreTables.deletes, in: .all) { cell in
            var key = KeyReader(cell.key)
            let (shard, delete) = try readable(cell) {
                let shard = ShardID(try key.readInt32())
                let collection = try StoreTables.readCollection(&key)
                let offset = try key.readInt64()
                return (
                    shard,
                    PendingDelete(
                        collection: collection, offset: offset,
                        command: try ControlCommand(cell.value))
                )
            }
            states[shard, default: ShardState()].deletes.append(delete)
            return true
        }
        for shard in states.keys { states[shard]?.deletes.sort { $0.offset < $1.offset } }
    }

    private func readable<Result>(_ cell: Cell, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw Self.damage(cell.key, error) }
    }

    private static func damage(_ key: [UInt8], _ cause: any Error) -> EventStoreError {
        EventStoreError(
            .damaged, "manifest cell \(hexadecimal(key)) cannot be read: \(cause)",
            cause: cause)
    }
}

/// The manifest's cells of one collection in one shard, which lie next to each other.
private struct LoadedRow {
    private var prefix: [UInt8] = []
    private var place: (shard: ShardID, collection: CollectionID)?
    private var fresh: [FreshBlock] = []

    init() {}

    init(of key: [UInt8]) throws {
        var reader = KeyReader(key)
        place = (ShardID(try reader.readInt32()), try StoreTables.readCollection(&reader))
        prefix = Array(key[..<reader.offset])
    }

    func owns(_ key: Span<UInt8>) -> Bool {
        guard key.count == prefix.count + BlockPosition.byteCount else { return false }
        // Names that follow one another differ at the end.
        for index in prefix.indices.reversed() where key[index] != prefix[index] { return false }
        return true
    }

    mutating func add(
        _ key: Span<UInt8>, _ value: Span<UInt8>, _ segments: inout [UInt64: Int]
    ) throws {
        let record = try BlockRecord(value)
        switch record.place {
        case .sealed(let segment, _): segments[segment, default: 0] += 1
        case .fresh:
            let position = try BlockPosition(endOf: key)
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

extension [UInt8] {
    fileprivate init(copying bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
