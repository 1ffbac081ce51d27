// Opening a partition: every batch of every segment is read and checked. A torn end of the last
// segment is cut off and reported; damage anywhere else is an error, because cutting there would
// take records away that were acknowledged.

internal import Base
internal import KafkaWire
internal import Logging

extension PartitionLog {
    private static let checkpointName = "partition.checkpoint"

    /// Opens a partition, or makes it if the directory is empty. Blocks. `now` counts as the time
    /// at which the producers found in the log were last seen.
    static func open(
        name: String, directory: String, disk: any LogDisk, rules: PartitionRules, now: Int64,
        logger: Logger
    ) throws(LogStorageError) -> PartitionLog {
        var recovery = Recovery(name: name, directory: directory, disk: disk, logger: logger)
        do {
            try disk.makeDirectory(directory)
            try recovery.readCheckpoint()
            try recovery.readSegments(now: now)
        } catch let error as LogStorageError {
            throw error
        } catch let error as DiskError {
            throw LogStorageError(error)
        } catch {
            throw LogStorageError(.damaged, "\(name): \(error)")
        }
        let end = recovery.nextOffset
        let view = View(
            segments: recovery.segments, logStart: recovery.logStart, highWatermark: end,
            logEnd: end, epochs: recovery.epochs, rules: rules)
        return PartitionLog(
            name: name, directory: directory, disk: disk, view: view,
            producers: recovery.producers, cleaner: recovery.cleaner, logger: logger)
    }

    /// Saves log start and epochs. Writer only.
    func saveCheckpoint(logStart: Int64, epochs: LeaderEpochs) throws(DiskError) {
        try Checkpoint.write(
            .partition, payload: Self.payload(logStart, epochs), to: Self.checkpointName,
            in: directory, disk: disk)
    }

    fileprivate static func payload(_ logStart: Int64, _ epochs: LeaderEpochs) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(littleEndian: logStart)
        epochs.encode(into: &writer)
        return writer.bytes
    }

    /// What opening gathers.
    private struct Recovery {
        let name: String
        let directory: String
        let disk: any LogDisk
        let logger: Logger
        var segments: [Segment] = []
        var logStart: Int64 = 0
        var nextOffset: Int64 = 0
        var epochs = LeaderEpochs()
        var producers = ProducerStates()
        var cleaner = CleanerState()

        mutating func readCheckpoint() throws {
            guard
                var reader = try Checkpoint.read(
                    .partition, from: PartitionLog.checkpointName, in: directory, disk: disk)
            else { return }
            logStart = try reader.readLittleEndian()
            epochs = try LeaderEpochs(from: &reader)
        }

        mutating func readSegments(now: Int64) throws {
            cleaner = try CleanerState(in: directory, disk: disk)
            try SegmentSwap.finish(in: directory, disk: disk)
            let bases = try usedSegments()
            guard let first = bases.first else {
                nextOffset = logStart
                segments = [
                    try PartitionLog.newSegment(
                        baseOffset: logStart, in: directory, disk: disk)
                ]
                return
            }
            guard first <= logStart else {
                throw damage("begins at \(first), but its log starts at \(logStart)")
            }
            nextOffset = first
            for base in bases {
                try readSegment(base, isLast: base == bases.last, now: now)
            }
            guard logStart <= nextOffset else {
                throw damage("ends at \(nextOffset), but its log starts at \(logStart)")
            }
            try makeDurable()
        }

        /// After a kill the last segment, and its name, may be in the kernel only. From here on
        /// they are shown to readers, and a batch that is sent again is acknowledged without
        /// being written.
        private func makeDurable() throws(DiskError) {
            try segments.last?.file.sync()
            try disk.syncDirectory(directory)
        }

        /// The base offsets of the segments from the one with the log start on. Those before it
        /// were to be removed by a trim that did not finish.
        private func usedSegments() throws -> ArraySlice<Int64> {
            let bases = try disk.names(in: directory).compactMap(Segment.baseOffset(fileName:))
                .sorted()
            let start = bases.lastIndex { $0 <= logStart } ?? 0
            for base in bases[..<start] { try disk.remove(Segment.path(in: directory, base)) }
            return bases.count - start > 1 ? try withoutEmpty(bases[start...]) : bases[start...]
        }

        /// An empty segment is one whose beginning failed, and the log may have gone on in the one
        /// before it. If it was the next one after all, it is made again when it is needed.
        private func withoutEmpty(_ bases: ArraySlice<Int64>) throws(DiskError) -> ArraySlice<Int64>
        {
            var used: [Int64] = []
            for base in bases {
                let path = Segment.path(in: directory, base)
                if try disk.openFile(path, isNew: false).byteCount() > 0 {
                    used.append(base)
                } else {
                    try disk.remove(path)
                }
            }
            return used[...]
        }

        private mutating func readSegment(_ base: Int64, isLast: Bool, now: Int64) throws {
            guard base == nextOffset else {
                throw damage("has no record from \(nextOffset) to \(base)")
            }
            let path = Segment.path(in: directory, base)
            let file = try disk.openFile(path, isNew: false)
            let scan = try SegmentScan(file, baseOffset: base, gapsEnd: cleaner.gapsEnd) {
                header in
                producers.note(header, now: now)
            }
            nextOffset = scan.content.nextOffset
            segments.append(Segment(baseOffset: base, file: file, content: scan.content))
            guard let fault = scan.fault else { return }
            guard isLast else {
                throw damage("'\(path)' is damaged at byte \(scan.content.byteCount): \(fault)")
            }
            try cut(file, to: scan.content.byteCount, fault)
        }

        /// Takes a torn end away. The new epoch is saved first: a client must never see offsets
        /// given out again under the old one.
        private mutating func cut(_ file: any LogFile, to byteCount: Int, _ fault: String) throws {
            let cutBytes = try file.byteCount() - byteCount
            logger.warning(
                "cut the torn end of a partition",
                metadata: [
                    LogKeys.partition: "\(name)", LogKeys.segmentPath: "\(file.path)",
                    LogKeys.logEnd: "\(nextOffset)", LogKeys.cutBytes: "\(cutBytes)",
                    LogKeys.reason: "\(fault)",
                ])
            epochs.advance(at: nextOffset)
            try Checkpoint.write(
                .partition, payload: PartitionLog.payload(logStart, epochs),
                to: PartitionLog.checkpointName, in: directory, disk: disk)
            try file.truncate(to: byteCount)
            try file.sync()
        }

        private func damage(_ what: String) -> LogStorageError {
            LogStorageError(.damaged, "partition \(name) \(what)")
        }
    }
}
