// Retention: whole segments go from the front of a partition, by age and by size. What is too old
// or too large is decided from memory, on any thread; the change happens on the writer, and the
// files are unlinked after it, elsewhere.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// What a partition's age and size ask for.
struct RetentionPlan: Sendable, Equatable {
    /// The last segment is to be closed.
    var rolls = false
    /// Where the log is to start.
    var logStart: Int64?

    var isEmpty: Bool { self == RetentionPlan() }
}

extension PartitionLog {
    /// What is to be done now. Any thread, never blocks.
    func retentionPlan(now: Int64) -> RetentionPlan {
        let (segments, rules, logEnd, isOpen) = view.withLock {
            ($0.segments, $0.rules.cleaning, $0.logEnd, !$0.isDeleted && $0.failure == nil)
        }
        var plan = RetentionPlan()
        guard isOpen, let active = segments.last else { return plan }
        plan.rolls = active.isTooOld(to: rules, now: now)
        guard rules.deletes else { return plan }
        let closed = plan.rolls ? segments[...] : segments.dropLast()
        var excess = rules.retentionBytes.map { limit in
            segments.reduce(-limit) { $0 + $1.byteCount }
        }
        var gone = 0
        // What is set aside has no age: it goes with what comes behind it.
        for (index, segment) in closed.enumerated() where segment.damage == nil {
            if !segment.hasExpired(by: rules, now: now) {
                guard let left = excess, left >= segment.byteCount else { break }
                excess = left - segment.byteCount
            }
            gone = index + 1
        }
        if gone > 0 {
            let next = gone < segments.count ? segments[gone].baseOffset : logEnd
            if next > logStart { plan.logStart = next }
        }
        return plan
    }

    /// Does what is due now, and returns the segments that nobody will begin to read any more:
    /// their files are to be unlinked with `unlink`. Writer only; blocks for a few syncs.
    func retain(now: Int64) -> [Segment] {
        let plan = retentionPlan(now: now)
        guard !plan.isEmpty else { return [] }
        if plan.rolls {
            do { _ = try roll(at: logEnd) } catch {
                logger.error("segment cannot be closed", metadata: metadata(error))
                return []
            }
        }
        guard let start = plan.logStart else { return [] }
        let (code, dropped) = detach(to: start)
        guard code == .none else { return [] }
        logger.info(
            "removed old segments",
            metadata: [
                LogKeys.partition: "\(name)", "partition.start_offset": "\(start)",
                "partition.segments": "\(dropped.count)",
            ])
        return dropped
    }

    /// Removes the files of segments that are no longer part of the log. Readers that are at it
    /// keep them open. Any thread; blocks.
    func unlink(_ segments: [Segment]) {
        for segment in segments {
            // What stays lies below the log start and is removed at the next start of the server.
            do {
                try disk.remove(segment.file.path)
                try disk.remove(
                    Segment.path(
                        in: directory, segment.baseOffset, ending: SegmentIndexFile.ending))
            } catch {
                logger.warning("segment cannot be removed", metadata: metadata(error))
            }
        }
    }
}

extension Segment {
    /// Whether the segment, which is the last one, has to be closed for its age alone.
    fileprivate func isTooOld(to rules: CleaningRules, now: Int64) -> Bool {
        guard let first = arrivals?.lowerBound else { return false }
        if first <= moment(rules.segmentAge, before: now) { return true }
        if rules.deletes, hasExpired(by: rules, now: now) { return true }
        return rules.compacts && first <= moment(rules.compactionLagMax, before: now)
    }

    fileprivate func hasExpired(by rules: CleaningRules, now: Int64) -> Bool {
        guard let retention = rules.retention, let newest = newestTime else { return false }
        return newest < moment(retention, before: now)
    }
}
