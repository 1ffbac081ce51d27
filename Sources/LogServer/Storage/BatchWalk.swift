// Walking from batch to batch over a part of a segment, by the lengths in their headers.

internal import Base
internal import KafkaWire

/// Reads batch after batch from a file. Memory: one window, or the largest batch if that is more.
struct BatchWalk {
    private let file: any LogFile
    private let end: Int
    private let windowBytes: Int
    private var window: [UInt8] = []
    private var windowStart = 0
    /// Where the next batch begins.
    private(set) var position: Int

    /// Walks over `range` of the file, which begins at a batch.
    init(_ file: any LogFile, range: Range<Int>, windowBytes: Int = Limits.logScanWindowBytes) {
        self.file = file
        self.windowBytes = windowBytes
        position = range.lowerBound
        windowStart = range.lowerBound
        end = range.upperBound
    }

    /// The header of the batch at `position`, nil at the end of the range. Throws a
    /// `KafkaWireError` if there is no whole batch, a `DiskError` if the disk fails.
    mutating func header() throws -> RecordBatchHeader? {
        guard position < end else { return nil }
        let bytes = try take(RecordBatchHeader.byteCount)
        let header = try RecordBatchHeader(bytes)
        guard header.totalByteCount <= end - position else {
            throw KafkaWireError.truncated(
                needed: header.totalByteCount, available: end - position)
        }
        return header
    }

    /// The whole batch at `position`, whose header has been read.
    mutating func batch(_ header: RecordBatchHeader) throws -> ArraySlice<UInt8> {
        try take(header.totalByteCount)
    }

    /// Goes on to the next batch.
    mutating func skip(_ header: RecordBatchHeader) { position += header.totalByteCount }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        let available = end - position
        guard count <= available else {
            throw KafkaWireError.truncated(needed: count, available: available)
        }
        if position < windowStart || position + count > windowStart + window.count {
            window = try file.read(min(max(count, windowBytes), available), at: position)
            windowStart = position
            guard window.count >= count else {
                throw KafkaWireError.truncated(needed: count, available: window.count)
            }
        }
        let start = position - windowStart
        return window[start..<start + count]
    }
}

/// What looking through a segment found.
struct SegmentScan: Sendable {
    /// Everything up to the first batch that is not as it should be.
    var content: SegmentContent
    /// Why the scan stopped before the end of the file.
    var fault: String?

    /// Reads every batch of a segment and checks it; calls `visit` with each sound one and its
    /// bytes. Goes on behind `known`, if that is given. Offsets may leave gaps up to `gapsEnd`.
    init(
        _ file: any LogFile, baseOffset: Int64, known: SegmentContent? = nil,
        gapsEnd: Int64 = 0, visit: (RecordBatchHeader, ArraySlice<UInt8>) -> Void
    ) throws(DiskError) {
        content = known ?? SegmentContent(baseOffset: baseOffset)
        var walk = BatchWalk(file, range: content.byteCount..<(try file.byteCount()))
        do {
            while let header = try walk.header() {
                guard header.follows(content.nextOffset, gapsEnd: gapsEnd) else {
                    throw KafkaWireError.invalidBatch(
                        "offset \(header.baseOffset) where \(content.nextOffset) was expected")
                }
                let bytes = try walk.batch(header)
                _ = try RecordBatchHeader.validated(bytes)
                content.append(header)
                visit(header, bytes)
                walk.skip(header)
            }
        } catch let error as DiskError {
            throw error
        } catch {
            fault = "\(error)"
        }
        content.visibleByteCount = content.byteCount
    }
}

extension RecordBatchHeader {
    /// Whether a batch may stand where `offset` comes next. Compaction, and losses that somebody
    /// has accepted, leave gaps, but none that is wider than a segment.
    func follows(_ offset: Int64, gapsEnd: Int64) -> Bool {
        if baseOffset == offset { return true }
        guard baseOffset > offset, baseOffset <= gapsEnd else { return false }
        return baseOffset.saturatingDifference(offset) <= Int64(Int32.max)
    }
}
