// The tables of the store as peers see them: all can be read, those of users can be written.
//
// Rows of users belong to one shard of this node, like everything else, but they do not come from
// the log: what is written here is synced at once, and is refilled from an export only.

internal import Base
package import Model
internal import RowStore

extension EventStore {
    /// Tells the store what time it is, in milliseconds since 1970: rows of users that have expired
    /// by then are not seen any more, and are removed when RocksDB compacts them. Never goes back.
    package func advanceTime(to now: Int64) { rows.advanceTime(to: now) }

    /// The store's own tables, and those of users in this store's shards by name, and whether these
    /// are all there are.
    package func tables() throws -> (tables: [TableDescription], isComplete: Bool) {
        try checkOpen()
        do {
            var tables = StoreTables.internal.map { KnownTable(internal: $0).description }
            let snapshot = rows.snapshot()
            for (keyspace, name) in KnownTable.writable.sorted(by: { $0.key < $1.key }) {
                let names = try userTables(name, snapshot)
                guard tables.count + names.count <= Limits.rowTablesMax else {
                    return (tables, false)
                }
                tables += try names.map {
                    try KnownTable(TableReference(keyspace: keyspace, table: $0)).description
                }
            }
            return (tables, true)
        } catch { throw EventStoreError.wrapping(error) }
    }

    /// Names of users' tables, found by jumping from each to the next.
    private func userTables(_ name: TableName, _ snapshot: RowSnapshot) throws -> [String] {
        var names: Set<String> = []
        let first = PageLimits(cells: 1, bytes: .max, visits: Limits.rowVisitsMax)
        for shard in shardIDs {
            var range = KeyRange.beginning(with: StoreTables.row(shard))
            while names.count <= Limits.rowTablesMax {
                let page = try snapshot.page(name, in: range, first)
                guard let cell = page.cells.first else {
                    guard let next = page.next else { break }
                    range = range.resumed(at: next, descending: false)
                    continue
                }
                var key = KeyReader(cell.key)
                _ = try key.readInt32()
                names.insert(try key.readText())
                guard let end = KeyRange.beginning(with: Array(cell.key[..<key.offset])).upper
                else { break }
                range = range.resumed(at: end, descending: false)
            }
        }
        return names.sorted()
    }

    // MARK: Reading

    /// One cell, whole; nil if there is none. Throws `notFound` for a table or shard that is not
    /// here, and `tooLarge` for a value that no answer holds.
    package func cell(
        _ reference: TableReference, shard: ShardID?, key: [UInt8]
    ) throws -> TableCell? {
        try checkOpen()
        let table = try KnownTable(reference)
        let prefix = try prefix(of: table, shard)
        do {
            guard let value = try rows.get(table.name, key: prefix + key) else { return nil }
            guard value.count <= Limits.rowAnswerBytesMax else {
                throw EventStoreError(
                    .tooLarge,
                    "a value of \(value.count) bytes; an answer holds \(Limits.rowAnswerBytesMax)")
            }
            return TableCell(
                key: key, byteCount: value.count, value: value, fields: table.fields(value))
        } catch { throw EventStoreError.wrapping(error) }
    }

    /// The cells of a range, as many as one answer holds, of one moment.
    package func page(_ slice: TableSlice) throws -> TablePage {
        try checkOpen()
        let table = try KnownTable(slice.table)
        let prefix = try prefix(of: table, slice.shard)
        let whole = KeyRange.beginning(with: prefix)
        var range = KeyRange(
            lower: prefix + slice.range.lower,
            upper: slice.range.upper.map { prefix + $0 } ?? whole.upper)
        if let cursor = slice.cursor {
            range = range.resumed(at: prefix + cursor, descending: slice.isDescending)
        }
        if let upper = range.upper, !range.lower.lexicographicallyPrecedes(upper) {
            return TablePage(cells: [], next: nil)
        }
        guard slice.limit > 0 else {
            throw EventStoreError(.badRequest, "a slice of no cells")
        }
        let limits = PageLimits(
            cells: min(slice.limit, Limits.rowPageCellsMax), bytes: Limits.rowPageBytesMax,
            visits: Limits.rowVisitsMax)
        do {
            let page = try rows.snapshot().page(
                table.name, in: range, limits, descending: slice.isDescending)
            let bytesMax = min(slice.valueBytesMax, Limits.rowPageBytesMax)
            return TablePage(
                cells: page.cells.map { cell in
                    TableCell(
                        key: Array(cell.key.dropFirst(prefix.count)),
                        byteCount: cell.value.count, value: Array(cell.value.prefix(bytesMax)),
                        fields: table.fields(cell.value))
                }, next: page.next.map { Array($0.dropFirst(prefix.count)) })
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func prefix(of table: KnownTable, _ shard: ShardID?) throws -> [UInt8] {
        let prefix = try table.prefix(shard)
        if let shard, !shardIDs.contains(shard) {
            throw EventStoreError(.notFound, "this store has nothing of shard \(shard)")
        }
        return prefix
    }

    // MARK: Writing

    /// Changes cells of a table of users, all or none, and syncs. Throws `badRequest` for the
    /// store's own tables and for keys that are none, `tooLarge` beyond the limits.
    package func write(_ request: TableChanges) throws {
        try checkOpen()
        let table = try KnownTable(request.table)
        guard table.description.isWritable else {
            throw EventStoreError(
                .badRequest,
                "\(request.table) is the store's own: only tables of "
                    + "\(KnownTable.writable.keys.sorted().joined(separator: ", ")) can be written")
        }
        let prefix = try prefix(of: table, request.shard)
        guard request.changes.count <= Limits.rowChangesMax else {
            throw EventStoreError(
                .tooLarge, "\(request.changes.count) changes, at most \(Limits.rowChangesMax)")
        }
        var batch = rows.makeBatch()
        for change in request.changes { try table.check(change) }
        for change in request.changes {
            switch change {
            case .put(let key, let value, let expiresAt):
                batch.put(table.name, key: prefix + key, value: value, expiresAt: expiresAt)
            case .merge(let key, let value):
                batch.merge(table.name, key: prefix + key, value: value)
            case .delete(let key): batch.delete(table.name, key: prefix + key)
            case .deleteRange(let lower, let upper):
                batch.delete(table.name, lower: prefix + lower, upper: prefix + upper)
            }
        }
        do { try rows.write(batch, sync: true) } catch { throw EventStoreError.wrapping(error) }
    }
}

extension KnownTable {
    private var function: MergeFunction? {
        StoreTables.all.first { $0.table == name }.flatMap {
            if case .merged(let function) = $0.cells { function } else { nil }
        }
    }

    /// Throws if the change is not one of this table.
    fileprivate func check(_ change: CellChange) throws {
        switch change {
        case .put(let key, let value, let expiresAt):
            try check(key: key, value: value)
            guard function?.isValid(value) ?? true else { throw wrongValue }
            guard function == nil || expiresAt == nil else {
                throw EventStoreError(
                    .badRequest, "cells of \(description.reference) do not expire")
            }
        case .merge(let key, let value):
            try check(key: key, value: value)
            guard let function else {
                throw EventStoreError(
                    .badRequest, "cells of \(description.reference) cannot be merged")
            }
            guard function.isValid(value) else { throw wrongValue }
        case .delete(let key): try check(key: key, value: [])
        case .deleteRange(let lower, let upper):
            guard !upper.lexicographicallyPrecedes(lower) else {
                throw EventStoreError(.badRequest, "a range that ends before it begins")
            }
            guard max(lower.count, upper.count) <= Limits.rowKeyBytesMax else { throw wrongKey }
        }
    }

    private func check(key: [UInt8], value: [UInt8]) throws {
        guard !key.isEmpty, key.count <= Limits.rowKeyBytesMax,
            KeyText(description.parts).accepts(key)
        else { throw wrongKey }
        guard value.count <= Limits.rowValueBytesMax else {
            throw EventStoreError(
                .tooLarge, "a value of \(value.count) bytes, at most \(Limits.rowValueBytesMax)")
        }
    }

    private var wrongKey: EventStoreError {
        EventStoreError(
            .badRequest,
            "a key of \(description.reference) is one part or several, each with its tag, of at "
                + "most \(Limits.rowKeyBytesMax) bytes together")
    }

    private var wrongValue: EventStoreError {
        EventStoreError(
            .badRequest, "a cell of \(description.reference) is a \(description.cells)")
    }
}
