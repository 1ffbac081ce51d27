// `millrace-log check`: every byte of a stopped server's directory, and what is wrong with it.

internal import Base
internal import KafkaWire

/// A thing that is wrong.
package struct LogFault: Sendable, Equatable, CustomStringConvertible {
    /// A file, or a partition's name.
    package var place: String
    package var what: String

    package var description: String { "\(place): \(what)" }
}

extension OfflineLog {
    /// Everything that is wrong, in the order of topics and partitions. Blocks for as long as
    /// reading everything takes.
    package func check() -> [LogFault] {
        var faults: [LogFault] = []
        checkServer(&faults)
        do throws(LogStorageError) {
            for place in try topics().flatMap(places) {
                do { try check(place, &faults) } catch {
                    faults.append(LogFault(place: place.name, what: "\(error)"))
                }
            }
        } catch {
            faults.append(LogFault(place: directory, what: error.message))
        }
        return faults
    }

    private func checkServer(_ faults: inout [LogFault]) {
        do throws(LogStorageError) {
            let found = try Checkpoint.read(
                .server, from: ServerIdentity.checkpointName, in: directory, disk: disk)
            guard found == nil else { return }
            faults.append(
                LogFault(place: directory, what: "there is no \(ServerIdentity.checkpointName)"))
        } catch { faults.append(LogFault(place: directory, what: error.message)) }
    }

    private func check(_ place: Place, _ faults: inout [LogFault]) throws {
        let checkpoint =
            try PartitionCheckpoint.read(in: place.directory, disk: disk) ?? PartitionCheckpoint()
        for range in checkpoint.quarantined {
            faults.append(
                LogFault(
                    place: place.name,
                    what: "the offsets \(range.start) to \(range.end - 1) are set aside: "
                        + range.reason))
        }
        let aside = Set(checkpoint.quarantined.map(\.start))
        var walk = PartitionCheck(place: place, checkpoint: checkpoint, disk: disk)
        let synced = PartitionSnapshot.read(in: place.directory, disk: disk)?.lastBaseOffset ?? 0
        let marked = try bases(in: place, ending: UnsyncedMark.ending).first { $0 >= synced }
        for base in try bases(in: place) where !aside.contains(base) {
            let before = walk.faults.count
            try walk.segment(base)
            guard walk.faults.count > before, let marked, marked <= base else { continue }
            faults += walk.faults
            return faults.append(
                LogFault(
                    place: place.name,
                    what: "the segments from \(marked) on had not been synced: the next start cuts "
                        + "there, and keeps what is behind in files that end in "
                        + PartitionRecovery.tornEnding))
        }
        walk.end()
        faults += walk.faults
    }
}

/// Goes through the segments of a partition.
private struct PartitionCheck {
    let place: OfflineLog.Place
    let checkpoint: PartitionCheckpoint
    let disk: any LogDisk
    private(set) var faults: [LogFault] = []
    private var next: Int64?
    private var gapsEnd: Int64 { place.isCompacted ? .max : checkpoint.gapsEnd }

    init(place: OfflineLog.Place, checkpoint: PartitionCheckpoint, disk: any LogDisk) {
        (self.place, self.checkpoint, self.disk) = (place, checkpoint, disk)
    }

    mutating func segment(_ base: Int64) throws {
        let path = Segment.path(in: place.directory, base)
        expect(base)
        let epochs = checkpoint.epochs
        var content = SegmentContent(baseOffset: base)
        var wrongEpochs: [LogFault] = []
        let file = try disk.openFile(path, isNew: false)
        let salvage = try SegmentSalvage(file, offset: base, gapsEnd: gapsEnd) {
            header, _, position in
            content.append(header)
            // The oldest epochs are merged when there are too many.
            let epoch = epochs.epoch(at: header.baseOffset)
            if header.leaderEpoch != epoch, epochs.entries.count < Limits.logEpochsMax {
                wrongEpochs.append(
                    LogFault(
                        place: path,
                        what: "byte \(position): the batch at offset \(header.baseOffset) is of "
                            + "epoch \(header.leaderEpoch), not \(epoch)"))
            }
        }
        faults += salvage.damage.map { part in
            let end = part.nextOffset.map { "\($0)" } ?? "its end"
            return LogFault(
                place: path,
                what: "bytes \(part.range.lowerBound) to \(part.range.upperBound) are damaged, "
                    + "from offset \(part.offset) to \(end): \(part.reason)")
        }
        faults += wrongEpochs
        next = salvage.nextOffset
        if salvage.damage.isEmpty { try checkIndex(base, content) }
    }

    /// What comes next must begin at `offset`.
    private mutating func expect(_ offset: Int64) {
        let expected = next ?? min(checkpoint.logStart, offset)
        guard offset != expected else { return }
        if offset < expected {
            faults.append(
                LogFault(
                    place: place.name, what: "the offsets \(offset) to \(expected) are there twice")
            )
        } else if offset > gapsEnd, !isAside(expected..<offset) {
            faults.append(
                LogFault(
                    place: place.name,
                    what: "the offsets \(expected) to \(offset - 1) are not there"))
        }
    }

    private func isAside(_ range: Range<Int64>) -> Bool {
        var position = range.lowerBound
        for aside in checkpoint.quarantined where aside.start <= position {
            position = max(position, aside.end)
        }
        return position >= range.upperBound
    }

    private mutating func checkIndex(_ base: Int64, _ content: SegmentContent) throws {
        let name = Segment.fileName(baseOffset: base, ending: SegmentIndexFile.ending)
        guard try disk.read("\(place.directory)/\(name)") != nil else { return }
        let found = SegmentIndexFile.read(baseOffset: base, in: place.directory, disk: disk)
        if found?.index != content.index || found?.byteCount != content.byteCount
            || found?.nextOffset != content.nextOffset
        {
            faults.append(
                LogFault(
                    place: "\(place.directory)/\(name)",
                    what: "the index is damaged or another segment's; it is made again"))
        }
    }

    mutating func end() {
        let path = "\(place.directory)/\(PartitionSnapshot.name)"
        let end = max(next ?? 0, checkpoint.quarantined.last?.end ?? 0)
        if let snapshot = PartitionSnapshot.read(in: place.directory, disk: disk) {
            if snapshot.nextOffset > end {
                faults.append(
                    LogFault(
                        place: place.name,
                        what: "the offsets \(end) to \(snapshot.nextOffset - 1) are not there"))
            }
        } else if (try? disk.read(path)) != nil {
            faults.append(
                LogFault(place: path, what: "the snapshot is damaged; it is made again"))
        }
    }
}
