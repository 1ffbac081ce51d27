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

/// Whole batches on the disk.
struct SegmentPart: Sendable {
    var file: any LogFile
    /// Bytes.
    var range: Range<Int>
    /// After the last record in them, or a little later if the part was cut before damage.
    var nextOffset: Int64
}

/// What looking for an offset found.
enum FindOutcome: Sendable {
    /// The first batch contains the offset, or is the next one there is.
    case batches(SegmentPart)
    /// The end of the log, or not even one batch fits.
    case nothing
    /// The offset is not between log start and high watermark.
    case outOfRange
    case failed(KafkaErrorCode)
}

/// A batch that is not as it was written.
struct DamagedBatch: Error {
    var path: String
    var position: Int
    var offset: Int64
    var reason: String
}

/// An answer would have to look at records that are set aside.
struct QuarantinedRecords: Error {}

/// A record's place in the log and its time.
struct TimedOffset: Sendable, Equatable {
    var offset: Int64
    var timestamp: Int64
}

extension PartitionLog {
    /// Bytes that a reader at `offset` could get, roughly and not too few; nil if it is out of
    /// range or the partition is gone, which is an answer too. With `committedOnly` there is
    /// nothing from the last stable offset on. Any thread, never blocks.
    func bytesAvailable(from offset: Int64, committedOnly: Bool = false) -> Int? {
        view.withLock { view in
            guard !view.isDeleted, view.logStart <= offset, offset <= view.highWatermark else {
                return nil
            }
            let end = committedOnly ? view.lastStable : view.highWatermark
            guard offset < end, let index = view.segmentIndex(for: offset) else { return 0 }
            return view.segments[index...].reduce(0) { sum, segment in
                sum + (sum > 0 ? segment.visibleByteCount : segment.range(before: offset).count)
            }
        }
    }

    /// Reads up to `bytesMax` bytes of whole batches. With `takesLargeFirst` the first batch comes
    /// even if it alone is larger. With `committedOnly` reading ends at the last stable offset.
    /// Blocks.
    func read(
        from offset: Int64, bytesMax: Int, takesLargeFirst: Bool, committedOnly: Bool = false
    ) -> ReadOutcome {
        let found = find(
            from: offset, bytesMax: bytesMax, takesLargeFirst: takesLargeFirst,
            committedOnly: committedOnly)
        switch found {
        case .nothing: return .records([])
        case .outOfRange: return .outOfRange
        case .failed(let code): return .failed(code)
        case .batches(let part):
            do throws(DiskError) {
                return .records(try part.file.read(part.range.count, at: part.range.lowerBound))
            } catch {
                logger.error("read failed", metadata: metadata(error))
                return .failed(.storageError)
            }
        }
    }

    /// Finds up to `bytesMax` bytes of whole and sound batches, which stay as they are for as long
    /// as their file is held. With `takesLargeFirst` the first batch comes even if it alone is
    /// larger. With `committedOnly` none begins at the last stable offset or behind it. Blocks.
    func find(
        from offset: Int64, bytesMax: Int, takesLargeFirst: Bool, committedOnly: Bool = false
    ) -> FindOutcome {
        let (refusal, segments, limit, gapsEnd) = view.withLock {
            view -> (FindOutcome?, ArraySlice<Segment>, Int64, Int64) in
            if view.isDeleted { return (.failed(.unknownTopicOrPartition), [], 0, 0) }
            guard view.logStart <= offset, offset <= view.highWatermark else {
                return (.outOfRange, [], 0, 0)
            }
            let limit = committedOnly ? view.lastStable : view.highWatermark
            guard offset < limit, let index = view.segmentIndex(for: offset) else {
                return (.nothing, [], 0, 0)
            }
            return (
                nil, view.segments[index...], limit,
                view.rules.batches.needsKeys ? .max : view.gapsEnd
            )
        }
        if let refusal { return refusal }
        do {
            for segment in segments where offset < segment.nextOffset {
                // A client is told, and told again, instead of being led past the loss in silence.
                guard segment.damage == nil else { return .failed(.corruptMessage) }
                try segment.loadIndex(disk: disk)
                let found = try segment.find(
                    from: offset, before: limit, bytesMax: bytesMax,
                    takesLargeFirst: takesLargeFirst, gapsEnd: gapsEnd)
                guard let found else { continue }
                return found.range.isEmpty ? .nothing : .batches(found)
            }
            return .nothing
        } catch let error as DamagedBatch {
            report(error, in: segments)
            return .failed(.corruptMessage)
        } catch {
            logger.error("read failed", metadata: metadata(error))
            return .failed(.storageError)
        }
    }

    /// Says once that a batch cannot be served.
    private func report(_ error: DamagedBatch, in segments: ArraySlice<Segment>) {
        guard let segment = segments.first(where: { $0.file.path == error.path }),
            segment.noteDamage(at: error.position)
        else { return }
        var metadata: Logger.Metadata = [
            LogKeys.partition: "\(name)", LogKeys.reason: "\(error.reason)",
        ]
        metadata[LogKeys.segmentPath] = "\(error.path)"
        metadata[LogKeys.segmentPosition] = "\(error.position)"
        metadata[LogKeys.firstOffset] = "\(error.offset)"
        logger.critical("a batch on the disk is damaged and not served", metadata: metadata)
    }

    /// When the first record at or behind `offset` was appended, at the earliest; nil if there is
    /// none or nothing is known. May block.
    func appendTime(of offset: Int64) -> Int64? {
        let (segments, start, end) = view.withLock {
            ($0.segments, max($0.logStart, offset), $0.highWatermark)
        }
        guard start < end, let segment = segments.first(where: { start < $0.nextOffset })
        else { return nil }
        do { try segment.loadIndex(disk: disk) } catch {
            logger.error("read failed", metadata: metadata(error))
            return nil
        }
        return segment.appendTime(of: max(start, segment.baseOffset))
    }

    /// The first record whose timestamp is at least `timestamp`; nil if there is none.
    func firstRecord(atOrAfter timestamp: Int64) throws -> TimedOffset? {
        let (segments, logStart) = view.withLock { ($0.segments, $0.logStart) }
        for segment in segments where segment.timestampMax >= timestamp {
            guard segment.damage == nil else { throw QuarantinedRecords() }
            try segment.loadIndex(disk: disk)
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
        guard logStart < end,
            let largest = segments.map(\.timestampMax).max()
        else { return nil }
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
        // Before the first one only a gap can be.
        return segments.isEmpty ? nil : max(low - 1, 0)
    }
}

extension Segment {
    /// The bytes of whole batches from the one with `offset` on, all of them sound; empty if not
    /// even one fits, nil if the visible part ends before it. Throws `DamagedBatch`.
    func find(
        from offset: Int64, before offsetLimit: Int64, bytesMax: Int, takesLargeFirst: Bool,
        gapsEnd: Int64
    ) throws -> SegmentPart? {
        let visible = range(before: offset)
        var walk = BatchWalk(file, range: visible, windowBytes: Limits.logIndexIntervalBytes)
        do {
            while let header = try walk.header() {
                guard header.lastOffset < offset else {
                    let size = header.totalByteCount
                    let start = walk.position
                    let nothing = SegmentPart(file: file, range: 0..<0, nextOffset: offset)
                    guard size <= bytesMax || takesLargeFirst else { return nothing }
                    guard header.baseOffset < offsetLimit else {
                        // Right in a gap, and not if the batch lies about its offset.
                        _ = try sound(start..<start + 1, for: offset, gapsEnd: gapsEnd)
                        return nothing
                    }
                    let limit = min(start + max(bytesMax, size), visible.upperBound)
                    let (end, next) = try wholeBatchesEnd(
                        behind: header, at: start, limit: limit, before: offsetLimit)
                    let sound = try sound(start..<end, for: offset, gapsEnd: gapsEnd)
                    return SegmentPart(file: file, range: start..<sound, nextOffset: next)
                }
                walk.skip(header)
            }
        } catch let error as KafkaWireError {
            // The walk did not get to the batch.
            let end = min(walk.position + 1, visible.upperBound)
            _ = try sound(walk.position..<end, for: offset, gapsEnd: gapsEnd)
            throw damaged(at: walk.position, offset: offset, error)
        }
        // Nothing up to the end: right if there is a gap, and not if a batch hides its offset.
        let end = visible.upperBound
        _ = try sound(end..<end, for: offset, gapsEnd: gapsEnd)
        return nil
    }

    /// The end of the last batch that ends up to `limit` and begins before an offset, and the
    /// offset after it. The first batch counts in any case.
    private func wholeBatchesEnd(
        behind first: RecordBatchHeader, at position: Int, limit: Int, before offset: Int64
    ) throws -> (position: Int, nextOffset: Int64) {
        let (second, next) = (position + first.totalByteCount, first.nextOffset)
        let anchor = anchor(before: max(offset, next) - 1, upTo: limit)
        let isAhead = anchor.position > second
        var end = isAhead ? anchor : (position: second, offset: next)
        var walk = BatchWalk(
            file, range: end.position..<max(end.position, visibleByteCount),
            windowBytes: Limits.logIndexIntervalBytes)
        // What is damaged there is not part of the answer.
        while walk.position < limit, let header = try? walk.header(), header.baseOffset < offset,
            walk.position + header.totalByteCount <= limit
        {
            walk.skip(header)
            end = (walk.position, header.nextOffset)
        }
        return (end.position, end.offset)
    }

    /// The end of the part of `range` that can be served to somebody who wants `offset`: up to the
    /// first damaged batch, which must not be the first one there. Checks what has not been checked
    /// since the start, from the index entry on that the walk to the range began at.
    private func sound(
        _ range: Range<Int>, for offset: Int64, gapsEnd: Int64
    ) throws -> Int {
        let anchor = self.anchor(before: offset, upTo: range.lowerBound)
        guard !isVerified(anchor.position..<range.upperBound) else { return range.upperBound }
        do {
            return try soundEnd(of: range, behind: anchor, gapsEnd: gapsEnd)
        } catch let error as DamagedBatch {
            // The damage may be a neighbour's, if this batch is the one that is wanted: behind a
            // neighbour that lies about its offsets another one would take its place.
            guard error.position < range.lowerBound,
                let header = try? RecordBatchHeader(
                    file.read(RecordBatchHeader.byteCount, at: range.lowerBound)[...]),
                header.baseOffset <= offset
            else { throw error }
            return try soundEnd(
                of: range, behind: (range.lowerBound, header.baseOffset), gapsEnd: gapsEnd)
        }
    }

    private func soundEnd(
        of range: Range<Int>, behind anchor: (position: Int, offset: Int64), gapsEnd: Int64
    ) throws -> Int {
        var (position, next) = anchor
        var walk = BatchWalk(file, range: position..<visibleByteCount)
        let begin = position
        do {
            while position < range.upperBound, let header = try walk.header() {
                guard header.follows(next, gapsEnd: gapsEnd), header.nextOffset <= nextOffset
                else {
                    throw KafkaWireError.invalidBatch(
                        "offset \(header.baseOffset) where \(next) was expected")
                }
                _ = try RecordBatchHeader.validated(try walk.batch(header))
                next = header.nextOffset
                walk.skip(header)
                position = walk.position
            }
        } catch let error as KafkaWireError {
            guard position > range.lowerBound else {
                throw damaged(at: position, offset: next, error)
            }
        }
        noteVerified(begin..<position)
        return position
    }

    private func damaged(
        at position: Int, offset: Int64, _ error: KafkaWireError
    ) -> DamagedBatch {
        DamagedBatch(path: file.path, position: position, offset: offset, reason: "\(error)")
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
        } catch is KafkaWireError {
            // The producer's checksum is right, its records are not: a reader's trouble.
            return standIn
        }
        return found
    }
}
