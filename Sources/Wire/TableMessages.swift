// Bodies of `tables`, `get`, `slice` and `put`: wide rows as a node shows them, and changes.
//
//     TablesRequest  = (nothing)
//     TablesResponse = flag complete, count { table, flag has shards,
//                      count { text name, u8 kind, flag clustering }, text cells, flag writable }
//     GetRequest     = table, optional shard, key
//     GetResponse    = optional cell
//     SliceRequest   = table, optional shard, lower, optional upper, flag descending,
//                      optional cursor, count of cells, count of bytes of a value
//     SliceResponse  = count { cell }, optional cursor
//     PutRequest     = shard, table, count { u8 kind: 1 put, key, value, optional expiry;
//                      2 merge, key, value; 3 delete, key; 4 delete range, lower, upper }
//     PutResponse    = (nothing)
//
// A table is two texts; keys and values are counted bytes.

package import Base
package import Model

/// Asks which tables there are.
package struct TablesRequest: Message, Equatable {
    package init() {}
    package func encode(into writer: inout ByteWriter) {}
    package init(from reader: inout ByteReader) throws(ByteReaderError) {}
}

package struct TablesResponse: Message, Equatable {
    /// Whether these are all.
    package var isComplete: Bool
    package var tables: [TableDescription]

    package init(_ tables: [TableDescription], isComplete: Bool) {
        self.tables = tables
        self.isComplete = isComplete
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(flag: isComplete)
        writer.write(count: tables.count)
        for table in tables {
            writer.write(table.reference)
            writer.write(flag: table.hasShard)
            writer.write(count: table.parts.count)
            for part in table.parts {
                writer.write(part.name)
                writer.write(part.kind.rawValue)
                writer.write(flag: part.isClustering)
            }
            writer.write(table.cells)
            writer.write(flag: table.isWritable)
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        isComplete = try reader.readFlag()
        // Two names, two flags, a count and a text.
        let count = try reader.readCount(ofAtLeast: 6)
        tables = []
        for _ in 0..<count {
            let reference = try reader.readTable()
            let hasShard = try reader.readFlag()
            tables.append(
                TableDescription(
                    reference: reference, hasShard: hasShard, parts: try Self.readParts(&reader),
                    cells: try reader.readString(), isWritable: try reader.readFlag()))
        }
    }

    private static func readParts(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [KeyPart] {
        let count = try reader.readCount(ofAtLeast: 3)
        var parts: [KeyPart] = []
        for _ in 0..<count {
            let name = try reader.readString()
            let start = reader.offset
            let tag = try reader.readByte()
            guard let kind = KeyPart.Kind(rawValue: tag) else {
                throw .invalidValue(offset: start, what: "unknown kind \(tag) of a key's part")
            }
            parts.append(KeyPart(name, kind, isClustering: try reader.readFlag()))
        }
        return parts
    }
}

/// Asks for one cell.
package struct GetRequest: Message, Equatable {
    package var table: TableReference
    package var shard: ShardID?
    package var key: [UInt8]

    package init(table: TableReference, shard: ShardID?, key: [UInt8]) {
        self.table = table
        self.shard = shard
        self.key = key
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(table)
        writer.write(optional: shard) { $0.write($1) }
        writer.write(counted: key)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        table = try reader.readTable()
        shard = try reader.readFlag() ? try reader.readShard() : nil
        key = Array(try reader.readCounted())
    }
}

package struct GetResponse: Message, Equatable {
    package var cell: TableCell?

    package init(_ cell: TableCell?) { self.cell = cell }

    package func encode(into writer: inout ByteWriter) {
        writer.write(optional: cell) { $0.write($1) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        cell = try reader.readFlag() ? try reader.readCell() : nil
    }
}

/// Asks for a range of cells.
package struct SliceRequest: Message, Equatable {
    package var slice: TableSlice

    package init(_ slice: TableSlice) { self.slice = slice }

    package func encode(into writer: inout ByteWriter) {
        writer.write(slice.table)
        writer.write(optional: slice.shard) { $0.write($1) }
        writer.write(counted: slice.range.lower)
        writer.write(optional: slice.range.upper) { $0.write(counted: $1) }
        writer.write(flag: slice.isDescending)
        writer.write(optional: slice.cursor) { $0.write(counted: $1) }
        writer.write(count: max(0, slice.limit))
        writer.write(count: max(0, slice.valueBytesMax))
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let table = try reader.readTable()
        let shard = try reader.readFlag() ? try reader.readShard() : nil
        let lower = Array(try reader.readCounted())
        let upper = try reader.readFlag() ? Array(try reader.readCounted()) : nil
        let isDescending = try reader.readFlag()
        let cursor = try reader.readFlag() ? Array(try reader.readCounted()) : nil
        // Counts of what is wanted, not of what follows.
        let limit = Int(clamping: try reader.readVarint())
        slice = TableSlice(
            table: table, shard: shard, range: KeyRange(lower: lower, upper: upper),
            isDescending: isDescending, cursor: cursor, limit: limit,
            valueBytesMax: Int(clamping: try reader.readVarint()))
    }
}

package struct SliceResponse: Message, Equatable {
    package var page: TablePage

    package init(_ page: TablePage) { self.page = page }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: page.cells.count)
        for cell in page.cells { writer.write(cell) }
        writer.write(optional: page.next) { $0.write(counted: $1) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let count = try reader.readCount(ofAtLeast: 4)
        var cells: [TableCell] = []
        for _ in 0..<count { cells.append(try reader.readCell()) }
        page = TablePage(
            cells: cells, next: try reader.readFlag() ? Array(try reader.readCounted()) : nil)
    }
}

/// Changes cells of one table of one shard, all or none.
package struct PutRequest: Message, Equatable {
    package var changes: TableChanges

    package init(_ changes: TableChanges) { self.changes = changes }

    package func encode(into writer: inout ByteWriter) {
        writer.write(changes.shard)
        writer.write(changes.table)
        writer.write(count: changes.changes.count)
        for change in changes.changes {
            switch change {
            case .put(let key, let value, let expiresAt):
                writer.write(UInt8(1))
                writer.write(counted: key)
                writer.write(counted: value)
                writer.write(optional: expiresAt) { $0.write(zigzag: $1) }
            case .merge(let key, let value):
                writer.write(UInt8(2))
                writer.write(counted: key)
                writer.write(counted: value)
            case .delete(let key):
                writer.write(UInt8(3))
                writer.write(counted: key)
            case .deleteRange(let lower, let upper):
                writer.write(UInt8(4))
                writer.write(counted: lower)
                writer.write(counted: upper)
            }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let shard = try reader.readShard()
        let table = try reader.readTable()
        let count = try reader.readCount(ofAtLeast: 2)
        var changes: [CellChange] = []
        for _ in 0..<count { changes.append(try Self.readChange(&reader)) }
        self.changes = TableChanges(shard: shard, table: table, changes: changes)
    }

    private static func readChange(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> CellChange {
        let start = reader.offset
        let kind = try reader.readByte()
        let key = Array(try reader.readCounted())
        switch kind {
        case 1:
            let value = Array(try reader.readCounted())
            let expiresAt = try reader.readFlag() ? try reader.readZigzag() : nil
            return .put(key: key, value: value, expiresAt: expiresAt)
        case 2: return .merge(key: key, value: Array(try reader.readCounted()))
        case 3: return .delete(key: key)
        case 4: return .deleteRange(lower: key, upper: Array(try reader.readCounted()))
        default: throw .invalidValue(offset: start, what: "unknown change \(kind)")
        }
    }
}

package struct PutResponse: Message, Equatable {
    package init() {}
    package func encode(into writer: inout ByteWriter) {}
    package init(from reader: inout ByteReader) throws(ByteReaderError) {}
}

extension ByteWriter {
    fileprivate mutating func write(_ table: TableReference) {
        write(table.keyspace)
        write(table.table)
    }

    fileprivate mutating func write<Wrapped>(
        optional value: Wrapped?, _ body: (inout ByteWriter, Wrapped) -> Void
    ) {
        write(flag: value != nil)
        if let value { body(&self, value) }
    }

    /// A cell: key, count of the value's bytes, value or its beginning, count { text, value }.
    fileprivate mutating func write(_ cell: TableCell) {
        write(counted: cell.key)
        write(count: cell.byteCount)
        write(counted: cell.value)
        write(count: cell.fields.count)
        for field in cell.fields {
            write(field.name)
            field.value.encode(into: &self)
        }
    }
}

extension ByteReader {
    fileprivate mutating func readTable() throws(ByteReaderError) -> TableReference {
        TableReference(keyspace: try readString(), table: try readString())
    }

    fileprivate mutating func readCell() throws(ByteReaderError) -> TableCell {
        let key = Array(try readCounted())
        let byteCount = Int(clamping: try readVarint())
        let value = Array(try readCounted())
        let count = try readCount(ofAtLeast: 1 + Value.encodedBytesMin)
        var fields: [TableCell.Field] = []
        for _ in 0..<count {
            let name = try readString()
            fields.append(TableCell.Field(name, try Value(from: &self)))
        }
        return TableCell(key: key, byteCount: byteCount, value: value, fields: fields)
    }
}
