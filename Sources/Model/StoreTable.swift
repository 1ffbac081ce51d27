// Wide rows as a storage node shows them to its peers: which tables there are, what their keys are
// made of, and changes to those that may be written.

/// A table by its two names. Tables of the keyspace `store` are the node's own; those of `user`,
/// `counters` and `states` are made by the first write to them.
package struct TableReference: Sendable, Hashable, CustomStringConvertible {
    package var keyspace: String
    package var table: String

    package init(keyspace: String, table: String) {
        self.keyspace = keyspace
        self.table = table
    }

    package var description: String { "\(keyspace)/\(table)" }
}

/// One part of a key. The numbers are on the wire: never reuse one.
package struct KeyPart: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        case int64 = 1
        case int32 = 2
        case text = 3
        /// Any number of parts to the end of the key, each a byte 1 (int64), 2 (text) or 3 (bytes,
        /// coded as text) and the part.
        case tagged = 4
    }
    package var name: String
    package var kind: Kind
    /// Whether the part belongs to the clustering key.
    package var isClustering: Bool

    package init(_ name: String, _ kind: Kind, isClustering: Bool = false) {
        self.name = name
        self.kind = kind
        self.isClustering = isClustering
    }
}

/// What a table is to those who look at it.
package struct TableDescription: Sendable, Hashable {
    package var reference: TableReference
    /// Whether rows belong to a shard. The parts do not list it.
    package var hasShard: Bool
    package var parts: [KeyPart]
    /// What a cell is, in a few words.
    package var cells: String
    package var isWritable: Bool

    package init(
        reference: TableReference, hasShard: Bool, parts: [KeyPart], cells: String,
        isWritable: Bool
    ) {
        self.reference = reference
        self.hasShard = hasShard
        self.parts = parts
        self.cells = cells
        self.isWritable = isWritable
    }
}

/// A change to a writable table. Keys are without shard and table.
package enum CellChange: Sendable, Hashable {
    /// Puts a cell; in milliseconds since 1970, when it is gone.
    case put(key: [UInt8], value: [UInt8], expiresAt: Int64?)
    /// Adds to a counter or a state.
    case merge(key: [UInt8], value: [UInt8])
    case delete(key: [UInt8])
    /// Deletes every cell with `lower <= key < upper`.
    case deleteRange(lower: [UInt8], upper: [UInt8])
}

/// Changes to one table of one shard, done together or not at all.
package struct TableChanges: Sendable, Hashable {
    package var shard: ShardID
    package var table: TableReference
    package var changes: [CellChange]

    package init(shard: ShardID, table: TableReference, changes: [CellChange]) {
        self.shard = shard
        self.table = table
        self.changes = changes
    }
}

/// A range of a table's cells, in either direction.
package struct TableSlice: Sendable, Hashable {
    package var table: TableReference
    /// Nil for a table without shards.
    package var shard: ShardID?
    /// Keys without shard and table; no upper means to the end.
    package var range: KeyRange
    package var isDescending: Bool
    /// Where an earlier answer said that the rest begins.
    package var cursor: [UInt8]?
    /// Cells of one answer at most; the node has a bound of its own.
    package var limit: Int
    /// Bytes of each value that are wanted; the rest is left out.
    package var valueBytesMax: Int

    package init(
        table: TableReference, shard: ShardID?, range: KeyRange, isDescending: Bool = false,
        cursor: [UInt8]? = nil, limit: Int, valueBytesMax: Int = Int(Int32.max)
    ) {
        self.table = table
        self.shard = shard
        self.range = range
        self.isDescending = isDescending
        self.cursor = cursor
        self.limit = limit
        self.valueBytesMax = valueBytesMax
    }
}

/// A cell as it is shown.
package struct TableCell: Sendable, Equatable {
    /// A part of what a value means.
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: Value

        package init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }
    /// Without shard and table.
    package var key: [UInt8]
    /// Bytes of the whole value.
    package var byteCount: Int
    /// The value, or as much of it as was asked for.
    package var value: [UInt8]
    /// What the value means, where the node knows.
    package var fields: [Field]

    package init(key: [UInt8], byteCount: Int, value: [UInt8], fields: [Field]) {
        self.key = key
        self.byteCount = byteCount
        self.value = value
        self.fields = fields
    }
}

/// An answer to a slice.
package struct TablePage: Sendable, Equatable {
    package var cells: [TableCell]
    /// The cursor of the next page; nil at the end. A page may be empty before the end.
    package var next: [UInt8]?

    package init(cells: [TableCell], next: [UInt8]?) {
        self.cells = cells
        self.next = next
    }
}
