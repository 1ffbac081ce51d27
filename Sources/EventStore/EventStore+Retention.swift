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
    @discardableResult
    package func applyRetention(now: Timestamp) throws -> Int64 {
        try checkOpen()
        do {
            var count: Int64 = 0
            for shard in allShards {
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
        let removal = try shard.state.withLock { state -> Removal in
            var removal = Removal(collection: collection)
            var changes = rows.makeBatch()
            try removeRows(
                RowFinder(filters: [], timeframe: timeframe), timeframe, shard.id,
                isDelete: false, &removal, &changes)
            guard !removal.isEmpty else { return removal }
            try rows.write(changes, sync: false)
            finish(removal, in: &state)
            return removal
        }
        release(removal, of: shard)
        return removal.hours?.values.reduce(0, +) ?? removal.expiredCount
    }
}

extension Removal {
    fileprivate var expiredCount: Int64 {
        removed.reduce(0) { $0 + Int64($1.record.rowCount) }
    }
}
