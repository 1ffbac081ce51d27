// Whether compacting a partition is worth while, decided from memory.

internal import Base
internal import KafkaWire
internal import Synchronization

/// What a compaction would have to do.
struct CompactionCandidate {
    /// Closed segments that may be compacted, from the front.
    let segments: [Segment]
    let firstDirty: Int64
    let isDue: Bool
    /// The part of the bytes that is new.
    let dirtyRatio: Double

    /// Any thread, never blocks.
    init(_ log: PartitionLog, now: Int64) {
        let (all, rules, logStart, end, isOpen) = log.view.withLock {
            (
                $0.segments, $0.rules.cleaning, $0.logStart, $0.highWatermark,
                !$0.isDeleted && $0.failure == nil
            )
        }
        let state = log.cleaner.withLock { $0 }
        // What is not on the disk yet, with its index, is not to be replaced.
        let waiting = log.line.withLock { $0.firstClosed } ?? .max
        let young = moment(rules.compactionLagMin, before: now)
        firstDirty = max(state.firstDirty, logStart)
        segments = Array(
            all.dropLast().prefix { segment in
                segment.damage == nil && segment.nextOffset <= end && segment.baseOffset < waiting
                    && (rules.compactionLagMin == 0 || segment.newestTime ?? .min <= young)
            })
        let start = firstDirty
        let dirty = segments.filter { $0.nextOffset > start }
        let (dirtyBytes, bytes) = (dirty.byteCount, segments.byteCount)
        dirtyRatio = bytes > 0 ? Double(dirtyBytes) / Double(bytes) : 0
        let isLate = dirty.first?.arrivals.map {
            $0.lowerBound <= moment(rules.compactionLagMax, before: now)
        }
        let isWorthwhile = dirtyBytes > 0 && (dirtyRatio >= rules.dirtyRatio || isLate == true)
        isDue =
            rules.compacts && isOpen && !state.needsRestart && state.restsUntil <= now
            && !segments.isEmpty
            && (isWorthwhile || state.tombstonesDue <= now)
    }
}

extension [Segment] {
    fileprivate var byteCount: Int { reduce(0) { $0 + $1.byteCount } }
}
