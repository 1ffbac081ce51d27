// A segment file: sealed blocks of any collections of one shard, written once.
// docs/formats/segment.md
// draws the bytes.
//
//     header     64 bytes: magic "MRSG", version, shard, segment number, checksum
//     blocks     each at a multiple of 64 bytes, as docs/formats/block.md
//     directory  one entry a block
//     footer     32 bytes: directory place, entry count, checksums, file size, magic

internal import Base
internal import Model

/// A block within a segment, as the segment's own directory lists it. The manifest says the same;
/// this is what a store without its manifest would be rebuilt from.
struct SegmentEntry: Sendable, Equatable {
    var collection: CollectionID
    var position: BlockPosition
    var offset: Int64
    var byteCount: Int
    var rowCount: Int
    var minTimestamp: Int64
    var maxTimestamp: Int64
}

enum SegmentFormat {
    /// "MRSG"
    static let magic: UInt32 = 0x4753_524D
    static let version: UInt32 = 1
    static let headerByteCount = 64
    static let footerByteCount = 32
    static let alignment = 64

    static func fileName(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + ".segment"
    }

    /// The number in a segment's file name; nil for other names.
    static func number(ofFile name: String) -> UInt64? {
        guard name.utf8.count == 24, name.hasSuffix(".segment") else { return nil }
        // The greatest has no successor: nobody's file of ours.
        return UInt64(name.prefix(16), radix: 16).flatMap { $0 < .max ? $0 : nil }
    }

    static func header(shard: ShardID, number: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: headerByteCount)
        writer.write(littleEndian: magic)
        writer.write(littleEndian: version)
        writer.write(littleEndian: shard.number)
        writer.write(littleEndian: UInt32(0))
        writer.write(littleEndian: number)
        writer.write(repeatElement(0, count: headerByteCount - writer.count - 4))
        writer.write(littleEndian: crc32c(writer.bytes))
        return writer.bytes
    }

    /// The end of a file whose blocks end at `offset`.
    static func directoryAndFooter(_ entries: [SegmentEntry], at offset: Int) -> [UInt8] {
        var directory = ByteWriter()
        for entry in entries { write(entry, to: &directory) }
        var footer = ByteWriter()
        footer.write(littleEndian: Int64(offset))
        footer.write(littleEndian: UInt32(entries.count))
        footer.write(littleEndian: crc32c(directory.bytes))
        footer.write(littleEndian: Int64(offset + directory.count + footerByteCount))
        footer.write(littleEndian: crc32c(footer.bytes))
        footer.write(littleEndian: magic)
        return directory.bytes + footer.bytes
    }

    private static func write(_ entry: SegmentEntry, to writer: inout ByteWriter) {
        writer.write(entry.collection.project.name)
        writer.write(entry.collection.collection.name)
        writer.write(zigzag: entry.position.firstOffset)
        writer.write(zigzag: Int64(entry.position.index))
        writer.write(varint: UInt64(entry.offset))
        writer.write(varint: UInt64(entry.byteCount))
        writer.write(varint: UInt64(entry.rowCount))
        writer.write(zigzag: entry.minTimestamp)
        writer.write(zigzag: entry.maxTimestamp)
    }

    static func readEntry(_ reader: inout ByteReader) throws -> SegmentEntry {
        SegmentEntry(
            collection: CollectionID(
                project: try ProjectID(try reader.readString()),
                collection: try CollectionName(try reader.readString())),
            position: BlockPosition(
                firstOffset: try reader.readZigzag(),
                index: Int32(clamping: try reader.readZigzag())),
            offset: Int64(clamping: try reader.readVarint()),
            byteCount: Int(clamping: try reader.readVarint()),
            rowCount: Int(clamping: try reader.readVarint()),
            minTimestamp: try reader.readZigzag(), maxTimestamp: try reader.readZigzag())
    }
}

/// Collects the blocks of a segment to be.
struct SegmentBuilder {
    let shard: ShardID
    let number: UInt64
    private(set) var entries: [SegmentEntry] = []
    /// The file so far.
    private(set) var pieces: [[UInt8]]
    private(set) var byteCount: Int

    init(shard: ShardID, number: UInt64) {
        self.shard = shard
        self.number = number
        pieces = [SegmentFormat.header(shard: shard, number: number)]
        byteCount = SegmentFormat.headerByteCount
    }

    /// Adds a block's bytes and returns where they begin.
    mutating func append(
        _ bytes: [UInt8], collection: CollectionID, position: BlockPosition, record: BlockRecord
    ) -> Int64 {
        let offset = Int64(byteCount)
        entries.append(
            SegmentEntry(
                collection: collection, position: position, offset: offset,
                byteCount: bytes.count, rowCount: record.rowCount,
                minTimestamp: record.minTimestamp, maxTimestamp: record.maxTimestamp))
        pieces.append(bytes)
        byteCount += bytes.count
        let padding =
            (SegmentFormat.alignment - byteCount % SegmentFormat.alignment)
            % SegmentFormat.alignment
        if padding > 0 { pieces.append([UInt8](repeating: 0, count: padding)) }
        byteCount += padding
        return offset
    }

    /// All pieces of the file.
    func finish() -> [[UInt8]] {
        pieces + [SegmentFormat.directoryAndFooter(entries, at: byteCount)]
    }
}
