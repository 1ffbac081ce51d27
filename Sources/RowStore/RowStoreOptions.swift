// What a row store is opened with.

/// The name of a table, made at its first opening.
package struct TableName: Sendable, Hashable, CustomStringConvertible {
    package let name: String
    package init(_ name: String) { self.name = name }
    package var description: String { name }
}

/// A table and what its cells are.
package struct TableDefinition: Sendable {
    package let table: TableName
    package let cells: CellKind

    package init(_ table: TableName, cells: CellKind = .plain) {
        self.table = table
        self.cells = cells
    }
}

/// Memory and threads of a row store.
package struct RowStoreOptions: Sendable {
    /// Blocks read from SST files kept in memory. 64 MiB: what is read often is small.
    package var cacheBytes = 64 << 20
    /// Memtables of all tables together before one is written out: 128 MiB, a choice between memory
    /// and how often a fresh block is written to an SST before it is merged away.
    package var memtableBytes = 128 << 20
    package var backgroundThreads: Int32 = 2
    /// Write-ahead log kept before memtables are written out to free it.
    package var logBytesMax: UInt64 = 512 << 20

    package init() {}
}
