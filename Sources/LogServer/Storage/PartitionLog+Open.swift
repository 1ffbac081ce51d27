// Opening a partition, and what it keeps about itself between starts.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

extension PartitionLog {
    /// Opens a partition, or makes it if the directory is empty. Blocks. `now` counts as the time
    /// at which producers that are found in batches were last seen.
    static func open(
        name: String, directory: String, disk: any LogDisk, rules: PartitionRules, now: Int64,
        flusher: (any PartitionFlusher)? = nil, logger: Logger
    ) throws(LogStorageError) -> PartitionLog {
        var recovery = PartitionRecovery(
            name: name, directory: directory, disk: disk, rules: rules, now: now, logger: logger)
        do {
            try disk.makeDirectory(directory)
            try recovery.run()
        } catch let error as LogStorageError {
            throw error
        } catch let error as DiskError {
            throw LogStorageError(error)
        } catch {
            throw LogStorageError(.damaged, "\(name): \(error)")
        }
        let end = recovery.nextOffset
        let checkpoint = recovery.checkpoint
        var producers = recovery.producers
        producers.trim(to: checkpoint.logStart)
        let firstOpen = producers.transactions.firstOpenOffset
        var view = View(
            segments: recovery.segments, logStart: checkpoint.logStart, highWatermark: end,
            lastStable: max(firstOpen ?? end, checkpoint.logStart), logEnd: end,
            epochs: checkpoint.epochs, rules: rules)
        view.gapsEnd = checkpoint.gapsEnd
        view.quarantined = checkpoint.quarantined
        let log = PartitionLog(
            name: name, directory: directory, disk: disk, view: view,
            producers: producers, cleaner: recovery.cleaner, flusher: flusher, logger: logger)
        log.snapshot.withLock { $0.lastAppendTime = recovery.lastAppendTime }
        if recovery.hasRead {
            // Or the next start would have to read it all again.
            log.saveSnapshot()
        } else {
            log.snapshot.withLock { $0.isCurrent = true }
        }
        return log
    }

    /// Saves log start and epochs with what else must not be forgotten. Writer only.
    func saveCheckpoint(logStart: Int64, epochs: LeaderEpochs) throws(DiskError) {
        var checkpoint = checkpoint
        checkpoint.logStart = logStart
        checkpoint.epochs = epochs
        checkpoint.quarantined.removeAll { $0.end <= logStart }
        try checkpoint.write(in: directory, disk: disk)
    }

    /// What must not be forgotten.
    var checkpoint: PartitionCheckpoint {
        view.withLock { view in
            var checkpoint = PartitionCheckpoint()
            (checkpoint.logStart, checkpoint.epochs) = (view.logStart, view.epochs)
            (checkpoint.gapsEnd, checkpoint.quarantined) = (view.gapsEnd, view.quarantined)
            return checkpoint
        }
    }

    /// From now on offsets below `end` may be missing between batches: to be called, and to have
    /// returned, before the first such segment takes its place. Writer only; blocks.
    func allowGaps(below end: Int64) throws(DiskError) {
        var checkpoint = checkpoint
        guard end > checkpoint.gapsEnd else { return }
        checkpoint.gapsEnd = end
        try checkpoint.write(in: directory, disk: disk)
        view.withLock { $0.gapsEnd = end }
    }
}
