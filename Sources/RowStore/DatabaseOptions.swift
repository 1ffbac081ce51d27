// RocksDB's options, owned together: column families of plain cells and of counters share a cache.

internal import CRocksDB

/// Options of a database and its tables. `@unchecked Sendable` holds because they are only read
/// after `init`.
@safe final class DatabaseOptions: @unchecked Sendable {
    let plain: OpaquePointer
    let counters: OpaquePointer
    private let cache: OpaquePointer

    init(_ settings: RowStoreOptions) throws(RowStoreError) {
        guard let cache = unsafe rocksdb_cache_create_lru(settings.cacheBytes),
            let plain = unsafe Self.makeOptions(settings, cache: cache),
            let counters = unsafe Self.makeOptions(settings, cache: cache)
        else { throw RowStoreError(code: .other, message: "row store is out of memory") }
        // The options own the operator from here on.
        unsafe rocksdb_options_set_merge_operator(counters, CounterMerge.makeOperator())
        unsafe self.cache = cache
        unsafe self.plain = plain
        unsafe self.counters = counters
    }

    deinit {
        unsafe rocksdb_options_destroy(plain)
        unsafe rocksdb_options_destroy(counters)
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
