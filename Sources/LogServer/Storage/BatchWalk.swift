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

/// What looking through a whole segment found.
struct SegmentScan: Sendable {
    /// Everything up to the first batch that is not as it should be.
    var content: SegmentContent
    /// Why the scan stopped before the end of the file.
    var fault: String?

    /// Reads every batch of a segment and checks it; calls `visit` with each sound one. Below
    /// `gapsEnd` offsets may be missing: compaction has been there.
    init(
        _ file: any LogFile, baseOffset: Int64, gapsEnd: Int64 = 0,
        visit: (RecordBatchHeader) -> Void
    ) throws(DiskError) {
        content = SegmentContent(baseOffset: baseOffset)
        var walk = BatchWalk(file, range: 0..<(try file.byteCount()))
        do {
            while let header = try walk.header() {
                let mayFollow = content.nextOffset..<max(gapsEnd, content.nextOffset + 1)
                guard mayFollow.contains(header.baseOffset) else {
                    throw KafkaWireError.invalidBatch(
                        "offset \(header.baseOffset) where \(content.nextOffset) was expected")
                }
                _ = try RecordBatchHeader.validated(try walk.batch(header))
                content.append(header)
                visit(header)
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
