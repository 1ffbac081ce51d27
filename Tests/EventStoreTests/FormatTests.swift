import Base
import Model
import RowStore
import Testing

@testable import EventStore

/// The bytes of docs/formats/rows.md and docs/formats/segment.md.
@Suite struct FormatTests {
    private let row = StoreTables.row(ShardID(3), collection("a b"))

    @Test func keys() {
        #expect(hexadecimal(row) == "80000003" + "700001" + "6120620001")
        let key = BlockPosition(firstOffset: 258, index: 1).key(row)
        #expect(hexadecimal(key.dropFirst(row.count)) == "8000000000000102" + "80000001")
        let hour = StoreTables.rollupKey(row, hour: -1)
        #expect(hexadecimal(hour.dropFirst(row.count)) == "7fffffffffffffff")
        let path = StoreTables.schemaKey(row, path: "x.y")
        #expect(hexadecimal(path.dropFirst(row.count)) == "782e790001")
    }

    @Test func blockRecords() throws {
        let fresh = BlockRecord(
            place: .fresh, rowCount: 300, byteCount: 5, minTimestamp: 1, maxTimestamp: -1)
        #expect(
            hexadecimal(fresh.encoded)
                == "00" + "ac02" + "05" + "0100000000000000" + "ffffffffffffffff")
        var sealed = fresh
        sealed.place = .sealed(segment: 7, offset: 64)
        #expect(
            hexadecimal(sealed.encoded)
                == "01" + "ac02" + "05" + "0100000000000000" + "ffffffffffffffff"
                + "0700000000000000" + "4000000000000000")
        for record in [fresh, sealed] {
            #expect(try BlockRecord(record.encoded) == record)
            for count in record.encoded.indices {
                #expect(throws: ByteReaderError.self) {
                    try BlockRecord(Array(record.encoded[..<count]))
                }
            }
        }
    }

    @Test func smallBlocks() throws {
        let record = BlockRecord(
            place: .fresh, rowCount: 1, byteCount: 3, minTimestamp: 5, maxTimestamp: 6)
        let first = SmallBlock(
            position: BlockPosition(firstOffset: 258, index: 1), record: record, bytes: [7, 8, 9])
        #expect(
            hexadecimal(first.encoded)
                == "0201000000000000" + "01000000" + "13" + hexadecimal(record.encoded) + "070809")
        var second = first
        second.position.index = 2
        let cell = first.encoded + second.encoded
        #expect(try SmallCell.blocks(cell) == [first, second])
        #expect(
            try SmallCell.size(cell.span) == SmallSize(blockCount: 2, rowCount: 2, byteCount: 6))
        // Cut anywhere else than between the two, or with a record of another kind.
        for count in 1..<cell.count where count != first.encoded.count {
            #expect(throws: (any Error).self) { try SmallCell.blocks(Array(cell[..<count])) }
            #expect(throws: (any Error).self) { try SmallCell.size(Array(cell[..<count]).span) }
        }
        var random = PRNG(seed: 5)
        for _ in 0..<2000 {
            var damaged = cell
            for _ in 0..<3 {
                damaged[Int.random(in: cell.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            _ = try? SmallCell.blocks(damaged)
            _ = try? SmallCell.size(damaged.span)
        }
    }

    @Test func segmentEnds() throws {
        let record = BlockRecord(
            place: .fresh, rowCount: 2, byteCount: 3, minTimestamp: 5, maxTimestamp: 6)
        var builder = SegmentBuilder(shard: ShardID(3), number: 7)
        let offset = builder.append(
            [1, 2, 3], collection: collection("a"),
            position: BlockPosition(firstOffset: 1, index: 0), record: record)
        #expect(offset == 64)
        let bytes = builder.finish().flatMap { $0 }
        let header = "4d525347" + "01000000" + "03000000" + "00000000" + "0700000000000000"
        #expect(hexadecimal(bytes[..<24]) == header)
        #expect(hexadecimal(bytes[24..<60]) == String(repeating: "00", count: 36))
        #expect(hexadecimal(bytes[60..<64]) == hexadecimal(littleEndian(crc32c(bytes[..<60]))))
        #expect(Array(bytes[64..<67]) == [1, 2, 3])
        let entry = "0170" + "0161" + "02" + "00" + "40" + "03" + "02" + "0a" + "0c"
        #expect(hexadecimal(bytes[128..<bytes.count - 32]) == entry)
        let footer = Array(bytes.suffix(32))
        #expect(hexadecimal(footer[..<12]) == "8000000000000000" + "01000000")
        #expect(footer[12..<16].elementsEqual(littleEndian(crc32c(bytes[128..<bytes.count - 32]))))
        #expect(hexadecimal(footer[16..<24]) == "ab00000000000000")
        #expect(footer[24..<28].elementsEqual(littleEndian(crc32c(footer[..<24]))))
        #expect(hexadecimal(footer[28...]) == "4d525347")
        #expect(SegmentFormat.fileName(255) == "00000000000000ff.segment")
        #expect(SegmentFormat.number(ofFile: "00000000000000ff.segment") == 255)
        #expect(SegmentFormat.number(ofFile: "00000000000000ff.segment.tmp") == nil)
    }

    private func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
