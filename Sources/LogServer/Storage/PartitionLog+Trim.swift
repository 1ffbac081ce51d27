// Taking records away at the beginning of a partition, and the whole partition.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

extension PartitionLog {
    /// Moves the log start up to `offset` and removes segments that lie below it. The new start is
    /// on the disk before anything is removed. Writer only; blocks.
    func trim(to offset: Int64) -> KafkaErrorCode {
        let (start, end, epochs, isDeleted) = view.withLock {
            ($0.logStart, $0.highWatermark, $0.epochs, $0.isDeleted)
        }
        guard !isDeleted else { return .unknownTopicOrPartition }
        guard offset <= end else { return .offsetOutOfRange }
        guard offset > start else { return .none }
        // Or after a power cut the log could end before it starts.
        guard sync() else { return .storageError }
        do { try saveCheckpoint(logStart: offset, epochs: epochs) } catch {
            logger.error("log start cannot be saved", metadata: metadata(error))
            return .storageError
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
        for segment in dropped {
            // Readers that are at it keep the file open. What cannot be removed lies below the log
            // start and is removed at the next start of the server.
            do {
                try disk.remove(segment.file.path)
                try disk.remove(
                    Segment.path(
                        in: directory, segment.baseOffset, ending: SegmentIndexFile.ending))
            } catch {
                logger.warning("segment cannot be removed", metadata: metadata(error))
            }
        }
        wakeAll()
        return .none
    }

    /// Appends are refused and readers told that the partition is gone. Any thread.
    func markDeleted() {
        view.withLock { $0.isDeleted = true }
        wakeAll()
    }
}
