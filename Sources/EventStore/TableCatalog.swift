// The tables as peers name them: which column family, what comes before their keys, what they are
// made of, and what a value means. docs/formats/rows.md lists them.

internal import Aggregate
internal import Base
internal import Columns
internal import Model
internal import RowStore

/// A table that peers can name, found.
struct KnownTable {
    /// What peers call the keyspace of the store's own tables.
    static let storeKeyspace = "store"
    /// Keyspaces whose tables anyone may make and write, which are tables of the row store.
    static let writable: [String: TableName] = [
        "user": StoreTables.user, "counters": StoreTables.counters, "states": StoreTables.states,
    ]

    let name: TableName
    let description: TableDescription

    /// Throws `notFound` for what is not there. A table of a writable keyspace always is.
    init(_ reference: TableReference) throws {
        if let name = Self.writable[reference.keyspace] {
            guard !reference.table.isEmpty,
                reference.table.utf8.count <= Limits.rowTableNameBytesMax
            else {
                throw EventStoreError(
                    .badRequest,
                    "a table's name has from 1 to \(Limits.rowTableNameBytesMax) bytes")
            }
            self.init(
                name,
                TableDescription(
                    reference: reference, hasShard: true, parts: [KeyPart("key", .tagged)],
                    cells: Self.cells(of: name), isWritable: true))
            return
        }
        guard reference.keyspace == Self.storeKeyspace,
            let definition = StoreTables.internal.first(where: { $0.table.name == reference.table })
        else { throw EventStoreError(.notFound, "there is no table \(reference)") }
        self.init(internal: definition)
    }

    init(internal definition: TableDefinition) {
        self.init(
            definition.table,
            TableDescription(
                reference: TableReference(
                    keyspace: Self.storeKeyspace, table: definition.table.name),
                hasShard: definition.table != StoreTables.numbers,
                parts: Self.parts(of: definition.table), cells: Self.cells(of: definition.table),
                isWritable: false))
    }

    private init(_ name: TableName, _ description: TableDescription) {
        self.name = name
        self.description = description
    }

    /// What stands before the keys that peers see. Throws if the table has shards and none is
    /// named, or the other way round.
    func prefix(_ shard: ShardID?) throws -> [UInt8] {
        guard (shard != nil) == description.hasShard else {
            let what = description.hasShard ? "belong to shards" : "belong to no shard"
            throw EventStoreError(.badRequest, "the rows of \(description.reference) \(what)")
        }
        var key = KeyWriter(shard.map(StoreTables.row) ?? [])
        if description.isWritable { key.append(description.reference.table) }
        return key.bytes
    }

    // MARK: What keys and cells are

    private static func parts(of table: TableName) -> [KeyPart] {
        let row = [KeyPart("project", .text), KeyPart("collection", .text)]
        return switch table {
        case StoreTables.offsets: []
        case StoreTables.blocks, StoreTables.tail, StoreTables.edits:
            row + [
                KeyPart("first_offset", .int64, isClustering: true),
                KeyPart("index", .int32, isClustering: true),
            ]
        case StoreTables.deletes: row + [KeyPart("offset", .int64, isClustering: true)]
        case StoreTables.rollups: row + [KeyPart("hour", .int64, isClustering: true)]
        case StoreTables.totals, StoreTables.retention, StoreTables.small: row
        case StoreTables.schema: row + [KeyPart("path", .text, isClustering: true)]
        case StoreTables.tokens: row + [KeyPart("token", .text, isClustering: true)]
        case StoreTables.numbers: [KeyPart("name", .text)]
        default: [KeyPart("key", .tagged)]
        }
    }

    private static func cells(of table: TableName) -> String {
        switch table {
        case StoreTables.offsets: "applied offset"
        case StoreTables.blocks: "block record"
        case StoreTables.tail: "fresh block"
        case StoreTables.small: "fresh blocks"
        case StoreTables.rollups, StoreTables.totals: "events, a counter"
        case StoreTables.schema: "property types"
        case StoreTables.edits: "what is gone of a block"
        case StoreTables.deletes: "control record"
        case StoreTables.retention: "milliseconds"
        case StoreTables.tokens: "milliseconds"
        case StoreTables.numbers: "number"
        case StoreTables.user: "bytes"
        case StoreTables.counters: "counter"
        case StoreTables.states: "aggregate state"
        default: "bytes"
        }
    }

    /// What a value means; nothing if only its owner knows, or if it is not what it should be.
    func fields(_ value: [UInt8]) -> [TableCell.Field] {
        switch name {
        case StoreTables.offsets: [TableCell.Field("offset", .int(decodeCounter(value)))]
        case StoreTables.rollups, StoreTables.totals:
            [TableCell.Field("events", .int(decodeCounter(value)))]
        case StoreTables.numbers, StoreTables.counters:
            [TableCell.Field("number", .int(decodeCounter(value)))]
        case StoreTables.retention, StoreTables.tokens:
            [TableCell.Field("milliseconds", .int(decodeCounter(value)))]
        case StoreTables.schema:
            [
                TableCell.Field(
                    "types",
                    .string(
                        TypeBits.types(value.first ?? 0).map(\.name).joined(separator: ",")))
            ]
        case StoreTables.blocks: (try? BlockRecord(value))?.fields ?? []
        case StoreTables.tail: (try? Block(value))?.fields ?? []
        case StoreTables.small: (try? SmallCell.size(value.span))?.fields ?? []
        case StoreTables.states: Self.fields(state: StateMerge.decode(value))
        default: []
        }
    }

    private static func fields(state: AggregateState?) -> [TableCell.Field] {
        guard let state else { return [TableCell.Field("kind", .string("spoilt"))] }
        let result: Value =
            switch state.result {
            case .null: .null
            case .int(let number): .int(number)
            case .double(let number): .double(number)
            case .list(let values): .int(Int64(values.count))
            }
        return [
            TableCell.Field("kind", .string("\(state.kind)")), TableCell.Field("result", result),
        ]
    }
}

private func timeFields(_ least: Int64, _ greatest: Int64) -> [TableCell.Field] {
    [("from", least), ("to", greatest)].map {
        TableCell.Field($0.0, .string(Timestamp(milliseconds: $0.1).description))
    }
}

extension BlockRecord {
    fileprivate var fields: [TableCell.Field] {
        let size = [
            TableCell.Field("rows", .int(Int64(rowCount))),
            TableCell.Field("bytes", .int(Int64(byteCount))),
        ]
        let place =
            switch place {
            case .fresh: [TableCell.Field("place", .string("fresh"))]
            case .sealed(let segment, let offset):
                [
                    TableCell.Field("place", .string("sealed")),
                    TableCell.Field("segment", .int(Int64(clamping: segment))),
                    TableCell.Field("offset", .int(offset)),
                ]
            }
        return place + size + timeFields(minTimestamp, maxTimestamp)
    }
}

extension SmallSize {
    fileprivate var fields: [TableCell.Field] {
        [
            TableCell.Field("blocks", .int(Int64(blockCount))),
            TableCell.Field("rows", .int(Int64(rowCount))),
        ]
    }
}

extension Block {
    fileprivate var fields: [TableCell.Field] {
        [
            TableCell.Field("rows", .int(Int64(rowCount))),
            TableCell.Field("columns", .int(Int64(columnCount))),
        ] + timeFields(minTimestamp, maxTimestamp)
    }
}
