// The one owner of RocksDB's objects. Everything made from the database keeps this object, so the
// database is closed last, after its tables' handles, and its options after it.

internal import CRocksDB
internal import Glibc

/// An open database. `@unchecked Sendable` holds because RocksDB's database, column family and
/// options objects may be used by any thread at once, and nothing here changes after `init`.
@safe final class DatabaseHandle: @unchecked Sendable {
    let database: OpaquePointer
    /// By the position of the table's definition.
    let allFamilies: [OpaquePointer]
    private let positions: [TableName: Int]
    private let definitions: [TableDefinition]
    private let options: DatabaseOptions
    let syncedWrite: OpaquePointer
    let unsyncedWrite: OpaquePointer

    init(
        directory: String, tables: [TableDefinition], options settings: RowStoreOptions
    ) throws(RowStoreError) {
        let options = try DatabaseOptions(settings, tables: tables)
        let names = ["default"] + tables.map(\.table.name)
        let (database, families) = try unsafe Self.open(
            directory, names: names, options: options)
        unsafe self.database = database
        unsafe allFamilies = families
        self.options = options
        definitions = tables
        positions = Dictionary(
            uniqueKeysWithValues: tables.enumerated().map { ($0.element.table, $0.offset + 1) })
        guard let synced = unsafe rocksdb_writeoptions_create(),
            let unsynced = unsafe rocksdb_writeoptions_create()
        else { throw RowStoreError(code: .other, message: "row store is out of memory") }
        unsafe rocksdb_writeoptions_set_sync(synced, 1)
        unsafe syncedWrite = synced
        unsafe unsyncedWrite = unsynced
    }

    deinit {
        unsafe rocksdb_writeoptions_destroy(syncedWrite)
        unsafe rocksdb_writeoptions_destroy(unsyncedWrite)
        unsafe allFamilies.forEach { unsafe rocksdb_column_family_handle_destroy($0) }
        unsafe rocksdb_close(database)
    }

    /// The store's time.
    var clock: ExpiryClock { options.clock }

    /// Asking for a table that was not opened is a bug.
    private func position(_ table: TableName) -> Int {
        guard let position = positions[table] else {
            preconditionFailure("table \(table) was not opened")
        }
        return position
    }

    /// The table's column family.
    func family(_ table: TableName) -> OpaquePointer { unsafe allFamilies[position(table)] }

    /// What the table's cells are.
    func cells(of table: TableName) -> CellKind { definitions[position(table) - 1].cells }

    private static func open(
        _ directory: String, names: [String], options: DatabaseOptions
    ) throws(RowStoreError) -> (OpaquePointer, [OpaquePointer]) {
        let copies = unsafe names.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        let pointers = unsafe copies.map { unsafe UnsafePointer<CChar>($0) }
        let settings: [OpaquePointer?] = unsafe [options.plain] + options.tables
        var families = unsafe [OpaquePointer?](repeating: nil, count: names.count)
        // RocksDB reads the three arrays during the call only; it fills the third on success.
        let database = try unsafe checked("open '\(directory)'") { error in
            unsafe rocksdb_open_column_families(
                options.plain, directory, Int32(names.count), pointers, settings, &families, error)
        }
        guard let database = unsafe database else {
            throw RowStoreError(code: .other, message: "row store did not open '\(directory)'")
        }
        return unsafe (database, families.compactMap { unsafe $0 })
    }
}
