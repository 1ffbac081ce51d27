// The tables of an event store and their keys; docs/formats/rows.md draws the bytes.
//
//     table      row key                        clustering key            cell
//     offsets    shard                          -                         applied offset
//     blocks     shard, project, collection     first offset, index       where a block is, its
//     span
//     tail       shard, project, collection     first offset, index       a fresh block's bytes
//     small      shard, project, collection     -                         small fresh blocks
//     rollups    shard, project, collection     hour                      events, a counter
//     totals     shard, project, collection     -                         events, a counter
//     schema     shard, project, collection     path                      types seen, a bit each
//     edits      shard, project, collection     first offset, index       what is gone of a block
//     deletes    shard, project, collection     offset                    a delete that waits
//     retention  shard, project, collection     -                         how long events are kept
//     tokens     shard, project, collection     token                     when its event came
//     numbers    name                           -                         a number of the store
//     user       shard, table, parts of the user's choice                 a user's bytes
//     counters   the same                                                 a user's counter
//     states     the same                                                 a user's aggregate state
//
// `blocks` is the manifest: it lists fresh blocks, whose bytes are in `tail`, and sealed ones,
// whose
// bytes are in segment files. Shard comes first everywhere, so that a shard is a range of each
// table.

internal import Base
internal import Model
internal import RowStore

enum StoreTables {
    static let offsets = TableName("offsets")
    static let blocks = TableName("blocks")
    static let tail = TableName("tail")
    static let small = TableName("small")
    static let rollups = TableName("rollups")
    static let totals = TableName("totals")
    static let schema = TableName("schema")
    static let edits = TableName("edits")
    static let deletes = TableName("deletes")
    static let retention = TableName("retention")
    static let tokens = TableName("tokens")
    static let numbers = TableName("numbers")

    /// Rows of users; each keyspace holds any number of tables.
    static let user = TableName("user")
    static let counters = TableName("counters")
    static let states = TableName("states")

    /// The store's own.
    static let `internal` = [
        TableDefinition(offsets), TableDefinition(blocks), TableDefinition(tail),
        TableDefinition(small, cells: .merged(SmallCell.function)),
        TableDefinition(rollups, cells: .merged(.counter)),
        TableDefinition(totals, cells: .merged(.counter)), TableDefinition(schema),
        TableDefinition(edits), TableDefinition(deletes), TableDefinition(retention),
        TableDefinition(tokens, cells: .expiring), TableDefinition(numbers),
    ]

    static let all =
        `internal` + [
            TableDefinition(user, cells: .expiring),
            TableDefinition(counters, cells: .merged(.counter)),
            TableDefinition(states, cells: .merged(StateMerge.function)),
        ]

    /// The cell of `numbers` that says which number the next segment gets.
    static var nextSegmentKey: [UInt8] {
        var key = KeyWriter()
        key.append("next_segment")
        return key.bytes
    }

    /// What keys of `numbers` begin with that say of which shard an import is under way.
    static var importPrefix: [UInt8] {
        var key = KeyWriter()
        key.append("importing")
        return key.bytes
    }

    static func importKey(_ shard: ShardID) -> [UInt8] { importPrefix + row(shard) }

    static func row(_ shard: ShardID) -> [UInt8] {
        var key = KeyWriter()
        key.append(shard.number)
        return key.bytes
    }

    static func row(_ shard: ShardID, _ project: ProjectID) -> [UInt8] {
        var key = KeyWriter(row(shard))
        key.append(project.name)
        return key.bytes
    }

    static func row(_ shard: ShardID, _ collection: CollectionID) -> [UInt8] {
        var key = KeyWriter(row(shard, collection.project))
        key.append(collection.collection.name)
        return key.bytes
    }

    static func rollupKey(_ row: [UInt8], hour: Int64) -> [UInt8] {
        var key = KeyWriter(row)
        key.append(hour)
        return key.bytes
    }

    static func schemaKey(_ row: [UInt8], path: String) -> [UInt8] {
        var key = KeyWriter(row)
        key.append(path)
        return key.bytes
    }

    static func tokenKey(_ row: [UInt8], _ token: String) -> [UInt8] {
        var key = KeyWriter(row)
        key.append(token)
        return key.bytes
    }

    static func readCollection(_ key: inout KeyReader) throws -> CollectionID {
        CollectionID(
            project: try ProjectID(try key.readText()),
            collection: try CollectionName(try key.readText()))
    }
}

extension WriteBatch {
    mutating func putNextSegment(_ number: UInt64) {
        var value = ByteWriter()
        value.write(littleEndian: number)
        put(StoreTables.numbers, key: StoreTables.nextSegmentKey, value: value.bytes)
    }
}

/// Where a block stands in its row: blocks of a collection are in the order of the log.
struct BlockPosition: Sendable, Hashable, Comparable {
    /// Offset of the first record of the batch, or of the first of the batches merged into it.
    var firstOffset: Int64
    /// Position among the batch's blocks, which tells apart two blocks of one collection.
    var index: Int32

    func key(_ row: [UInt8]) -> [UInt8] {
        var key = KeyWriter(row)
        key.append(firstOffset)
        key.append(index)
        return key.bytes
    }

    init(firstOffset: Int64, index: Int32) {
        self.firstOffset = firstOffset
        self.index = index
    }

    init(_ key: inout KeyReader) throws(KeyError) {
        firstOffset = try key.readInt64()
        index = try key.readInt32()
    }

    /// Bytes of a key that say it.
    static let byteCount = 12

    static func < (left: BlockPosition, right: BlockPosition) -> Bool {
        (left.firstOffset, left.index) < (right.firstOffset, right.index)
    }

    /// Reads the end of a key without copying it.
    init(endOf key: Span<UInt8>) throws(KeyError) {
        guard key.count >= Self.byteCount else { throw KeyError(offset: key.count) }
        func number(_ from: Int, _ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for index in from..<from + count { value = value << 8 | UInt64(key[index]) }
            return value
        }
        let begin = key.count - Self.byteCount
        firstOffset = Int64(bitPattern: number(begin, 8) ^ 1 << 63)
        index = Int32(bitPattern: UInt32(truncatingIfNeeded: number(begin + 8, 4)) ^ 1 << 31)
    }
}

/// A cell of the manifest.
struct BlockRecord: Sendable, Equatable {
    enum Place: Sendable, Equatable {
        /// In the table `tail`, under the same key.
        case fresh
        case sealed(segment: UInt64, offset: Int64)
    }
    var place: Place
    var rowCount: Int
    var byteCount: Int
    var minTimestamp: Int64
    var maxTimestamp: Int64

    var encoded: [UInt8] {
        var writer = ByteWriter()
        switch place {
        case .fresh: writer.write(UInt8(0))
        case .sealed: writer.write(UInt8(1))
        }
        writer.write(varint: UInt64(rowCount))
        writer.write(varint: UInt64(byteCount))
        writer.write(littleEndian: minTimestamp)
        writer.write(littleEndian: maxTimestamp)
        if case .sealed(let segment, let offset) = place {
            writer.write(littleEndian: segment)
            writer.write(littleEndian: offset)
        }
        return writer.bytes
    }

    init(
        place: Place, rowCount: Int, byteCount: Int, minTimestamp: Int64, maxTimestamp: Int64
    ) {
        self.place = place
        self.rowCount = rowCount
        self.byteCount = byteCount
        self.minTimestamp = minTimestamp
        self.maxTimestamp = maxTimestamp
    }

    init(_ bytes: [UInt8]) throws(ByteReaderError) { try self.init(bytes.span) }

    /// Reads a cell in place.
    init(_ bytes: Span<UInt8>) throws(ByteReaderError) {
        var position = 0
        func take(_ size: Int) throws(ByteReaderError) -> UInt64 {
            let available = bytes.count - position
            guard size <= available else {
                throw .truncated(offset: position, needed: size, available: available)
            }
            var value: UInt64 = 0
            for index in 0..<size { value |= UInt64(bytes[position + index]) << (8 * index) }
            position += size
            return value
        }
        func takeVarint() throws(ByteReaderError) -> Int {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 63, by: 7) {
                let byte = try take(1)
                value |= (byte & 0x7F) << shift
                if byte < 0x80 { return Int(clamping: value) }
            }
            throw .overlongVarint(offset: position)
        }
        let kind = try take(1)
        rowCount = try takeVarint()
        byteCount = try takeVarint()
        minTimestamp = Int64(bitPattern: try take(8))
        maxTimestamp = Int64(bitPattern: try take(8))
        switch kind {
        case 0: place = .fresh
        case 1:
            place = .sealed(segment: try take(8), offset: Int64(bitPattern: try take(8)))
        default: throw .invalidValue(offset: 0, what: "unknown place of a block: \(kind)")
        }
    }

    /// Whether the block may hold an event of the timeframe, given in milliseconds.
    func overlaps(_ timeframe: Range<Int64>?) -> Bool {
        guard let timeframe else { return true }
        return minTimestamp < timeframe.upperBound && maxTimestamp >= timeframe.lowerBound
    }
}
