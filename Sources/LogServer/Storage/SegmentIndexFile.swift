// What a start, or a first reader, wants to know of a segment without reading it. Two checkpoint
// files have it: the index of a closed segment, and the partition's snapshot for the last one.
//
//     byte count uint64          of the batches that it covers
//     next offset int64
//     largest timestamp int64
//     entry count varint         then for each: relative offset uint32, position uint32,
//                                largest timestamp before int64
//     interval int64             of append times, milliseconds
//     time count varint          then for each: offset int64, time int64
//
// It is derived: if it is missing, damaged or does not fit the segment, it is made again.

internal import Base
internal import KafkaWire

extension SegmentContent {
    func encode(into writer: inout ByteWriter) {
        writer.write(littleEndian: UInt64(byteCount))
        writer.write(littleEndian: nextOffset)
        writer.write(littleEndian: timestampMax)
        index.encode(into: &writer)
        appendTimes.encode(into: &writer)
    }

    init(from reader: inout ByteReader, baseOffset: Int64) throws(ByteReaderError) {
        self.init(baseOffset: baseOffset)
        byteCount = Int(clamping: try reader.readLittleEndian() as UInt64)
        visibleByteCount = byteCount
        nextOffset = try reader.readLittleEndian()
        timestampMax = try reader.readLittleEndian()
        index = try SegmentIndex(from: &reader, baseOffset: baseOffset)
        appendTimes = try AppendTimes(from: &reader)
        guard nextOffset >= baseOffset, byteCount <= Int(UInt32.max),
            index.position(upTo: .max) <= byteCount
        else { throw .invalidValue(offset: 0, what: "segment index out of range") }
    }
}

/// The index file of a closed segment.
enum SegmentIndexFile {
    static let ending = ".index"

    /// Writes the file; a failure costs the next start some time and nothing else.
    static func write(
        _ content: SegmentContent, baseOffset: Int64, in directory: String, disk: any LogDisk
    ) throws(DiskError) {
        var writer = ByteWriter()
        content.encode(into: &writer)
        try Checkpoint.replace(
            .index, payload: writer.bytes,
            at: Segment.path(in: directory, baseOffset, ending: ending), disk: disk)
    }

    /// Reads the file; nil if it is not there or not right.
    static func read(
        baseOffset: Int64, in directory: String, disk: any LogDisk
    ) -> SegmentContent? {
        let name = Segment.fileName(baseOffset: baseOffset, ending: ending)
        guard
            var reader = try? Checkpoint.read(.index, from: name, in: directory, disk: disk),
            let content = try? SegmentContent(from: &reader, baseOffset: baseOffset),
            reader.isAtEnd
        else { return nil }
        return content
    }
}

extension Segment {
    /// Gets index and append times of a closed segment, from its file or else from its batches.
    /// Blocks.
    func loadIndex(disk: any LogDisk) throws(DiskError) {
        guard !isIndexed, let slash = file.path.lastIndex(of: "/") else { return }
        let directory = String(file.path[..<slash])
        if let found = SegmentIndexFile.read(baseOffset: baseOffset, in: directory, disk: disk),
            found.byteCount == byteCount, found.nextOffset == nextOffset
        {
            return setIndex(found.index, found.appendTimes)
        }
        // Where a batch is damaged the index ends; readers walk on from there, and find it.
        let scan = try SegmentScan(file, baseOffset: baseOffset, gapsEnd: .max) { _, _ in }
        setIndex(scan.content.index, scan.content.appendTimes)
        guard scan.fault == nil, scan.content.byteCount == byteCount else { return }
        try? SegmentIndexFile.write(
            scan.content, baseOffset: baseOffset, in: directory, disk: disk)
    }
}
