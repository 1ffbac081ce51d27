// The smallest fresh blocks of a collection, one after the other in one cell of the table `small`:
// a batch with an event each for thousands of collections writes one cell for each of them, and a
// store that opens reads one for each. Blocks are appended without reading the cell, by a merge
// operator; `EventStore+Fold.swift` makes ordinary fresh blocks of it when it has grown.
//
//     i64     first log offset, little-endian
//     i32     index, little-endian
//     record  counted bytes, as in the manifest
//     bytes   the block, as many as the record says

internal import Base
internal import RowStore

/// One block of a cell.
struct SmallBlock: Sendable, Equatable {
    var position: BlockPosition
    var record: BlockRecord
    var bytes: [UInt8]

    var encoded: [UInt8] {
        let record = record.encoded
        var writer = ByteWriter(capacity: 13 + record.count + bytes.count)
        writer.write(littleEndian: position.firstOffset)
        writer.write(littleEndian: position.index)
        writer.write(counted: record)
        writer.write(bytes)
        return writer.bytes
    }
}

/// How much a cell holds.
struct SmallSize: Sendable, Equatable {
    var blockCount = 0
    var rowCount = 0
    var byteCount = 0

    mutating func add(_ record: BlockRecord) {
        blockCount += 1
        rowCount += record.rowCount
        byteCount += record.byteCount
    }
}

enum SmallCell {
    static let function = MergeFunction(
        name: "millrace.small", isValid: { !$0.isEmpty }, combine: { $0 + $1 })

    /// The blocks of a cell in the order of the log.
    static func blocks(_ cell: [UInt8]) throws -> [SmallBlock] {
        var reader = ByteReader(cell)
        var blocks: [SmallBlock] = []
        while !reader.isAtEnd {
            let position = BlockPosition(
                firstOffset: try reader.readLittleEndian(), index: try reader.readLittleEndian())
            let record = try BlockRecord(Array(try reader.readCounted()))
            let bytes = Array(try reader.readBytes(record.byteCount))
            blocks.append(SmallBlock(position: position, record: record, bytes: bytes))
        }
        return blocks
    }

    /// What a cell holds, without copying it.
    static func size(_ cell: Span<UInt8>) throws -> SmallSize {
        var size = SmallSize()
        var offset = 0
        while offset < cell.count {
            let begin = offset + BlockPosition.byteCount + 1
            // A record is always shorter than a count of one byte can say.
            guard begin <= cell.count, case let count = Int(cell[begin - 1]), count < 0x80,
                count <= cell.count - begin
            else { throw ByteReaderError.invalidValue(offset: offset, what: "no block record") }
            let record = try BlockRecord(cell.extracting(begin..<begin + count))
            offset = begin + count
            guard record.byteCount <= cell.count - offset else {
                throw ByteReaderError.truncated(
                    offset: offset, needed: record.byteCount, available: cell.count - offset)
            }
            offset += record.byteCount
            size.add(record)
        }
        return size
    }
}
