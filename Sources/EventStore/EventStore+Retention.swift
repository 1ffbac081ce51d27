// Retention: events of a collection that are older than it keeps them go, a whole hour at a time,
// so that hours and events always agree. Whole blocks leave at once; what is left of the others is
// hidden, and rewritten when that is worth it.

internal import Base
package import Model
internal import RowStore
internal import Scan
internal import Synchronization

extension EventStore {
    private static let hourMilliseconds: Int64 = 3_600_000

    /// Takes out what is too old at `now`. Returns how many events went. Damage is passed over.
    /// Batches are applied meanwhile. Does nothing while another thread merges.
    @discardableResult
    package func applyRetention(now: Timestamp) throws -> Int64 {
        try checkOpen()
        guard !isMerging.exchange(true, ordering: .acquiring) else { return 0 }
        defer { isMerging.store(false, ordering: .releasing) }
        do {
            var count: Int64 = 0
            for shard in allShards {
                try finishDeletes(of: shard)
                for (collection, kept) in try retentions(of: shard.id) {
                    let limit = now.milliseconds - kept
                    let hour = limit.floorDivided(by: Self.hourMilliseconds)
                    count += try expire(collection, before: hour * Self.hourMilliseconds, shard)
                }
            }
            return count
        } catch { throw EventStoreError.wrapping(error) }
    }

    /// How long each collection of a shard that does not keep its events for good keeps them, in
    /// milliseconds.
    private func retentions(of shard: ShardID) throws -> [(CollectionID, Int64)] {
        var found: [(CollectionID, Int64)] = []
        let range = KeyRange.beginning(with: StoreTables.row(shard))
        try rows.forEach(StoreTables.retention, in: range) { cell in
            var key = KeyReader(cell.key)
            _ = try key.readInt32()
            var value = ByteReader(cell.value)
            found.append((try StoreTables.readCollection(&key), try value.readLittleEndian()))
            return true
        }
        return found
    }

    private func expire(
        _ collection: CollectionID, before limit: Int64, _ shard: Shard
    ) throws -> Int64 {
        let timeframe = Int64.min..<limit
        let edition = try shard.state.withLock { state in
            try settle(collection, overlapping: timeframe, shard.id, in: &state)
            return state.edition
        }
        let reader = beginReading()
        defer { reader.end() }
        let planned = try planRows(
            RowFinder(filters: [], timeframe: timeframe), timeframe,
            try blocks(of: collection, shard.id, reader.snapshot), of: collection,
            isDelete: false, reader.snapshot)
        var removal = Removal(collection: collection)
        guard !planned.blocks.isEmpty else { return 0 }
        try shard.state.withLock { state in
            // Another control record came: they are looked at again soon.
            guard state.edition == edition else { return }
            var changes = rows.makeBatch()
            try put(planned, shard.id, &removal, &changes)
            try rows.write(changes, sync: false)
            finish(removal, in: &state)
        }
        release(removal, of: shard)
        return removal.isEmpty ? 0 : planned.hours.values.reduce(0, +)
    }
}
