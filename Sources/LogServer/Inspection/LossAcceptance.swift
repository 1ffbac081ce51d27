// `millrace-log check --accept-loss`: damaged records are given up, so that consumers go on with
// the next one there is. What is sound in a damaged segment is kept.
//
// The steps, each safe to stop after: gaps are allowed in the checkpoint; the sound batches take
// the damaged segment's place; the checkpoint forgets what was set aside; what was derived from the
// old contents is removed.

internal import Base
internal import KafkaWire

/// Offsets that are gone for good.
package struct AcceptedLoss: Sendable, Equatable, CustomStringConvertible {
    package var partition: String
    package var start: Int64
    /// After the last one.
    package var end: Int64

    package var description: String {
        "\(partition): the offsets \(start) to \(end - 1) are given up"
    }
}

extension OfflineLog {
    /// Gives up every record that is damaged or not there, but for a torn end, which the next start
    /// cuts off. Blocks. Throws a `LogStorageError` or a `DiskError`.
    package func acceptLoss() throws -> [AcceptedLoss] {
        try topics().flatMap(places).flatMap { place in
            var acceptance = LossAcceptance(log: self, place: place)
            try acceptance.run()
            return acceptance.losses
        }
    }
}

/// What is given up in one partition.
private struct LossAcceptance {
    /// A file and the sound bytes in it.
    private struct Salvaged {
        var base: Int64
        var file: any LogFile
        var sound: [Range<Int>]
    }

    let log: OfflineLog
    let place: OfflineLog.Place
    private(set) var losses: [AcceptedLoss] = []
    private var salvaged: [Salvaged] = []
    private var end: Int64 = 0

    init(log: OfflineLog, place: OfflineLog.Place) { (self.log, self.place) = (log, place) }

    private var disk: any LogDisk { log.disk }

    mutating func run() throws {
        let directory = place.directory
        var checkpoint =
            try PartitionCheckpoint.read(in: directory, disk: disk) ?? PartitionCheckpoint()
        let recoveryPoint = PartitionSnapshot.read(in: directory, disk: disk)?.nextOffset ?? 0
        try look(checkpoint, recoveryPoint: recoveryPoint)
        guard !losses.isEmpty else { return }
        checkpoint.gapsEnd = max(checkpoint.gapsEnd, end)
        try checkpoint.write(in: directory, disk: disk)
        for part in salvaged { try put(part) }
        try endSegment(checkpoint)
        try disk.syncDirectory(directory)
        let aside = checkpoint.quarantined
        checkpoint.quarantined = []
        try checkpoint.write(in: directory, disk: disk)
        for range in aside {
            try disk.remove(
                Segment.path(in: directory, range.start, ending: QuarantinedRange.ending))
        }
        for part in salvaged {
            try disk.remove(
                Segment.path(in: directory, part.base, ending: SegmentIndexFile.ending))
        }
        try disk.remove("\(directory)/\(PartitionSnapshot.name)")
        try disk.syncDirectory(directory)
    }

    // MARK: Looking

    private mutating func look(
        _ checkpoint: PartitionCheckpoint, recoveryPoint: Int64
    ) throws {
        let gapsEnd = place.isCompacted ? Int64.max : checkpoint.gapsEnd
        let aside = Dictionary(
            checkpoint.quarantined.map { ($0.start, $0) }, uniquingKeysWith: { $1 })
        let bases = Set(try log.bases(in: place)).union(aside.keys).sorted()
        let marked = Set(try log.bases(in: place, ending: UnsyncedMark.ending))
        var next = checkpoint.logStart
        for (index, base) in bases.enumerated() {
            if base > next, base > gapsEnd { lose(next, base) }
            next = max(next, base)
            let range = aside[base]
            guard let file = try open(base, isAside: range != nil) else {
                if let range { lose(next, range.end) }
                next = range?.end ?? next
                continue
            }
            let salvage = try SegmentSalvage(file, offset: base, gapsEnd: gapsEnd)
            let isLast = index == bases.count - 1
            let limit = isLast ? recoveryPoint : bases[index + 1]
            if !isLast, marked.contains(base), recoveryPoint < limit,
                !salvage.damage.isEmpty || salvage.nextOffset != limit
            {
                // The next start cuts it, and what is behind.
                next = max(next, recoveryPoint)
                break
            }
            var hasLost = range != nil
            for part in salvage.damage {
                // Behind the recovery point of the last segment it is a torn end.
                guard let end = part.nextOffset ?? range?.end ?? (part.offset < limit ? limit : nil)
                else { continue }
                lose(part.offset, end)
                hasLost = true
            }
            next = max(salvage.nextOffset, range?.end ?? 0)
            if let range, salvage.nextOffset < range.end, salvage.damage.last?.nextOffset != nil {
                lose(salvage.nextOffset, range.end)
            }
            if hasLost {
                salvaged.append(Salvaged(base: base, file: file, sound: salvage.sound))
            }
        }
        if recoveryPoint > next { lose(next, recoveryPoint) }
        end = max(losses.map(\.end).max() ?? 0, 0)
    }

    private func open(_ base: Int64, isAside: Bool) throws(DiskError) -> (any LogFile)? {
        let ending = isAside ? QuarantinedRange.ending : ".log"
        let name = Segment.fileName(baseOffset: base, ending: ending)
        guard try disk.names(in: place.directory).contains(name) else { return nil }
        return try disk.openFile("\(place.directory)/\(name)", isNew: false)
    }

    private mutating func lose(_ start: Int64, _ end: Int64) {
        guard start < end, losses.last.map({ $0.end < end }) ?? true else { return }
        let start = max(start, losses.last?.end ?? start)
        losses.append(AcceptedLoss(partition: place.name, start: start, end: end))
    }

    // MARK: Changing

    /// Puts the sound batches where the segment was, or nothing if there are none.
    private func put(_ part: Salvaged) throws {
        let path = Segment.path(in: place.directory, part.base)
        guard !part.sound.isEmpty else { return try disk.remove(path) }
        try disk.remove(path + ".new")
        let copy = try disk.openFile(path + ".new", isNew: true)
        var position = 0
        for range in part.sound {
            try copy.write(
                [], try part.file.read(range.count, at: range.lowerBound)[...], at: position)
            position += range.count
        }
        try copy.sync()
        try disk.rename(path + ".new", to: path)
    }

    /// Offsets at the end that are given up must not be given out again.
    private func endSegment(_ checkpoint: PartitionCheckpoint) throws {
        let bases = try log.bases(in: place)
        guard let last = bases.last(where: { $0 <= end }), last == bases.last else {
            if bases.isEmpty { try makeEmpty(end) }
            return
        }
        let file = try disk.openFile(Segment.path(in: place.directory, last), isNew: false)
        let next = try SegmentSalvage(file, offset: last, gapsEnd: .max).nextOffset
        if next < end { try makeEmpty(end) }
    }

    private func makeEmpty(_ base: Int64) throws(DiskError) {
        _ = try PartitionLog.newSegment(baseOffset: base, in: place.directory, disk: disk)
    }
}
