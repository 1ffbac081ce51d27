// Wide rows on RocksDB: table -> row key -> cells in the order of their clustering keys. A table is
// a column family; a cell's key is its row key followed by its clustering key (KeyCoding.swift in
// Model), so a row is a range of keys and a slice of a row is a narrower one.
//
// Every call may block on the disk: callers are threads of a blocking pool, never a loop.

internal import CRocksDB
package import Model
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

    /// Writes out what is in memory, so that the next opening reads no log. Throws if the disk does
    /// not take it: then the log has it.
    package func flush() throws(RowStoreError) {
        guard !hasFailed.load(ordering: .relaxed) else {
            throw RowStoreError(
                code: .disk, message: "row store could not be written out: the last write failed")
        }
        guard let options = unsafe rocksdb_flushoptions_create() else {
            throw RowStoreError(code: .other, message: "row store is out of memory")
        }
        defer { unsafe rocksdb_flushoptions_destroy(options) }
        for index in unsafe handle.allFamilies.indices {
            try unsafe checked("write out its memory") { error in
                unsafe rocksdb_flush_cf(
                    handle.database, options, handle.allFamilies[index], error)
            }
        }
    }

    // MARK: Time

    /// Tells the store what time it is, in milliseconds since 1970: snapshots made from now on do
    /// not see what has expired by then, and compactions throw it away. Never goes back.
    package func advanceTime(to now: Int64) { handle.clock.advance(to: now) }

    /// What time the store was last told it is; `Int64.min` if never.
    package var now: Int64 { handle.clock.now }

    // MARK: Maintenance

    /// Rewrites a table now, without what is deleted or has expired. For tests and for operators
    /// who need the room at once: RocksDB does it by itself in its own time.
    package func compact(_ table: TableName) {
        unsafe rocksdb_compact_range_cf(
            handle.database, handle.family(table), nil, 0, nil, 0)
    }

    /// Makes a copy of the store as it is now in `directory`, which must not exist: hard links of
    /// what never changes, copies of the rest. It is a store that can be opened.
    package func checkpoint(to directory: String) throws(RowStoreError) {
        let checkpoint = try unsafe checked("prepare a checkpoint") {
            unsafe rocksdb_checkpoint_object_create(handle.database, $0)
        }
        guard let checkpoint = unsafe checkpoint else {
            throw RowStoreError(code: .other, message: "row store is out of memory")
        }
        defer { unsafe rocksdb_checkpoint_object_destroy(checkpoint) }
        // 0: memtables are written out first, so that no log has to be copied.
        try unsafe checked("make a checkpoint in '\(directory)'") { error in
            unsafe rocksdb_checkpoint_create(checkpoint, directory, 0, error)
        }
    }

    // MARK: Reading

    /// A view of the store as it is now.
    package func snapshot() -> RowSnapshot { RowSnapshot(handle) }

    /// One cell as it is now.
    package func get(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> [UInt8]? {
        try unsafe RowReader(handle, snapshot: nil).get(table, key: key)
            .flatMap { handle.cells(of: table).value($0, at: handle.clock.now) }
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

extension CellKind {
    /// A stored cell as readers see it at `now`; nil if it has expired.
    func value(_ stored: [UInt8], at now: Int64) -> [UInt8]? {
        guard case .expiring = self else { return stored }
        return ExpiringCell.value(stored, at: now)
    }
}

/// A number as a counter cell has it.
package func encodeCounter(_ number: Int64) -> [UInt8] {
    let bits = UInt64(bitPattern: number)
    return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
}

/// The value of a counter cell; 0 for bytes that are not one, which the merge operator never makes.
package func decodeCounter(_ value: [UInt8]) -> Int64 {
    guard value.count == 8 else { return 0 }
    return Int64(bitPattern: value.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
}
