// Decides which fresh blocks of a collection to merge. Pure: sizes in, ranges out.
//
// Enough rows for a full block are sealed into a segment. Until then small fresh blocks are merged
// with one another by size, as log-structured trees do: a row is copied once for each power of
// sixteen, and a collection has at most 64 fresh blocks for long, however small its batches are.
// Large blocks, as full batches are, wait for that as they are. Small collections stay
// fresh: a hundred thousand of them are rows of one table and not a hundred thousand files.

internal import Base

/// When to merge.
package struct MergePolicy: Sendable {
    /// Rows of a sealed block.
    package var sealRows = 65_536
    /// Bytes of fresh blocks that are sealed together even if they have fewer rows. 32 MiB: a few
    /// hundred bytes an event for a full block.
    package var sealBytes = 32 << 20
    /// Memory that the values of one merge may take: blocks of many properties that hardly change
    /// are a hundred times as large there as in their bytes.
    package var memoryBytes = Limits.mergeBytesMax
    /// Size that segments are joined up to.
    package var segmentBytes = Limits.segmentBytesAim
    /// Segments of a size class that are joined into one.
    package var joinCount = Limits.smallSegmentsMax
    /// Segments of at least so many bytes are written anew when less than half of it is still in
    /// use; smaller ones are left to be joined. A choice.
    package var deadSegmentBytes = 1 << 20
    /// Blocks of similar size that are merged into one.
    package var fanIn = 16
    /// Blocks of so few rows and bytes wait together in one cell of their collection. Choices: a
    /// cell is read whole, and a block of a few events is mostly its header.
    package var smallRows = 8
    package var smallBytes = 1024
    /// Blocks of such a cell that are made into one.
    package var smallBlocks = 8
    /// Blocks that have so many rows on average wait for their sealing without being merged before:
    /// copying them once more would cost more than reading 64 of them.
    package var largeRows = 1024

    package init() {}

    func isSmall(_ record: BlockRecord) -> Bool {
        record.rowCount <= smallRows && record.byteCount <= smallBytes
    }
}

/// A fresh block's size.
struct FreshSize: Sendable, Equatable {
    var rowCount: Int
    var byteCount: Int
}

enum TailPlanner {
    /// One merge of neighbouring blocks.
    struct Step: Sendable, Equatable {
        var range: Range<Int>
        /// Whether the result goes into a segment file.
        var seals: Bool
    }

    /// What to do with the fresh blocks of a collection, oldest first.
    static func plan(_ blocks: [FreshSize], policy: MergePolicy) -> [Step] {
        let seals = sealSteps(blocks, policy)
        if !seals.isEmpty { return seals }
        return compaction(blocks, policy).map { [$0] } ?? []
    }

    /// Groups from the oldest on, as long as they are full.
    private static func sealSteps(_ blocks: [FreshSize], _ policy: MergePolicy) -> [Step] {
        var steps: [Step] = []
        var begin = 0
        var rows = 0
        var bytes = 0
        for (index, block) in blocks.enumerated() {
            let isFull =
                rows + block.rowCount > policy.sealRows
                || bytes + block.byteCount > policy.sealBytes
            if index > begin, isFull {
                steps.append(Step(range: begin..<index, seals: true))
                (begin, rows, bytes) = (index, 0, 0)
            }
            rows += block.rowCount
            bytes += block.byteCount
        }
        if rows >= policy.sealRows || bytes >= policy.sealBytes {
            steps.append(Step(range: begin..<blocks.count, seals: true))
        }
        return steps
    }

    /// The newest blocks below some size, if `fanIn` of them are of the size class just below it,
    /// so that a copy takes every row to the next class; the smallest class that has them.
    private static func compaction(_ blocks: [FreshSize], _ policy: MergePolicy) -> Step? {
        guard blocks.count >= policy.fanIn else { return nil }
        let blocksMax = policy.fanIn * 4
        var begin = blocks.count
        var classBegin = 0
        while begin > 0 {
            let classEnd = max(classBegin, 1) * policy.fanIn
            while begin > 0, blocks[begin - 1].rowCount < classEnd { begin -= 1 }
            let newest = blocks[begin...]
            let ofClass = newest.reduce(0) { $0 + ($1.rowCount >= classBegin ? 1 : 0) }
            let rows = newest.reduce(0) { $0 + $1.rowCount }
            let areSmall = rows < newest.count * policy.largeRows
            // Batches whose sizes alternate between classes would otherwise pile up.
            if ofClass >= policy.fanIn && areSmall || newest.count >= blocksMax {
                return Step(range: begin..<blocks.count, seals: false)
            }
            classBegin = classEnd
        }
        return nil
    }
}
