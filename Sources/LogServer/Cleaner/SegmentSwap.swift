// Putting one rewritten segment in the place of several. Between any two steps the machine may
// stop:
//
//     BASE.log.cleaned   written and synced         a start removes it
//     BASE.log.swap      renamed to                 a start goes on from here
//                        the old segments but the first are removed
//     BASE.log           renamed over the first     done

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// A rewritten segment and those whose place it takes.
struct SegmentSwap: Sendable {
    let old: [Segment]
    let content: SegmentContent
    let arrivals: ClosedRange<Int64>

    private static let cleanedEnding = ".cleaned"
    private static let swapEnding = ".swap"

    static func cleanedPath(in directory: String, _ baseOffset: Int64) -> String {
        Segment.path(in: directory, baseOffset) + cleanedEnding
    }

    static func swapPath(in directory: String, _ baseOffset: Int64) -> String {
        Segment.path(in: directory, baseOffset) + swapEnding
    }

    /// Finishes what a stop has interrupted, before a partition is opened. Blocks.
    static func finish(in directory: String, disk: any LogDisk) throws {
        let names = try disk.names(in: directory)
        for name in names where name.hasSuffix(cleanedEnding) {
            try disk.remove("\(directory)/\(name)")
        }
        let bases = names.filter { $0.hasSuffix(swapEnding) }.compactMap {
            Segment.baseOffset(fileName: String($0.dropLast(swapEnding.count)))
        }
        for base in bases.sorted() {
            let path = swapPath(in: directory, base)
            let file = try disk.openFile(path, isNew: false)
            let scan = try SegmentScan(file, baseOffset: base, gapsEnd: .max) { _, _ in }
            if let fault = scan.fault {
                throw LogStorageError(.damaged, "'\(path)' is damaged: \(fault)")
            }
            let replaced = names.compactMap { Segment.baseOffset(fileName: $0) }.filter {
                $0 > base && $0 < scan.content.nextOffset
            }
            try complete(base: base, removing: replaced, in: directory, disk: disk)
        }
    }

    /// The steps from the file that is called `.swap` on.
    static func complete(
        base: Int64, removing replaced: [Int64], in directory: String, disk: any LogDisk
    ) throws(DiskError) {
        for offset in [base] + replaced {
            try disk.remove(Segment.path(in: directory, offset, ending: SegmentIndexFile.ending))
        }
        for offset in replaced { try disk.remove(Segment.path(in: directory, offset)) }
        // The removals must not come after the renaming: two segments would have the same offsets,
        // or one another's index.
        try disk.syncDirectory(directory)
        try disk.rename(
            swapPath(in: directory, base), to: Segment.path(in: directory, base))
        try disk.syncDirectory(directory)
    }
}

extension PartitionLog {
    /// Puts a rewritten segment in the place of the old ones; false if the log has changed
    /// meanwhile, and the work was in vain. Readers that are at the old ones keep them open. Writer
    /// only; blocks for a few syncs.
    func swap(_ swap: SegmentSwap) throws(DiskError) -> Bool {
        guard let first = swap.old.first else { return false }
        let base = first.baseOffset
        let cleaned = SegmentSwap.cleanedPath(in: directory, base)
        guard isOpen, place(of: swap.old) != nil else {
            try disk.remove(cleaned)
            return false
        }
        try allowGaps(below: swap.content.nextOffset)
        try disk.rename(cleaned, to: SegmentSwap.swapPath(in: directory, base))
        try disk.syncDirectory(directory)
        try SegmentSwap.complete(
            base: base, removing: swap.old.dropFirst().map(\.baseOffset), in: directory,
            disk: disk)
        let file = try disk.openFile(Segment.path(in: directory, base), isNew: false)
        let segment = Segment(baseOffset: base, file: file, content: swap.content)
        if let place = place(of: swap.old) {
            view.withLock { $0.segments.replaceSubrange(place, with: [segment]) }
            snapshot.withLock { $0.isCurrent = false }
        }
        return true
    }

    private var isOpen: Bool { view.withLock { !$0.isDeleted && $0.failure == nil } }

    /// Where the segments are in the log; nil if they are no longer.
    private func place(of old: [Segment]) -> Range<Int>? {
        view.withLock { view in
            guard let start = view.segments.firstIndex(where: { $0 === old.first }),
                start + old.count < view.segments.count,
                zip(view.segments[start...], old).allSatisfy({ $0 === $1 })
            else { return nil }
            return start..<start + old.count
        }
    }

    /// Every key has been looked at up to `offset`. Blocks.
    func noteCompacted(until offset: Int64, tombstonesDue: Int64) throws(DiskError) {
        var state = cleaner.withLock { $0 }
        let before = state.firstDirty
        state.firstDirty = offset
        state.tombstonesDue = tombstonesDue
        state.succeeded()
        try state.save(in: directory, disk: disk)
        let saved = state
        cleaner.withLock { $0 = saved }
        // The compaction before this one has removed the records of transactions aborted up to
        // there, and nobody reads any more what it has replaced.
        producers.withLock { $0.trim(to: before) }
    }
}
