// Writing the segment that takes the place of others.

internal import Base
internal import KafkaWire

/// A file that gets batch after batch, in pieces of bounded size.
struct SegmentOutput {
    private let file: any LogFile
    private var content: SegmentContent
    private var buffer: [UInt8] = []
    private var written = 0
    /// Was emptied and stays only if no other follows.
    private var lastEmpty: (header: RecordBatchHeader, bytes: [UInt8])?

    var byteCount: Int { content.byteCount }

    init(_ file: any LogFile, baseOffset: Int64) {
        self.file = file
        content = SegmentContent(baseOffset: baseOffset)
    }

    /// The batch has no records and is needed only to say where the segment ends.
    mutating func keepIfLast(_ header: RecordBatchHeader, _ bytes: [UInt8]) {
        lastEmpty = (header, bytes)
    }

    mutating func append(_ header: RecordBatchHeader, _ bytes: ArraySlice<UInt8>) throws {
        // Packing anew can make a batch larger; an index has positions of 32 bits.
        guard content.byteCount + bytes.count <= 2 * Limits.logSegmentBytesMax else {
            throw KafkaWireError.invalidLength(content.byteCount + bytes.count)
        }
        lastEmpty = nil
        content.append(header)
        buffer += bytes
        if buffer.count >= Limits.logScanWindowBytes { try flush() }
    }

    private mutating func flush() throws(DiskError) {
        try file.write(buffer, [], at: written)
        written += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }

    /// Brings the file to the disk; `group` is what it stands for.
    mutating func finish(replacing group: [Segment]) throws -> SegmentSwap {
        if let (header, bytes) = lastEmpty { try append(header, bytes[...]) }
        try flush()
        try file.sync()
        let arrivals = group.compactMap(\.arrivals)
        let first = arrivals.map(\.lowerBound).min() ?? 0
        let last = arrivals.map(\.upperBound).max() ?? first
        file.setModified(milliseconds: last)
        content.visibleByteCount = content.byteCount
        content.arrivals = first...last
        return SegmentSwap(old: group, content: content, arrivals: first...last)
    }
}
