// Taking records away at the beginning of a partition, and the whole partition.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

extension PartitionLog {
    /// Moves the log start up to `offset` and removes segments that lie below it. Writer only;
    /// blocks.
    func trim(to offset: Int64) -> KafkaErrorCode {
        let (code, dropped) = detach(to: offset)
        unlink(dropped)
        return code
    }

    /// Moves the log start up to `offset`, and takes segments that lie below it out of the log:
    /// their files may be unlinked, since the new start is on the disk. Writer only; blocks.
    func detach(to offset: Int64) -> (KafkaErrorCode, [Segment]) {
        let (start, end, epochs, isDeleted) = view.withLock {
            ($0.logStart, $0.highWatermark, $0.epochs, $0.isDeleted)
        }
        guard !isDeleted else { return (.unknownTopicOrPartition, []) }
        guard offset <= end else { return (.offsetOutOfRange, []) }
        guard offset > start else { return (.none, []) }
        // Or after a power cut the log could end before it starts.
        guard sync() else { return (.storageError, []) }
        // An index that came later would outlive its segment.
        flush()
        do { try saveCheckpoint(logStart: offset, epochs: epochs) } catch {
            logger.error("log start cannot be saved", metadata: metadata(error))
            return (.storageError, [])
        }
        let dropped = view.withLock { view in
            view.logStart = offset
            view.lastStable = max(view.lastStable, offset)
            // The last one stays: it is being written.
            let count = view.segments.dropLast().prefix { $0.nextOffset <= offset }.count
            defer { view.segments.removeFirst(count) }
            view.quarantined.removeAll { $0.end <= offset }
            return Array(view.segments.prefix(count))
        }
        producers.withLock { $0.trim(to: offset) }
        wakeAll()
        return (.none, dropped)
    }

    /// Appends are refused and readers told that the partition is gone. Any thread.
    func markDeleted() {
        view.withLock { $0.isDeleted = true }
        wakeAll()
    }
}
