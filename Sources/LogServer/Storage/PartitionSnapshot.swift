// What a start need not find out from the batches, in `partition.snapshot`:
//
//     next offset int64          everything before it is on the disk: the recovery point
//     append time int64          of the last batch: what came later was appended later
//     segment count varint       closed ones; then for each: base offset int64, byte count uint64,
//                                next offset int64, largest timestamp int64
//     base offset int64          of the last segment, then its index (SegmentIndexFile.swift)
//     producers                  (ProducerStates.swift)
//
// It is taken whenever the partition has grown enough, when a segment begins, at an orderly stop,
// and written once all of it is synced. So after an orderly stop the recovery point is the end of
// the log, and that is the mark of one. It is derived: without it everything is read from the
// batches.

internal import Base
internal import Logging
internal import Synchronization

/// What was known of a partition at one of its syncs.
struct PartitionSnapshot: Sendable {
    static let name = "partition.snapshot"

    var nextOffset: Int64
    var lastAppendTime: Int64
    var closed: [SegmentSummary]
    var lastBaseOffset: Int64
    var last: SegmentContent
    var producers: ProducerStates

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 4096)
        writer.write(littleEndian: nextOffset)
        writer.write(littleEndian: lastAppendTime)
        writer.write(varint: UInt64(closed.count))
        for summary in closed {
            writer.write(littleEndian: summary.baseOffset)
            writer.write(littleEndian: UInt64(summary.byteCount))
            writer.write(littleEndian: summary.nextOffset)
            writer.write(littleEndian: summary.timestampMax)
        }
        writer.write(littleEndian: lastBaseOffset)
        last.encode(into: &writer)
        producers.encode(into: &writer)
        return writer.bytes
    }

    init(
        nextOffset: Int64, lastAppendTime: Int64, closed: [SegmentSummary], lastBaseOffset: Int64,
        last: SegmentContent, producers: ProducerStates
    ) {
        (self.nextOffset, self.lastAppendTime, self.closed) = (nextOffset, lastAppendTime, closed)
        (self.lastBaseOffset, self.last, self.producers) = (lastBaseOffset, last, producers)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        nextOffset = try reader.readLittleEndian()
        lastAppendTime = try reader.readLittleEndian()
        closed = []
        for _ in 0..<(try reader.readCount(ofAtLeast: 32)) {
            closed.append(
                SegmentSummary(
                    baseOffset: try reader.readLittleEndian(),
                    byteCount: Int(clamping: try reader.readLittleEndian() as UInt64),
                    nextOffset: try reader.readLittleEndian(),
                    timestampMax: try reader.readLittleEndian()))
        }
        lastBaseOffset = try reader.readLittleEndian()
        last = try SegmentContent(from: &reader, baseOffset: lastBaseOffset)
        producers = try ProducerStates(from: &reader)
        guard last.nextOffset == nextOffset, reader.isAtEnd else {
            throw .invalidValue(offset: reader.offset, what: "a snapshot that does not end well")
        }
    }

    /// Nil if the file is not there or not right.
    static func read(in directory: String, disk: any LogDisk) -> PartitionSnapshot? {
        guard var reader = try? Checkpoint.read(.snapshot, from: name, in: directory, disk: disk)
        else { return nil }
        return try? PartitionSnapshot(from: &reader)
    }
}

extension PartitionLog {
    /// How far the last snapshot went.
    struct SnapshotState: Sendable {
        /// One has been taken, and nothing has been appended since.
        var isCurrent = false
        /// Appended since.
        var grownBytes = 0
        var lastAppendTime = Int64.min
        /// Of the file, so that a large one is not written for a few records.
        var fileBytes = 0
    }

    /// Whether the partition has grown enough for another one.
    var snapshotIsDue: Bool {
        snapshot.withLock {
            $0.grownBytes > max(Limits.logSnapshotIntervalBytes, 4 * $0.fileBytes)
        }
    }

    /// What is known now; to be written once it is synced. Writer only.
    func takeSnapshot() -> PartitionSnapshot? {
        let (segments, isDeleted) = view.withLock { ($0.segments, $0.isDeleted) }
        guard !isDeleted, let last = segments.last else { return nil }
        let content = last.content
        let lastAppendTime = snapshot.withLock { state in
            (state.isCurrent, state.grownBytes) = (true, 0)
            return state.lastAppendTime
        }
        return PartitionSnapshot(
            nextOffset: content.nextOffset, lastAppendTime: lastAppendTime,
            closed: segments.dropLast().filter { $0.damage == nil }.map(\.summary),
            lastBaseOffset: last.baseOffset, last: content,
            producers: producers.withLock { $0 })
    }

    /// A failure costs the next start some time and nothing else. Only by whoever flushes.
    func write(_ snapshot: PartitionSnapshot) {
        let bytes = snapshot.encode()
        do {
            try Checkpoint.replace(
                .snapshot, payload: bytes, at: "\(directory)/\(PartitionSnapshot.name)",
                disk: disk)
        } catch {
            logger.warning("snapshot cannot be written", metadata: metadata(error))
        }
        self.snapshot.withLock { $0.fileBytes = bytes.count }
    }

    /// Has a snapshot of what has just been synced written. Writer only.
    func saveSnapshot() {
        guard let snapshot = takeSnapshot() else { return }
        leave(
            FlushPoint(
                segment: view.withLock { $0.segments[$0.segments.count - 1] },
                snapshot: snapshot))
    }

    /// Syncs everything, and lets the next start know: an orderly stop. Writer only; blocks.
    func close() {
        if sync(), !snapshot.withLock({ $0.isCurrent }) { saveSnapshot() }
        flush()
    }
}
