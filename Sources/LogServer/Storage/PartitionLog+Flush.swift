// What a partition's writer leaves to the flusher: points up to which the log is to be on the disk.
// A point is a segment's file and what may be written once that is synced: the index of a segment
// that is full, and a snapshot of the moment at which the point was made.
//
// Points are taken one at a time and in order, whoever does it: so a snapshot never says more than
// what is synced, and an older one never replaces a newer one. What must not come too early
// (compaction, the end of the files of a segment) waits until its point is done.

internal import Base
internal import Logging
internal import Synchronization

/// What is to be on the disk at some moment.
struct FlushPoint: Sendable {
    var segment: Segment
    /// The segment's file may be in the kernel only.
    var needsSync = false
    /// The segment is full.
    var closes = false
    /// Made by the timer of the policy `interval`.
    var isTimed = false
    /// What is known of the partition then.
    var snapshot: PartitionSnapshot?
}

/// The points of a partition that are not done.
struct FlushLine: Sendable {
    /// Oldest first.
    private var points: [FlushPoint] = []
    private var current: FlushPoint?
    /// The flusher has the partition in its queue.
    var isQueued = false

    private var open: [FlushPoint] { (current.map { [$0] } ?? []) + points }
    var needsSync: Bool { open.contains(where: \.needsSync) }
    var isTimed: Bool { open.contains(where: \.isTimed) }
    /// Closed segments that wait.
    var closedCount: Int { open.count(where: \.closes) }
    /// Of the first closed segment that waits.
    var firstClosed: Int64? { open.first(where: \.closes)?.segment.baseOffset }

    mutating func add(_ point: FlushPoint) {
        var point = point
        // Of two points in one segment the later one says it all.
        if let last = points.last, !last.closes {
            points.removeLast()
            point.needsSync = point.needsSync || last.needsSync
            point.isTimed = point.isTimed || last.isTimed
            point.snapshot = point.snapshot ?? last.snapshot
        }
        points.append(point)
    }

    /// The next point; nil if there is none.
    mutating func next() -> FlushPoint? {
        current = points.isEmpty ? nil : points.removeFirst()
        if current == nil { isQueued = false }
        return current
    }
}

extension PartitionLog {
    /// Leaves a point to the flusher, or does it here if there is none or too much waits. Writer
    /// only.
    func leave(_ point: FlushPoint) {
        let (mustTell, isFull) = line.withLock { line in
            line.add(point)
            defer { line.isQueued = true }
            return (!line.isQueued, line.closedCount > Limits.logClosedSegmentsMax)
        }
        guard let flusher, !isFull, !mustTell || flusher.add(self) else { return flush() }
    }

    /// Brings to the disk what waits for it, and waits for what somebody else is at. Of a partition
    /// that is deleted or has failed nothing is written any more. Any thread; blocks.
    func flush() {
        flushing.withLock { _ in
            while let point = line.withLock({ $0.next() }) { bring(point) }
        }
    }

    private func bring(_ point: FlushPoint) {
        guard view.withLock({ !$0.isDeleted && $0.failure == nil }) else { return }
        let base = point.segment.baseOffset
        if point.needsSync {
            do throws(DiskError) {
                try point.segment.file.sync()
                if point.closes {
                    try UnsyncedMark.remove(base, in: directory, disk: disk)
                    // With it, the name of the next segment.
                    try disk.syncDirectory(directory)
                }
            } catch { return fail(error) }
        }
        if point.closes {
            do {
                try SegmentIndexFile.write(
                    point.segment.content, baseOffset: base, in: directory, disk: disk)
            } catch {
                logger.warning("index cannot be written", metadata: metadata(error))
            }
        }
        if let snapshot = point.snapshot { write(snapshot) }
    }

    /// Brings everything appended to the disk without waiting for it, unless the last time is not
    /// over: then the disk is too slow, and who appends has to wait. Writer only.
    func syncSoon() {
        guard flusher?.syncs == true, !line.withLock({ $0.isTimed }) else {
            _ = sync()
            return
        }
        let (last, isOpen) = view.withLock {
            ($0.segments[$0.segments.count - 1], !$0.isDeleted && $0.failure == nil)
        }
        guard isOpen else { return }
        leave(
            FlushPoint(
                segment: last, needsSync: true, isTimed: true,
                snapshot: snapshotIsDue ? takeSnapshot() : nil))
    }
}
