// Which collections there are and what their events look like.

package import Model
internal import RowStore

extension EventStore {
    /// The collections of a project, or one of them, over all shards of this store, by name. A
    /// collection without events is not there.
    package func schema(
        project: ProjectID, collection: CollectionName? = nil
    ) throws -> [CollectionSchema] {
        try checkOpen()
        var counts: [CollectionName: Int64] = [:]
        var types: [CollectionName: [PropertyPath: UInt8]] = [:]
        do {
            let snapshot = rows.snapshot()
            for shard in shardIDs {
                var prefix = StoreTables.row(shard, project)
                if let collection {
                    let id = CollectionID(project: project, collection: collection)
                    prefix = StoreTables.row(shard, id)
                }
                let range = KeyRange.beginning(with: prefix)
                try snapshot.forEach(StoreTables.totals, in: range) { cell in
                    var key = KeyReader(cell.key)
                    _ = try key.readInt32()
                    let name = try StoreTables.readCollection(&key).collection
                    counts[name, default: 0] += decodeCounter(cell.value)
                    return true
                }
                try snapshot.forEach(StoreTables.schema, in: range) { cell in
                    var key = KeyReader(cell.key)
                    _ = try key.readInt32()
                    let name = try StoreTables.readCollection(&key).collection
                    let bits = cell.value.first ?? 0
                    let path = try PropertyPath(try key.readText())
                    types[name, default: [:]][path, default: 0] |= bits
                    return true
                }
            }
            return counts.sorted { $0.key < $1.key }.map { name, count in
                CollectionSchema(
                    collection: name, eventCount: count,
                    properties: Self.properties(types[name, default: [:]]))
            }
        } catch { throw EventStoreError.wrapping(error) }
    }

    private static func properties(_ types: [PropertyPath: UInt8]) -> [PropertySchema] {
        types.sorted { $0.key < $1.key }.flatMap { path, bits in
            TypeBits.types(bits).map { PropertySchema(path: path, type: $0) }
        }
    }
}
