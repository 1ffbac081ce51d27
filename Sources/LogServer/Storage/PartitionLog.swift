// The log of one partition: its segments, and how far readers may see.
//
//     log start <= last stable offset <= high watermark <= log end
//
// Appending, syncing and trimming happen on one thread, the partition's writer; the view that
// readers take is under a lock that is never held during a system call.
//
// Invariants: offsets in the segments have no gaps but where compaction, or an accepted loss, has
// made them (`gapsEnd`), and each segment begins where the one before it ends; every segment but
// the last is on the disk in full, or has a mark that says it may not be; the high watermark moves
// only to offsets that the policy calls safe; once a sync has failed nothing is appended any more,
// since the kernel may have dropped what it could not write.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// What a partition's log is told by its topic.
struct PartitionRules: Sendable, Equatable {
    var batches = BatchRules()
    /// segment.bytes
    var segmentBytes = Limits.logSegmentBytesDefault
    var cleaning = CleaningRules()

    /// The size at which a segment is closed when there are so many: each one is an open file, so
    /// a setting that makes very many counts double and double again.
    func segmentBytes(segments: Int) -> Int {
        let doublings = min(segments / Limits.logSegmentsBeforeDoubling, Int.bitWidth / 2)
        return max(segmentBytes, min(segmentBytes << doublings, Limits.logSegmentBytesMax))
    }
}

/// What became of an append.
enum AppendOutcome: Sendable, Equatable {
    /// `appendTime` is set when the topic uses the server's clock.
    case appended(baseOffset: Int64, appendTime: Int64?)
    /// The log has the batch already.
    case duplicate(baseOffset: Int64)
    case refused(KafkaErrorCode, String)
}

/// Who wants to know that a partition has changed. `wake` is called on any thread.
protocol LogWaiter: AnyObject, Sendable {
    func wake()
}

/// One partition on the disk.
final class PartitionLog: Sendable {
    /// What readers see.
    struct View: Sendable {
        var segments: [Segment]
        var logStart: Int64
        var highWatermark: Int64
        /// Where the first open transaction begins, or the high watermark.
        var lastStable: Int64
        var logEnd: Int64
        var epochs: LeaderEpochs
        var rules: PartitionRules
        /// Below it, offsets may be missing between batches.
        var gapsEnd: Int64 = 0
        /// Offsets that are set aside; each has a segment that stands for it.
        var quarantined: [QuarantinedRange] = []
        /// Why nothing is appended any more.
        var failure: String?
        var isDeleted = false
        var waiters: [ObjectIdentifier: any LogWaiter] = [:]
    }

    /// For logs: topic and partition.
    let name: String
    let directory: String
    let disk: any LogDisk
    let logger: Logger
    let view: Mutex<View>
    /// The writer's, like everything that changes the log.
    let producers: Mutex<ProducerStates>
    /// The writer's: how far the last snapshot went.
    let snapshot = Mutex(SnapshotState())
    /// How far the log has been compacted. Changed by the one compaction that may run.
    let cleaner: Mutex<CleanerState>
    /// Nil if the writer does everything itself.
    let flusher: (any PartitionFlusher)?
    /// What is to be brought to the disk.
    let line = Mutex(FlushLine())
    /// Held by the one who is at it.
    let flushing = Mutex(())

    init(
        name: String, directory: String, disk: any LogDisk, view: View,
        producers: ProducerStates, cleaner: CleanerState = CleanerState(),
        flusher: (any PartitionFlusher)? = nil, logger: Logger
    ) {
        self.name = name
        self.directory = directory
        self.disk = disk
        self.view = Mutex(view)
        self.producers = Mutex(producers)
        self.cleaner = Mutex(cleaner)
        self.flusher = flusher
        self.logger = logger
    }

    /// May be replaced while the log is used.
    var rules: PartitionRules {
        get { view.withLock { $0.rules } }
        set { view.withLock { $0.rules = newValue } }
    }
    var logStart: Int64 { view.withLock { $0.logStart } }
    var highWatermark: Int64 { view.withLock { $0.highWatermark } }
    var logEnd: Int64 { view.withLock { $0.logEnd } }
    var leaderEpoch: Int32 { view.withLock { $0.epochs.current } }
    var isFailed: Bool { view.withLock { $0.failure != nil } }

    /// Bytes of all segments.
    var byteCount: Int {
        view.withLock { $0.segments }.reduce(0) { $0 + $1.byteCount }
    }

    // MARK: The writer

    /// Appends a batch; readers see it after `sync` or `publish`. Writer only; blocks on the disk.
    func append(_ batch: CheckedBatch, now: Int64) -> AppendOutcome {
        let state = view.withLock { view in
            (
                view.segments[view.segments.count - 1], view.segments.count, view.logEnd,
                view.epochs.current, view.rules, view.failure, view.isDeleted
            )
        }
        var (segment, segmentCount, logEnd, epoch, rules, failure, isDeleted) = state
        guard !isDeleted else {
            return .refused(.unknownTopicOrPartition, "the partition is being deleted")
        }
        if let failure { return .refused(.storageError, failure) }
        switch producers.withLock({ $0.verdict(batch.header) }) {
        case .accept: break
        case .duplicate(let known): return .duplicate(baseOffset: known.baseOffset)
        case .refuse(let code): return .refused(code, code.text)
        }
        guard logEnd <= Int64.max - Int64(batch.header.lastOffsetDelta) - 1 else {
            return .refused(.storageError, "no offsets are left")
        }
        var batch = batch
        let appendTime = rules.batches.usesAppendTime ? now : nil
        do {
            if needsRoll(segment, of: segmentCount, batch.header, logEnd, rules, now) {
                segment = try roll(at: logEnd)
            }
            let (head, rest) = batch.placed(at: logEnd, epoch: epoch, appendTime: appendTime)
            try write(head, rest, to: segment)
        } catch {
            logger.error("append failed", metadata: metadata(error))
            producers.withLock { $0.noteRefused(batch.header, now: now) }
            return .refused(.storageError, error.description)
        }
        segment.append(batch.header, time: now)
        snapshot.withLock { state in
            state.isCurrent = false
            state.grownBytes += batch.header.totalByteCount
            state.lastAppendTime = now
        }
        producers.withLock { $0.note(batch.header, marker: batch.marker, now: now) }
        view.withLock { $0.logEnd = batch.header.nextOffset }
        return .appended(baseOffset: logEnd, appendTime: appendTime)
    }

    private func needsRoll(
        _ segment: Segment, of count: Int, _ header: RecordBatchHeader, _ logEnd: Int64,
        _ rules: PartitionRules, _ now: Int64
    ) -> Bool {
        let bytes = segment.byteCount
        guard bytes > 0 else { return false }
        return bytes + header.totalByteCount > rules.segmentBytes(segments: count)
            || logEnd - segment.baseOffset > Int64(Int32.max) - Int64(header.lastOffsetDelta)
            || segment.arrivals.map {
                $0.lowerBound <= moment(rules.cleaning.segmentAge, before: now)
            } ?? false
    }

    /// Writes at the end of a segment, or leaves the segment as it was.
    private func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, to segment: Segment
    ) throws(DiskError) {
        let end = segment.byteCount
        do {
            try segment.file.write(head, rest, at: end)
        } catch {
            // What was written in part must go, or a restart would find a torn batch in the middle.
            do { try segment.file.truncate(to: end) } catch let second { fail(second) }
            throw error
        }
    }

    /// Closes the last segment, which is on the disk in full or is left to the flusher, and begins
    /// another at `offset`. Writer only.
    func roll(at offset: Int64) throws(DiskError) -> Segment {
        let last = view.withLock { $0.segments[$0.segments.count - 1] }
        // An empty one is the next one already.
        guard last.byteCount > 0 else { return last }
        let isLeft = flusher?.syncs == true
        if isLeft {
            try UnsyncedMark.make(last.baseOffset, in: directory, disk: disk)
        } else {
            do { try last.file.sync() } catch {
                fail(error)
                throw error
            }
        }
        let segment = try Self.begin(at: offset, in: directory, disk: disk)
        if !isLeft { try disk.syncDirectory(directory) }
        view.withLock { $0.segments.append(segment) }
        leave(
            FlushPoint(
                segment: last, needsSync: isLeft, closes: true, snapshot: takeSnapshot()))
        return segment
    }

    /// A new empty segment whose name is on the disk.
    static func newSegment(
        baseOffset: Int64, in directory: String, disk: any LogDisk
    ) throws(DiskError) -> Segment {
        let segment = try begin(at: baseOffset, in: directory, disk: disk)
        try disk.syncDirectory(directory)
        return segment
    }

    private static func begin(
        at baseOffset: Int64, in directory: String, disk: any LogDisk
    ) throws(DiskError) -> Segment {
        let path = Segment.path(in: directory, baseOffset)
        // A file of that name is left over from a failure right here, and is empty.
        try disk.remove(path)
        return Segment(baseOffset: baseOffset, file: try disk.openFile(path, isNew: true))
    }

    /// Makes everything appended durable and shows it to readers; false if the disk refused.
    /// Writer only; blocks.
    func sync() -> Bool {
        if line.withLock({ $0.needsSync }) { flush() }
        let state = view.withLock { ($0.segments[$0.segments.count - 1], $0.failure) }
        guard state.1 == nil else { return false }
        do { try state.0.file.sync() } catch {
            fail(error)
            return false
        }
        publish()
        if snapshotIsDue { saveSnapshot() }
        return true
    }

    /// Shows readers everything appended, synced or not. Writer only.
    func publish() {
        let firstOpen = producers.withLock { $0.transactions.firstOpenOffset }
        let waiters = view.withLock { view in
            guard view.highWatermark < view.logEnd else { return [any LogWaiter]() }
            // Segments before the one that has the old high watermark are shown already.
            for segment in view.segments.reversed() {
                segment.showAll()
                if segment.baseOffset <= view.highWatermark { break }
            }
            view.highWatermark = view.logEnd
            view.lastStable = max(firstOpen ?? view.logEnd, view.logStart)
            return Array(view.waiters.values)
        }
        for waiter in waiters { waiter.wake() }
    }

    /// Nothing is appended from here on; reading goes on.
    func fail(_ error: DiskError) {
        logger.critical("partition takes no more writes", metadata: metadata(error))
        view.withLock { $0.failure = error.description }
    }

    func metadata(_ error: any Error) -> Logger.Metadata {
        [LogKeys.partition: "\(name)", LogKeys.reason: "\(error)"]
    }

    // MARK: Waiting

    /// Wakes `waiter` whenever readers can see more, or less, until `remove`.
    func add(_ waiter: any LogWaiter) {
        view.withLock { $0.waiters[ObjectIdentifier(waiter)] = waiter }
    }

    func remove(_ waiter: any LogWaiter) {
        view.withLock { $0.waiters[ObjectIdentifier(waiter)] = nil }
    }

    func wakeAll() {
        let waiters = view.withLock { Array($0.waiters.values) }
        for waiter in waiters { waiter.wake() }
    }
}
