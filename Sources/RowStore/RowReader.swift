// Reading: snapshots, single cells, and ranges forward or backward.

internal import CRocksDB
package import Model

/// The store as it was at one moment. Keep it short: what is deleted meanwhile stays on the disk.
/// `@unchecked Sendable` holds because RocksDB's snapshots may be read by any thread, and only
/// `deinit` releases this one.
@safe package final class RowSnapshot: @unchecked Sendable {
    private let handle: DatabaseHandle
    private let snapshot: OpaquePointer?
    /// Cells that have expired by this time are not seen. What expires later may still vanish under
    /// a snapshot that lives beyond that moment.
    private let now: Int64

    init(_ handle: DatabaseHandle) {
        self.handle = handle
        now = handle.clock.now
        unsafe snapshot = unsafe rocksdb_create_snapshot(handle.database)
    }

    deinit { unsafe rocksdb_release_snapshot(handle.database, snapshot) }

    package func get(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> [UInt8]? {
        try unsafe RowReader(handle, snapshot: snapshot).get(table, key: key)
            .flatMap { handle.cells(of: table).value($0, at: now) }
    }

    /// The value without a copy, of a table whose cells do not expire.
    package func pin(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> PinnedValue? {
        if case .expiring = handle.cells(of: table) {
            preconditionFailure("a value that may have expired")
        }
        return try unsafe RowReader(handle, snapshot: snapshot).pin(table, key: key)
    }

    /// A counter, 0 if absent.
    package func counter(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> Int64 {
        try get(table, key: key).map(decodeCounter) ?? 0
    }

    /// Calls `body` with each cell of `range`, ascending or descending, until it returns false.
    package func forEach(
        _ table: TableName, in range: KeyRange, descending: Bool = false,
        _ body: (Cell) throws -> Bool
    ) throws {
        let cells = handle.cells(of: table)
        try forEachStored(table, in: range, descending: descending) { stored in
            guard let value = cells.value(stored.value, at: now) else { return true }
            return try body(Cell(key: stored.key, value: value))
        }
    }

    /// Calls `body` with the stored bytes of each cell of `range`, also of expired ones.
    package func forEachStored(
        _ table: TableName, in range: KeyRange, descending: Bool = false,
        _ body: (Cell) throws -> Bool
    ) throws {
        let reader = unsafe RowReader(handle, snapshot: snapshot)
        var iterator = RangeIterator(reader, handle: handle, table: table, range: range)
        iterator.start(descending: descending)
        while let cell = iterator.cell {
            guard try body(cell) else { return }
            iterator.advance(descending: descending)
        }
        try iterator.check()
    }

    /// Calls `body` with key and stored bytes of every cell of a table, which are good during the
    /// call: for those who read millions of cells and keep few of their bytes.
    package func forEachInPlace(
        _ table: TableName,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Void
    ) throws {
        let reader = unsafe RowReader(handle, snapshot: snapshot)
        var iterator = RangeIterator(reader, handle: handle, table: table, range: .all)
        iterator.start(descending: false)
        while let (key, value) = unsafe iterator.bytes {
            try unsafe body(
                key.bindMemory(to: UInt8.self).span, value.bindMemory(to: UInt8.self).span)
            iterator.advance(descending: false)
        }
        try iterator.check()
    }

    /// The first cells of `range`, and where the others begin.
    package func page(
        _ table: TableName, in range: KeyRange, _ limits: PageLimits, descending: Bool = false
    ) throws -> Page {
        let kind = handle.cells(of: table)
        var page = Page(cells: [], next: nil)
        var byteCount = 0
        var visited = 0
        try forEachStored(table, in: range, descending: descending) { stored in
            let size = stored.key.count + stored.value.count
            let isFull = page.cells.count == limits.cells || byteCount + size > limits.bytes
            // A page has a cell at least, or it would begin where it ended for ever.
            if visited == limits.visits || isFull && (limits.cells == 0 || !page.cells.isEmpty) {
                page.next = stored.key
                return false
            }
            visited += 1
            guard let value = kind.value(stored.value, at: now) else { return true }
            page.cells.append(Cell(key: stored.key, value: value))
            byteCount += size
            return true
        }
        return page
    }

    /// At most `limit` cells of `range`.
    package func slice(
        _ table: TableName, in range: KeyRange, limit: Int, descending: Bool = false
    ) throws -> [Cell] {
        let limits = PageLimits(cells: limit, bytes: .max, visits: .max)
        return try page(table, in: range, limits, descending: descending).cells
    }
}

/// How much of a range one page holds at most.
package struct PageLimits: Sendable {
    package var cells: Int
    /// Of keys and values; a single cell may be larger.
    package var bytes: Int
    /// Cells looked at, expired ones too.
    package var visits: Int

    package init(cells: Int, bytes: Int, visits: Int) {
        self.cells = cells
        self.bytes = bytes
        self.visits = visits
    }
}

/// A part of a range.
package struct Page: Sendable {
    package var cells: [Cell]
    /// The key at which `KeyRange.resumed` goes on; nil at the end of the range. A page may be
    /// empty before the end.
    package var next: [UInt8]?
}

/// Read options, and the bounds they point to.
@safe struct RowReader: ~Copyable {
    let options: OpaquePointer
    private let handle: DatabaseHandle

    init(_ handle: DatabaseHandle, snapshot: OpaquePointer?) {
        guard let options = unsafe rocksdb_readoptions_create() else {
            preconditionFailure("rocksdb_readoptions_create returned nothing")
        }
        unsafe rocksdb_readoptions_set_snapshot(options, snapshot)
        unsafe self.options = options
        self.handle = handle
    }

    deinit { unsafe rocksdb_readoptions_destroy(options) }

    func get(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> [UInt8]? {
        try pin(table, key: key)?.copy
    }

    func pin(_ table: TableName, key: [UInt8]) throws(RowStoreError) -> PinnedValue? {
        let pinned = try unsafe checked("read from table \(table)") { error in
            unsafe withCharacters(key) { key, count in
                unsafe rocksdb_get_pinned_cf(
                    handle.database, options, handle.family(table), key, count, error)
            }
        }
        return unsafe pinned.map { unsafe PinnedValue(taking: $0, of: handle) }
    }
}

/// Walks a range. RocksDB keeps pointers to the bounds, which live as long as this does.
@safe private struct RangeIterator: ~Copyable {
    private let iterator: OpaquePointer
    private let lower: UnsafeMutableBufferPointer<CChar>
    private let upper: UnsafeMutableBufferPointer<CChar>?
    /// Owns the read options, which must outlive the iterator.
    private let reader: RowReader
    private let table: TableName

    init(_ reader: consuming RowReader, handle: DatabaseHandle, table: TableName, range: KeyRange) {
        unsafe lower = unsafe Self.copy(range.lower)
        unsafe upper = unsafe range.upper.map { unsafe Self.copy($0) }
        unsafe rocksdb_readoptions_set_iterate_lower_bound(
            reader.options, lower.baseAddress, lower.count)
        if let upper = unsafe upper {
            unsafe rocksdb_readoptions_set_iterate_upper_bound(
                reader.options, upper.baseAddress, upper.count)
        }
        guard
            let iterator = unsafe rocksdb_create_iterator_cf(
                handle.database, reader.options, handle.family(table))
        else { preconditionFailure("rocksdb_create_iterator_cf returned nothing") }
        unsafe self.iterator = iterator
        self.reader = reader
        self.table = table
    }

    deinit {
        unsafe rocksdb_iter_destroy(iterator)
        unsafe lower.deallocate()
        unsafe upper?.deallocate()
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<CChar> {
        let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
        _ = unsafe memory.initialize(from: bytes.lazy.map { CChar(bitPattern: $0) })
        return unsafe memory
    }

    mutating func start(descending: Bool) {
        unsafe descending
            ? rocksdb_iter_seek_to_last(iterator) : rocksdb_iter_seek_to_first(iterator)
    }

    mutating func advance(descending: Bool) {
        unsafe descending ? rocksdb_iter_prev(iterator) : rocksdb_iter_next(iterator)
    }

    /// Key and value that the iterator stands on, good until it moves.
    var bytes: (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        guard unsafe rocksdb_iter_valid(iterator) != 0 else { return nil }
        var keyCount = 0
        var valueCount = 0
        let key = unsafe rocksdb_iter_key(iterator, &keyCount)
        let value = unsafe rocksdb_iter_value(iterator, &valueCount)
        return unsafe (
            UnsafeRawBufferPointer(start: key, count: keyCount),
            UnsafeRawBufferPointer(start: value, count: valueCount)
        )
    }

    /// The cell the iterator stands on, copied.
    var cell: Cell? {
        guard let (key, value) = unsafe bytes else { return nil }
        return unsafe Cell(key: Array(key), value: Array(value))
    }

    func check() throws(RowStoreError) {
        try unsafe checked("read table \(table)") { unsafe rocksdb_iter_get_error(iterator, $0) }
    }
}
