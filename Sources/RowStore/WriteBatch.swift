// Changes that become visible and durable together or not at all.

internal import CRocksDB

/// An atomic batch. Later changes of a batch win over earlier ones of the same cell.
@safe package struct WriteBatch: ~Copyable {
    private let batch: OpaquePointer
    private let handle: DatabaseHandle

    init(_ handle: DatabaseHandle) {
        guard let batch = unsafe rocksdb_writebatch_create() else {
            preconditionFailure("rocksdb_writebatch_create returned nothing")
        }
        unsafe self.batch = batch
        self.handle = handle
    }

    deinit { unsafe rocksdb_writebatch_destroy(batch) }

    /// Changes in the batch.
    package var count: Int { Int(unsafe rocksdb_writebatch_count(batch)) }

    // RocksDB copies keys and values during each call.

    /// Puts a cell. A time from which on it is gone, in milliseconds since 1970, is for tables
    /// whose cells expire.
    package mutating func put(
        _ table: TableName, key: [UInt8], value: [UInt8], expiresAt: Int64? = nil
    ) {
        guard case .expiring = handle.cells(of: table) else {
            precondition(expiresAt == nil, "cells of table \(table) do not expire")
            return putStored(table, key: key, value: value)
        }
        putStored(
            table, key: key, value: ExpiringCell.encode(value, expiresAt: expiresAt))
    }

    /// Puts the stored bytes of a cell, as `RowSnapshot.forEachStored` gives them.
    package mutating func putStored(_ table: TableName, key: [UInt8], value: [UInt8]) {
        unsafe withCharacters(key) { key, keyCount in
            unsafe withCharacters(value) { value, valueCount in
                unsafe rocksdb_writebatch_put_cf(
                    batch, handle.family(table), key, keyCount, value, valueCount)
            }
        }
    }

    /// Adds to a counter; an absent one is 0. The table must have counters.
    package mutating func add(_ table: TableName, key: [UInt8], _ amount: Int64) {
        merge(table, key: key, value: encodeCounter(amount))
    }

    /// Merges a value into a cell by the table's function, which must accept it.
    package mutating func merge(_ table: TableName, key: [UInt8], value: [UInt8]) {
        guard case .merged(let function) = handle.cells(of: table), function.isValid(value) else {
            preconditionFailure("a value that cannot be merged into table \(table)")
        }
        unsafe withCharacters(key) { key, keyCount in
            unsafe withCharacters(value) { value, valueCount in
                unsafe rocksdb_writebatch_merge_cf(
                    batch, handle.family(table), key, keyCount, value, valueCount)
            }
        }
    }

    package mutating func delete(_ table: TableName, key: [UInt8]) {
        unsafe withCharacters(key) { key, keyCount in
            unsafe rocksdb_writebatch_delete_cf(batch, handle.family(table), key, keyCount)
        }
    }

    /// Deletes every cell with `lower <= key < upper`.
    package mutating func delete(_ table: TableName, lower: [UInt8], upper: [UInt8]) {
        unsafe withCharacters(lower) { lower, lowerCount in
            unsafe withCharacters(upper) { upper, upperCount in
                unsafe rocksdb_writebatch_delete_range_cf(
                    batch, handle.family(table), lower, lowerCount, upper, upperCount)
            }
        }
    }

    borrowing func withPointer<Result>(
        _ body: (OpaquePointer) throws(RowStoreError) -> Result
    ) throws(RowStoreError) -> Result {
        try unsafe body(batch)
    }
}

/// The bytes as C characters, valid during `body`.
func withCharacters<Result>(
    _ bytes: [UInt8], _ body: (UnsafePointer<CChar>?, Int) -> Result
) -> Result {
    unsafe bytes.withUnsafeBytes {
        unsafe body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
    }
}
