// One compaction of a partition: of each key only the newest record stays.
//
//     look for keys in the part that is new -> write segments anew -> swap them in, one by one
//
// Everything but the swap happens beside the log, on a thread of its own, since closed segments do
// not change. Several small segments become one. Its last batch stays even if it is empty, so that
// segments still begin where the one before ends.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// Why a compaction ended early.
struct CompactionStopped: Error {}

/// A compaction under way: rewrite and swap by turns until nothing is left to rewrite, and finish.
struct Compaction: Sendable {
    let log: PartitionLog
    private let rules: PartitionRules
    private let segmentBytes: Int
    private let rewriter: BatchRewriter
    /// The last batch of each producer, by its base offset: needed to know its next sequence.
    private let lastBatches: [Int64: Int64]
    private let isStopped: @Sendable () -> Bool
    /// Those still to be written anew.
    private var segments: ArraySlice<Segment>
    private var tombstonesDue = Int64.max

    /// Looks through what is new. Nil if there is nothing that could be done now. Blocks; throws a
    /// `DiskError`, another error if the log cannot be read, and `CompactionStopped`.
    init?(
        _ log: PartitionLog, now: Int64, mapBytesMax: Int = Limits.logCompactionMapBytesMax,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let candidate = CompactionCandidate(log, now: now)
        let start = candidate.firstDirty
        let dirty = candidate.segments.filter { $0.nextOffset > start }
        guard candidate.isDue else { return nil }
        var outcomes = TransactionOutcomes()
        for segment in dirty {
            try segment.forEachBatch(from: start, isStopped) { header, bytes in
                try outcomes.note(header, bytes: bytes)
                return true
            }
        }
        var newest = KeyOffsets(from: start, bytesMax: mapBytesMax)
        for segment in dirty {
            try segment.forEachBatch(from: start, isStopped) { header, bytes in
                // A batch always fits into an empty table, or there would be no end.
                guard !newest.isFull, header.baseOffset < outcomes.firstOpen ?? .max else {
                    return false
                }
                try newest.note(header, outcomes, bytes)
                return true
            }
            guard newest.end == segment.nextOffset else { break }
        }
        let end = newest.end
        guard end > start || dirty.isEmpty else { return nil }
        self.log = log
        self.isStopped = isStopped
        rules = log.rules
        segmentBytes = rules.segmentBytes(segments: candidate.segments.count)
        rewriter = BatchRewriter(
            newest: newest, outcomes: outcomes,
            tombstonesUntil: moment(rules.cleaning.tombstoneRetention, before: now))
        lastBatches = log.producers.withLock { $0.lastBatches }
        segments = candidate.segments.filter { $0.baseOffset < end }[...]
    }

    /// Writes the next segments anew, as one file that is not part of the log yet; nil when all is
    /// done. Blocks; throws like `init`.
    mutating func rewriteNext() throws -> SegmentSwap? {
        guard let first = segments.first else { return nil }
        let path = SegmentSwap.cleanedPath(in: log.directory, first.baseOffset)
        try log.disk.remove(path)
        var output = SegmentOutput(
            try log.disk.openFile(path, isNew: true), baseOffset: first.baseOffset)
        var group: [Segment] = []
        var tombstones = 0
        while let segment = segments.first, group.isEmpty || fits(segment, behind: group, output) {
            segments = segments.dropFirst()
            group.append(segment)
            try rewrite(segment, to: &output, tombstones: &tombstones)
        }
        let swap = try output.finish(replacing: group)
        if tombstones > 0 {
            let (due, overflow) = swap.arrivals.upperBound
                .addingReportingOverflow(rules.cleaning.tombstoneRetention)
            tombstonesDue = min(tombstonesDue, overflow ? .max : due)
        }
        return swap
    }

    private func fits(_ segment: Segment, behind group: [Segment], _ output: SegmentOutput) -> Bool
    {
        let first = group.first?.baseOffset ?? segment.baseOffset
        return output.byteCount + segment.byteCount <= segmentBytes
            && segment.nextOffset - first <= Int64(Int32.max)
            && group.count < Limits.logCompactionSegmentsMax
    }

    private func rewrite(
        _ segment: Segment, to output: inout SegmentOutput, tombstones: inout Int
    ) throws {
        let arrival = segment.arrivals?.upperBound ?? .max
        try segment.forEachBatch(from: 0, isStopped) { header, bytes in
            let batch = try bytes()
            switch try rewriter.rewrite(batch, header, arrival: arrival, tombstones: &tombstones) {
            case .unchanged: try output.append(header, batch)
            case .changed(let new): try output.append(try RecordBatchHeader(new[...]), new[...])
            case .empty(let new):
                let header = try RecordBatchHeader(new[...])
                if lastBatches[header.producerID] == header.baseOffset {
                    try output.append(header, new[...])
                } else {
                    output.keepIfLast(header, new)
                }
            }
            return true
        }
    }

    /// Remembers how far the log is compacted. Blocks.
    func finish() throws(DiskError) {
        try log.noteCompacted(until: rewriter.newest.end, tombstonesDue: tombstonesDue)
    }
}

extension KeyOffsets {
    /// Takes note of the records of a batch.
    fileprivate mutating func note(
        _ header: RecordBatchHeader, _ outcomes: TransactionOutcomes,
        _ bytes: () throws -> ArraySlice<UInt8>
    ) throws {
        defer { end = header.nextOffset }
        guard !header.isControl, header.recordCount > 0, !outcomes.isAborted(header) else {
            return
        }
        let content = try bytes().recordContent(header)
        try forEachRecordSlice(header.recordCount, in: content) { record in
            if let key = record.key {
                note(key, at: header.baseOffset &+ Int64(record.offsetDelta))
            }
            return true
        }
    }
}

extension Segment {
    /// Walks over the batches from the one with `offset` on, checking each whose bytes are asked
    /// for, until `body` returns false.
    fileprivate func forEachBatch(
        from offset: Int64, _ isStopped: () -> Bool,
        _ body: (RecordBatchHeader, () throws -> ArraySlice<UInt8>) throws -> Bool
    ) throws {
        var walk = BatchWalk(file, range: range(before: offset))
        while let header = try walk.header() {
            if isStopped() { throw CompactionStopped() }
            if header.lastOffset >= offset {
                let goesOn = try body(header) {
                    let bytes = try walk.batch(header)
                    _ = try RecordBatchHeader.validated(bytes)
                    return bytes
                }
                guard goesOn else { return }
            }
            walk.skip(header)
        }
    }
}
