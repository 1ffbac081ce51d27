// What is there when a partition is opened, and what must be done about it.
//
//   a closed segment that the snapshot, or its index file, knows      is taken as it is
//   another closed segment                                           is read and checked
//   the last one, and a closed one with a mark (UnsyncedMark.swift)  are read and checked from the
//                                                                    recovery point on
//
// Behind the recovery point, what is not a sound batch is a torn end: it is cut off and reported,
// with the segments behind it. Anywhere else damage, or a file that is not there, means that
// acknowledged records are lost: the offsets are set aside, the rest of the partition is served.

internal import Base
internal import KafkaWire
internal import Logging

/// One opening of a partition.
struct PartitionRecovery {
    /// A thing that covers offsets.
    private enum Place {
        case segment(base: Int64, file: any LogFile, byteCount: Int)
        case quarantined(QuarantinedRange)

        var start: Int64 {
            switch self {
            case .segment(let base, _, _): base
            case .quarantined(let range): range.start
            }
        }
    }

    /// Of a file with what was cut, named by the offset at which the log was cut.
    static let tornEnding = ".torn"

    let name: String
    let directory: String
    let disk: any LogDisk
    let rules: PartitionRules
    let now: Int64
    let logger: Logger

    private(set) var checkpoint = PartitionCheckpoint()
    private(set) var cleaner = CleanerState()
    private(set) var segments: [Segment] = []
    private(set) var nextOffset: Int64 = 0
    private(set) var producers = ProducerStates()
    private(set) var lastAppendTime = Int64.min
    /// Batches had to be read, so that a new snapshot is worth its while.
    private(set) var hasRead = false
    private var snapshot: PartitionSnapshot?
    /// The directory, or the last segment, may be in the kernel only.
    private var mustSync = false
    /// Closed segments that may be torn.
    private var marked: [Int64] = []
    /// The end of the log has been found before the last of the files.
    private var isCut = false

    init(
        name: String, directory: String, disk: any LogDisk, rules: PartitionRules, now: Int64,
        logger: Logger
    ) {
        (self.name, self.directory, self.disk) = (name, directory, disk)
        (self.rules, self.now, self.logger) = (rules, now, logger)
    }

    mutating func run() throws {
        if let found = try PartitionCheckpoint.read(in: directory, disk: disk) {
            checkpoint = found
        }
        cleaner = try CleanerState(in: directory, disk: disk)
        try SegmentSwap.finish(in: directory, disk: disk)
        snapshot = PartitionSnapshot.read(in: directory, disk: disk)
        if let snapshot { producers = snapshot.producers }
        lastAppendTime = snapshot?.lastAppendTime ?? .min
        hasRead = snapshot == nil
        let places = try places()
        nextOffset = checkpoint.logStart
        if let first = places.first { nextOffset = min(nextOffset, first.start) }
        let last = places.lastIndex {
            if case .segment(_, _, let byteCount) = $0 { byteCount > 0 } else { false }
        }
        for (index, place) in places.enumerated() where !isCut {
            let behind = places[(index + 1)...]
            switch place {
            case .quarantined(let range): try take(range)
            case .segment(let base, let file, let byteCount) where isUnsynced(base, behind):
                try closeGap(until: base)
                try readLast(base, file, byteCount, behind: behind)
            case .segment(let base, let file, 0):
                try takeEmpty(base, file, isLast: index == places.count - 1)
            case .segment(let base, let file, let byteCount):
                try closeGap(until: base)
                if index == last, !wasClosed(base),
                    behind.first.map(isCovered) != true
                {
                    try readLast(base, file, byteCount, behind: [])
                } else {
                    try readClosed(base, file, byteCount, end: behind.first?.start)
                }
            }
        }
        try finish()
    }

    /// Whether a segment was on the disk in full when a later one began, so that it has no torn
    /// end: an empty one behind it does not show that alone.
    private func wasClosed(_ base: Int64) -> Bool {
        snapshot.map { $0.lastBaseOffset > base } ?? false
    }

    /// Whether a closed segment may not have been on the disk when a later one began. If one behind
    /// it is set aside, it had been.
    private func isUnsynced(_ base: Int64, _ behind: ArraySlice<Place>) -> Bool {
        marked.contains(base) && !wasClosed(base) && !behind.isEmpty
            && !behind.contains(where: isCovered)
    }

    /// Whether what comes behind a segment shows that it had been closed.
    private func isCovered(_ next: Place) -> Bool {
        if case .quarantined = next { true } else { false }
    }

    // MARK: Files

    /// What there is from the log start on, in order. The remains of a trim that did not finish,
    /// and of a renaming, are dealt with.
    private mutating func places() throws -> [Place] {
        let names = Set(try disk.names(in: directory))
        checkpoint.quarantined.removeAll { $0.end <= checkpoint.logStart }
        marked = UnsyncedMark.bases(among: names)
        var bases = names.compactMap { Segment.baseOffset(fileName: $0) }.sorted()
        for range in checkpoint.quarantined {
            let bad = Segment.fileName(
                baseOffset: range.start, ending: QuarantinedRange.ending)
            guard let index = bases.firstIndex(of: range.start) else { continue }
            bases.remove(at: index)
            if !names.contains(bad) { try setAside(range.start) }
        }
        let start = bases.lastIndex { $0 <= checkpoint.logStart } ?? 0
        for base in bases[..<start] { try removeSegment(base) }
        for name in names {
            guard
                let base = Segment.baseOffset(fileName: name, ending: SegmentIndexFile.ending),
                !bases[start...].contains(base)
            else { continue }
            try disk.remove("\(directory)/\(name)")
        }
        var places: [Place] = []
        for base in bases[start...] {
            let file = try disk.openFile(Segment.path(in: directory, base), isNew: false)
            places.append(.segment(base: base, file: file, byteCount: try file.byteCount()))
        }
        places += checkpoint.quarantined.map(Place.quarantined)
        return places.sorted { $0.start < $1.start }
    }

    private func removeSegment(_ base: Int64) throws(DiskError) {
        try disk.remove(Segment.path(in: directory, base))
        try disk.remove(
            Segment.path(in: directory, base, ending: SegmentIndexFile.ending))
    }

    private func setAside(_ base: Int64) throws(DiskError) {
        try disk.rename(
            Segment.path(in: directory, base),
            to: Segment.path(in: directory, base, ending: QuarantinedRange.ending))
        try disk.syncDirectory(directory)
    }

    // MARK: Gaps and damage

    /// Offsets up to `offset` must be accounted for.
    private mutating func closeGap(until offset: Int64) throws {
        guard offset >= nextOffset else {
            throw LogStorageError(
                .damaged, "partition \(name) has the offsets from \(offset) to \(nextOffset) twice")
        }
        guard offset > nextOffset else { return }
        if rules.batches.needsKeys || offset <= checkpoint.gapsEnd {
            nextOffset = offset
        } else {
            try quarantine(from: nextOffset, to: offset, "the records are not there")
        }
    }

    /// Sets offsets aside, on the disk first.
    private mutating func quarantine(from start: Int64, to end: Int64, _ reason: String) throws {
        logger.critical(
            "records are damaged and set aside",
            metadata: [
                LogKeys.partition: "\(name)", LogKeys.reason: "\(reason)",
                LogKeys.firstOffset: "\(start)", LogKeys.endOffset: "\(end)",
            ])
        let range = QuarantinedRange(start: start, end: end, reason: reason)
        checkpoint.quarantine(range)
        try checkpoint.write(in: directory, disk: disk)
        let names = try disk.names(in: directory)
        if names.contains(Segment.fileName(baseOffset: start)) { try setAside(start) }
        hasRead = true
        try take(range)
    }

    private mutating func take(_ range: QuarantinedRange) throws {
        if range.start > nextOffset { try closeGap(until: range.start) }
        let path = Segment.path(
            in: directory, range.start, ending: QuarantinedRange.ending)
        let file: any LogFile
        do { file = try disk.openFile(path, isNew: false) } catch {
            file = AbsentFile(path: path)
        }
        segments.append(Segment(quarantined: range, file: file))
        nextOffset = max(nextOffset, range.end)
    }

    // MARK: Segments

    /// An empty segment is one whose beginning failed, and the log may have gone on in the one
    /// before it; or it is the next one after all.
    private mutating func takeEmpty(_ base: Int64, _ file: any LogFile, isLast: Bool) throws {
        guard isLast, base >= nextOffset else { return try removeSegment(base) }
        try closeGap(until: base)
        segments.append(Segment(baseOffset: base, file: file))
    }

    private mutating func readClosed(
        _ base: Int64, _ file: any LogFile, _ byteCount: Int, end: Int64?
    ) throws {
        // Compaction since the snapshot may have put a segment of several, by chance as large, in
        // the place of one; only that one ends somewhere else.
        if let summary = snapshot?.closed.first(where: { $0.baseOffset == base }),
            summary.byteCount == byteCount, summary.nextOffset == end
        {
            segments.append(Segment(summary, file: file))
            nextOffset = summary.nextOffset
            return
        }
        if let snapshot,
            let content = SegmentIndexFile.read(baseOffset: base, in: directory, disk: disk),
            content.byteCount == byteCount, content.nextOffset <= snapshot.nextOffset
        {
            segments.append(
                Segment(baseOffset: base, file: file, content: content, unverified: byteCount))
            nextOffset = content.nextOffset
            return
        }
        let scan = try scan(base, file, byteCount)
        if let fault = scan.fault {
            return try quarantine(
                from: base, to: end ?? max(scan.content.nextOffset, snapshot?.nextOffset ?? 0),
                "segment \(base) is damaged at byte \(scan.content.byteCount): \(fault)")
        }
        segments.append(Segment(baseOffset: base, file: file, content: scan.content))
        nextOffset = scan.content.nextOffset
        try? SegmentIndexFile.write(
            scan.content, baseOffset: base, in: directory, disk: disk)
    }

    /// Reads a segment that may be torn, which then is the last one: those behind it go.
    private mutating func readLast(
        _ base: Int64, _ file: any LogFile, _ byteCount: Int, behind: ArraySlice<Place>
    ) throws {
        let known = snapshot.flatMap { $0.lastBaseOffset == base ? $0.last : nil }
        if let known, let snapshot, byteCount < known.byteCount {
            // Not torn: all of it had been synced.
            return try quarantine(
                from: base, to: snapshot.nextOffset,
                "segment \(base) has \(byteCount) bytes of \(known.byteCount)")
        }
        let scan = try scan(base, file, byteCount, known: known)
        mustSync = mustSync || byteCount != known?.byteCount
        nextOffset = scan.content.nextOffset
        let isShort = behind.first.map { $0.start != nextOffset } == true
        if let fault = scan.fault ?? (isShort ? "the end is not there" : nil) {
            try cut(file, scan.content, fault, behind: behind)
        } else if !behind.isEmpty {
            try file.sync()
            try? SegmentIndexFile.write(
                scan.content, baseOffset: base, in: directory, disk: disk)
            hasRead = true
        }
        segments.append(
            Segment(
                baseOffset: base, file: file, content: scan.content,
                unverified: known?.byteCount ?? 0))
    }

    /// Reads what no snapshot covers.
    private mutating func scan(
        _ base: Int64, _ file: any LogFile, _ byteCount: Int, known: SegmentContent? = nil
    ) throws -> SegmentScan {
        let noted = snapshot?.nextOffset ?? 0
        let gapsEnd = rules.batches.needsKeys ? .max : checkpoint.gapsEnd
        let from = known?.byteCount ?? 0
        hasRead = hasRead || from < byteCount
        var clock = AppendClock(snapshot?.lastAppendTime, now: now)
        var times = known?.appendTimes ?? AppendTimes()
        var scan = try SegmentScan(
            file, baseOffset: base, known: known, gapsEnd: gapsEnd
        ) { header, bytes in
            if header.baseOffset >= noted {
                let marker = header.isControl ? EndMarker(inBatch: bytes) : nil
                producers.note(header, marker: marker, now: now)
            }
            times.note(
                offset: header.baseOffset, byteCount: header.totalByteCount,
                time: clock.time(of: header))
        }
        scan.content.appendTimes = times
        return scan
    }

    /// Takes a torn end away. The new epoch is saved first: a client must never see offsets given
    /// out again under the old one.
    private mutating func cut(
        _ file: any LogFile, _ content: SegmentContent, _ fault: String, behind: ArraySlice<Place>
    ) throws {
        let later = behind.compactMap { place in
            if case .segment(let base, let file, let size) = place {
                (base, file, size)
            } else {
                nil
            }
        }
        let cutBytes = try file.byteCount() - content.byteCount + later.reduce(0) { $0 + $1.2 }
        let end = try SegmentSalvage.end(
            of: file, behind: content.byteCount, offset: nextOffset)
        let lost = try later.reduce(end) { lost, segment in
            max(lost, try SegmentSalvage.end(of: segment.1, behind: 0, offset: segment.0))
        }
        let metadata: Logger.Metadata = [
            LogKeys.partition: "\(name)", LogKeys.segmentPath: "\(file.path)",
            LogKeys.logEnd: "\(nextOffset)", LogKeys.cutBytes: "\(cutBytes)",
            LogKeys.cutOffsets: "\(lost - nextOffset)", LogKeys.reason: "\(fault)",
        ]
        if lost > nextOffset {
            if end > nextOffset { keepTail(of: file, from: content.byteCount) }
            logger.critical("cut sound batches behind a torn one", metadata: metadata)
        } else {
            logger.warning("cut the torn end of a partition", metadata: metadata)
        }
        checkpoint.epochs.advance(at: nextOffset)
        try checkpoint.write(in: directory, disk: disk)
        // From the end, and before this segment looks whole: at every moment a start finds a torn
        // segment with a mark, and goes on.
        for (base, _, byteCount) in later.reversed() { try drop(base, isEmpty: byteCount == 0) }
        try file.truncate(to: content.byteCount)
        (mustSync, isCut) = (true, true)
    }

    /// Takes a segment behind a torn one out of the log, and keeps what was in it.
    private func drop(_ base: Int64, isEmpty: Bool) throws(DiskError) {
        let path = Segment.path(in: directory, base)
        if isEmpty {
            try disk.remove(path)
        } else {
            try disk.rename(path, to: Segment.path(in: directory, base, ending: Self.tornEnding))
        }
        try disk.syncDirectory(directory)
    }

    /// Keeps what is going to be cut in a file of its own. Sound batches behind a torn one are what
    /// a power cut leaves of writes that nobody was told of; but if the disk has rotted, somebody
    /// was, and may want them back.
    private func keepTail(of file: any LogFile, from start: Int) {
        let path = Segment.path(in: directory, nextOffset, ending: Self.tornEnding)
        do {
            try disk.remove(path)
            let copy = try disk.openFile(path, isNew: true)
            var position = start
            while true {
                let bytes = try file.read(Limits.logScanWindowBytes, at: position)
                if bytes.isEmpty { break }
                try copy.write(bytes, [], at: position - start)
                position += bytes.count
            }
            try copy.sync()
            try disk.syncDirectory(directory)
        } catch {
            // A full disk is no reason not to start.
            logger.error(
                "what is cut cannot be kept",
                metadata: [LogKeys.partition: "\(name)", LogKeys.reason: "\(error)"])
        }
    }

    // MARK: The end

    private mutating func finish() throws {
        if let snapshot, snapshot.nextOffset > nextOffset {
            try quarantine(
                from: nextOffset, to: snapshot.nextOffset, "the records are not there")
        }
        guard checkpoint.logStart <= nextOffset else {
            throw LogStorageError(
                .damaged,
                "partition \(name) ends at \(nextOffset), but its log starts at "
                    + "\(checkpoint.logStart)")
        }
        if segments.last?.damage == nil, let last = segments.last, last.isIndexed {
            try makeDurable(last)
        } else {
            segments.append(
                try PartitionLog.newSegment(baseOffset: nextOffset, in: directory, disk: disk))
        }
        for base in marked { try UnsyncedMark.remove(base, in: directory, disk: disk) }
        if !marked.isEmpty { try disk.syncDirectory(directory) }
    }

    /// After a kill the last segment, and its name, may be in the kernel only. From here on they
    /// are shown to readers, and a batch that is sent again is acknowledged without being written.
    private func makeDurable(_ last: Segment) throws(DiskError) {
        guard mustSync || snapshot?.lastBaseOffset != last.baseOffset else { return }
        try last.file.sync()
        try disk.syncDirectory(directory)
    }
}

/// Guesses when batches were appended whose append times were lost: by the producer's clock, as far
/// as that can be true. It may say anything, also what no clock can.
private struct AppendClock {
    private var last: Int64
    private let now: Int64

    /// Nothing came before `last`.
    init(_ last: Int64?, now: Int64) {
        self.last = last ?? .min
        self.now = now
    }

    mutating func time(of header: RecordBatchHeader) -> Int64 {
        last = max(last, min(max(header.maxTimestamp, 0), now))
        return last
    }
}

/// A segment's file that is gone.
private struct AbsentFile: LogFile {
    let path: String

    private var error: DiskError {
        DiskError(operation: "open", path: path, reason: "the file is not there")
    }

    func byteCount() throws(DiskError) -> Int { 0 }

    func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, at position: Int
    ) throws(DiskError) { throw error }

    func read(_ count: Int, at position: Int) throws(DiskError) -> [UInt8] { throw error }
    func sync() throws(DiskError) { throw error }
    func truncate(to byteCount: Int) throws(DiskError) { throw error }
}
