// RocksDB's options, owned together: one for each table, all with one cache.

internal import CRocksDB

/// Options of a database and its tables. `@unchecked Sendable` holds because they are only read
/// after `init`.
@safe final class DatabaseOptions: @unchecked Sendable {
    /// Of the database, and of RocksDB's own table.
    let plain: OpaquePointer
    /// Of each table, by the position of its definition.
    let tables: [OpaquePointer]
    let clock = ExpiryClock()
    private let cache: OpaquePointer
    private let expiry: ExpiryFilter

    init(_ settings: RowStoreOptions, tables definitions: [TableDefinition]) throws(RowStoreError) {
        let outOfMemory = RowStoreError(code: .other, message: "row store is out of memory")
        guard let cache = unsafe rocksdb_cache_create_lru(settings.cacheBytes),
            let plain = unsafe Self.makeOptions(settings, cache: cache),
            let expiry = ExpiryFilter(clock)
        else { throw outOfMemory }
        var tables = unsafe [OpaquePointer]()
        for definition in definitions {
            guard let options = unsafe Self.makeOptions(settings, cache: cache) else {
                throw outOfMemory
            }
            switch definition.cells {
            case .plain: break
            // The filter stays ours; the operator is the options' from here on.
            case .expiring:
                unsafe rocksdb_options_set_compaction_filter(options, expiry.filter)
            case .merged(let function):
                unsafe rocksdb_options_set_merge_operator(options, MergeOperator.make(function))
            }
            unsafe tables.append(options)
        }
        unsafe self.cache = cache
        unsafe self.plain = plain
        unsafe self.tables = tables
        self.expiry = expiry
    }

    deinit {
        unsafe rocksdb_options_destroy(plain)
        unsafe tables.forEach { unsafe rocksdb_options_destroy($0) }
        unsafe rocksdb_cache_destroy(cache)
    }

    private static func makeOptions(
        _ settings: RowStoreOptions, cache: OpaquePointer
    ) -> OpaquePointer? {
        guard let options = unsafe rocksdb_options_create(),
            let table = unsafe rocksdb_block_based_options_create()
        else { return nil }
        unsafe rocksdb_options_set_create_if_missing(options, 1)
        unsafe rocksdb_options_set_create_missing_column_families(options, 1)
        unsafe rocksdb_options_set_db_write_buffer_size(options, settings.memtableBytes)
        unsafe rocksdb_options_set_max_total_wal_size(options, settings.logBytesMax)
        unsafe rocksdb_options_set_max_background_jobs(options, settings.backgroundThreads)
        // Point lookups miss often (a new hour, a new collection): ten bits a key spare the read.
        unsafe rocksdb_block_based_options_set_filter_policy(
            table, rocksdb_filterpolicy_create_bloom_full(10))
        unsafe rocksdb_block_based_options_set_block_cache(table, cache)
        unsafe rocksdb_block_based_options_set_format_version(table, 5)
        // Neighbours are alike: they take a third of the room in larger blocks.
        unsafe rocksdb_block_based_options_set_block_size(table, 16 << 10)
        unsafe rocksdb_options_set_block_based_table_factory(options, table)
        // The options copied the table's options.
        unsafe rocksdb_block_based_options_destroy(table)
        unsafe rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
        // Its own log: a few files, no periodic statistics.
        unsafe rocksdb_options_set_keep_log_file_num(options, 4)
        unsafe rocksdb_options_set_max_log_file_size(options, 16 << 20)
        unsafe rocksdb_options_set_stats_dump_period_sec(options, 0)
        return unsafe options
    }
}
