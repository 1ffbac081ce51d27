// Reading a partition: whole batches from an offset on, and the first record from a point in time
// on. Any thread that may block on the disk.

internal import Base
internal import Compression
internal import KafkaWire
internal import Logging
internal import Synchronization

/// What reading at an offset found.
enum ReadOutcome: Sendable, Equatable {
    /// Whole batches; the first contains the offset. Empty at the end of the log, or when not even
    /// one batch fits.
    case records([UInt8])
    /// The offset is not between log start and high watermark.
    case outOfRange
    case failed(KafkaErrorCode)
}

/// A record's place in the log and its time.
struct TimedOffset: Sendable, Equatable {
    var offset: Int64
    var timestamp: Int64
}

extension PartitionLog {
    /// Bytes that a reader at `offset` could get, roughly and not too few; nil if it is out of
    /// range or the partition is gone, which is an answer too. Any thread, never blocks.
    func bytesAvailable(from offset: Int64) -> Int? {
        view.withLock { view in
            guard !view.isDeleted, view.logStart <= offset, offset <= view.highWatermark else {
                return nil
            }
            guard offset < view.highWatermark, let index = view.segmentIndex(for: offset) else {
                return 0
            }
            return view.segments[index...].reduce(0) { sum, segment in
                sum + (sum > 0 ? segment.visibleByteCount : segment.range(before: offset).count)
            }
        }
    }

    /// Reads up to `bytesMax` bytes of whole batches. With `takesLargeFirst` the first batch comes
    /// even if it alone is larger.
    func read(from offset: Int64, bytesMax: Int, takesLargeFirst: Bool) -> ReadOutcome {
        let (refusal, segments) = view.withLock { view -> (ReadOutcome?, ArraySlice<Segment>) in
            if view.isDeleted { return (.failed(.unknownTopicOrPartition), []) }
            guard view.logStart <= offset, offset <= view.highWatermark else {
                return (.outOfRange, [])
            }
            guard offset < view.highWatermark, let index = view.segmentIndex(for: offset) else {
                return (nil, [])
            }
            return (nil, view.segments[index...])
        }
        if let refusal { return refusal }
        do {
            for segment in segments {
                if let records = try segment.read(
                    from: offset, bytesMax: bytesMax, takesLargeFirst: takesLargeFirst)
                {
                    return .records(records)
                }
            }
            return .records([])
        } catch let error as DiskError {
            logger.error("read failed", metadata: metadata(error))
            return .failed(.storageError)
        } catch {
            logger.error("a batch on the disk is damaged", metadata: metadata(error))
            return .failed(.corruptMessage)
        }
    }

    /// The first record whose timestamp is at least `timestamp`; nil if there is none.
    func firstRecord(atOrAfter timestamp: Int64) throws -> TimedOffset? {
        let (segments, logStart) = view.withLock { ($0.segments, $0.logStart) }
        for segment in segments where segment.timestampMax >= timestamp {
            let range = segment.range(beforeTimestamp: timestamp)
            if let found = try segment.firstRecord(
                in: range, from: logStart, where: { $0 >= timestamp })
            {
                return found
            }
        }
        return nil
    }

    /// The first record that has the largest timestamp; nil if the log is empty.
    func recordWithLargestTimestamp() throws -> TimedOffset? {
        let (segments, logStart, end) = view.withLock {
            ($0.segments, $0.logStart, $0.highWatermark)
        }
        guard logStart < end, let largest = segments.map(\.timestampMax).max() else { return nil }
        return try firstRecord(atOrAfter: largest)
    }
}

extension PartitionLog.View {
    /// The segment that contains `offset`, which is at least the log start.
    func segmentIndex(for offset: Int64) -> Int? {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}

extension Segment {
    /// Whole batches from the one with `offset` on; nil if the visible part ends before it.
    func read(from offset: Int64, bytesMax: Int, takesLargeFirst: Bool) throws -> [UInt8]? {
        let range = range(before: offset)
        var walk = BatchWalk(file, range: range, windowBytes: Limits.logIndexIntervalBytes)
        while let header = try walk.header() {
            guard header.lastOffset < offset else {
                let size = header.totalByteCount
                guard size <= bytesMax || takesLargeFirst else { return [] }
                let count = min(max(bytesMax, size), range.upperBound - walk.position)
                return try wholeBatches(at: walk.position, count: count)
            }
            walk.skip(header)
        }
        return nil
    }

    /// Reads `count` bytes and drops a batch that is cut at their end.
    private func wholeBatches(at position: Int, count: Int) throws -> [UInt8] {
        var bytes = try file.read(count, at: position)
        var end = 0
        while end + RecordBatchHeader.byteCount <= bytes.count {
            let length = bytes[end + 8..<end + 12].reduce(0) { $0 << 8 | Int($1) }
            let next = end + RecordBatchHeader.overheadByteCount + length
            guard length >= RecordBatchHeader.batchLengthMin else {
                throw KafkaWireError.invalidLength(length)
            }
            guard next <= bytes.count else { break }
            end = next
        }
        bytes.removeLast(bytes.count - end)
        return bytes
    }

    /// The first record at or after `logStart` whose timestamp satisfies the condition, which is
    /// true for all larger ones too.
    func firstRecord(
        in range: Range<Int>, from logStart: Int64, where matches: (Int64) -> Bool
    ) throws -> TimedOffset? {
        var walk = BatchWalk(file, range: range, windowBytes: Limits.logIndexIntervalBytes)
        while let header = try walk.header() {
            if matches(header.maxTimestamp), header.lastOffset >= logStart {
                if let found = try record(
                    of: header, bytes: try walk.batch(header), from: logStart, where: matches)
                {
                    return found
                }
            }
            walk.skip(header)
        }
        return nil
    }

    /// Looks into a batch. Of one that cannot be opened its first record stands for all.
    private func record(
        of header: RecordBatchHeader, bytes: ArraySlice<UInt8>, from logStart: Int64,
        where matches: (Int64) -> Bool
    ) throws -> TimedOffset? {
        let first = max(header.baseOffset, logStart)
        let standIn = TimedOffset(offset: first, timestamp: header.maxTimestamp)
        guard header.recordCount > 0 else { return nil }
        var found: TimedOffset?
        do {
            let content = try bytes.recordContent(header)
            try forEachRecordSlice(header.recordCount, in: content) { record in
                let offset = header.baseOffset &+ Int64(record.offsetDelta)
                let timestamp =
                    header.hasLogAppendTime
                    ? header.maxTimestamp : header.baseTimestamp &+ record.timestampDelta
                guard offset >= first, matches(timestamp) else { return true }
                found = TimedOffset(offset: offset, timestamp: timestamp)
                return false
            }
        } catch is CompressionError {
            return standIn
        }
        return found
    }
}
