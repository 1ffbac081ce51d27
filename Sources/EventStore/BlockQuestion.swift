// What a plan asks of one block, in the block's own terms: a timeframe that holds all of the block
// is none, and only the boundaries around it count. So windows that move ask most blocks the same
// as before, and a question names an answer that stays right as long as the block is there.

internal import Model
internal import Plan

/// The identity of a question to a sealed block.
struct BlockQuestion: Hashable, Sendable {
    var block: SealedBlockID
    /// The number of the plan without its times.
    var plan: UInt64
    /// Nil: the whole block.
    var timeframe: Range<Timestamp>?
    var boundaries: [Timestamp]
}

/// Where a sealed block is. Segment numbers are never used again.
struct SealedBlockID: Hashable, Sendable {
    var segment: UInt64
    var offset: Int64
}

extension ListedBlock {
    /// Nil for a fresh block.
    var sealedID: SealedBlockID? {
        guard case .sealed(let segment, let offset) = record.place else { return nil }
        return SealedBlockID(segment: segment, offset: offset)
    }
}

extension ScanPlan {
    /// The plan for one block alone, and the bucket that its first bucket is of this plan's.
    func narrowed(to record: BlockRecord) -> (plan: ScanPlan, firstBucket: Int32) {
        var narrowed = self
        let first = Timestamp(milliseconds: record.minTimestamp)
        let last = Timestamp(milliseconds: record.maxTimestamp)
        if let timeframe, timeframe.contains(first), timeframe.contains(last) {
            narrowed.timeframe = nil
        }
        guard boundaries.count >= 2 else { return (narrowed, 0) }
        let low = max(Self.upperBound(boundaries, first) - 1, 0)
        let high = min(Self.upperBound(boundaries, last), boundaries.count - 1)
        // A block outside all buckets keeps the plan as it is.
        guard low < high else { return (self, 0) }
        narrowed.boundaries = Array(boundaries[low...high])
        return (narrowed, Int32(low))
    }

    /// The plan without its times.
    var timeless: ScanPlan {
        var plan = self
        plan.timeframe = nil
        plan.boundaries = []
        return plan
    }

    /// The first index whose instant is after `instant`.
    private static func upperBound(_ instants: [Timestamp], _ instant: Timestamp) -> Int {
        var low = 0
        var high = instants.count
        while low < high {
            let middle = (low + high) / 2
            if instants[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
