// Wide rows on RocksDB: table -> row key -> cells in the order of their clustering keys. A table is
// a
// column family; a cell's key is its row key followed by its clustering key (KeyCoding.swift), so a
// row is a range of keys and a slice of a row is a narrower one.
//
// Every call may block on the disk: callers are threads of a blocking pool, never a loop.

internal import CRocksDB
internal import Synchronization

/// An open row store. One process at a time; RocksDB holds a lock.
package final class RowStore: Sendable {
    private let handle: DatabaseHandle
    /// Whether the last write failed. RocksDB then takes no more of them until there is room on the
    /// disk again (64 MiB), which it looks for every five seconds.
    private let hasFailed = Atomic(false)

    /// Opens the store, making what is missing.
    package init(
        directory: String, tables: [TableDefinition], options: RowStoreOptions = RowStoreOptions()
    ) throws(RowStoreError) {
        handle = try DatabaseHandle(directory: directory, tables: tables, options: options)
    }

    // MARK: Writing

    package func makeBatch() -> WriteBatch { WriteBatch(handle) }

    /// Applies a batch. It survives the end of the process at once, and a power cut if `sync`.
    package func write(_ batch: consuming WriteBatch, sync: Bool) throws(RowStoreError) {
        let options = unsafe sync ? handle.syncedWrite : handle.unsyncedWrite
        do throws(RowStoreError) {
            try unsafe batch.withPointer { (pointer) throws(RowStoreError) in
                try unsafe checked("write") { error in
                    unsafe rocksdb_write(handle.database, options, pointer, error)
                }
            }
        } catch {
            hasFailed.store(true, ordering: .relaxed)
            throw error
        }
        hasFailed.store(false, ordering: .relaxed)
    }

    /// Makes everything written so far survive a power cut.
    package func syncLog() throws(RowStoreError) {
        // Syncing a log that could not be written ends the process where RocksDB was built with
        // its assertions, as Debian does.
        guard !hasFailed.load(ordering: .relaxed) else {
            throw RowStoreError(
                code: .disk, message: "row store could not sync its log: the last write failed")
        }
        try unsafe checked("sync its log") { unsafe rocksdb_flush_wal(handle.database, 1, $0) }
    }

    // MARK: Reading

    /// A view of the store as it is now.
    package func snapshot() -> RowSnapshot { RowSnapshot(handle) }

    /// One cell as it is now.
    package func get(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> [UInt8]? {
        try unsafe RowReader(handle, snapshot: nil).get(table, key: key)
    }

    /// A counter as it is now, 0 if absent.
    package func counter(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> Int64 {
        try get(table, key: key).map(decodeCounter) ?? 0
    }

    /// Calls `body` with each cell of `range`, ascending, until it returns false.
    package func forEach(
        _ table: TableName, in range: KeyRange, _ body: (Cell) throws -> Bool
    ) throws {
        try snapshot().forEach(table, in: range, body)
    }
}

/// A cell met while reading a range.
package struct Cell: Sendable {
    /// Row key and clustering key.
    package let key: [UInt8]
    package let value: [UInt8]
}

/// The value of a counter cell; 0 for bytes that are not one, which the merge operator never makes.
package func decodeCounter(_ value: [UInt8]) -> Int64 {
    guard value.count == 8 else { return 0 }
    return Int64(bitPattern: value.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
}
