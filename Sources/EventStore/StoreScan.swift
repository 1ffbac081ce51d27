// One plan over shards, shared out by block: threads take lanes, a lane takes the next block, and
// what the lanes have found is put together at the end. Between two blocks a lane can rest as long
// as its owner likes, so many scans can share few threads.
//
// Three kinds of blocks: fresh ones are read; sealed ones that the cache knows an answer of are
// not; the other sealed ones are read and, where the answer is small, their answer is kept.

internal import Base
internal import Columns
internal import Model
package import Plan
internal import Scan
internal import Synchronization

/// A scan under way. Any thread; each lane by one thread at a time. It holds a snapshot until it
/// goes away.
package final class StoreScan: Sendable {
    let store: EventStore
    let plan: ScanPlan
    let reader: StoreReader
    let blocks: [ListedBlock]
    let share: ScanBudget.Share
    /// The plan's number in the cache; nil: its answers are not kept.
    let question: UInt64?
    private let answered: PartialResult?
    private let known: AnswerCache.Whole?
    private let skippedCount: Int
    private let began: UInt64
    private let listNanoseconds: UInt64
    private let next = Atomic(0)

    /// Fewer rows than this for each lane are not worth another thread.
    private static let laneRowsMin = 32_768

    /// Takes a snapshot and lists the blocks. `checkpoint` is called before each shard.
    init(
        _ store: EventStore, _ plan: ScanPlan, shards: [ShardID], checkpoint: () throws -> Void
    ) throws {
        began = monotonicNanoseconds()
        self.store = store
        self.plan = plan
        share = ScanBudget.Share(store.scanBudget)
        reader = store.beginReading()
        do {
            if let counter = RollupCounter(plan) {
                answered = try counter.count(in: shards, reader.snapshot, checkpoint: checkpoint)
                (blocks, skippedCount, question, known) = ([], 0, nil, nil)
            } else {
                let listed = try Self.list(store, plan, shards, reader, checkpoint)
                answered = nil
                skippedCount = listed.skipped
                question = store.answers.number(of: plan)
                known = question == nil ? nil : Self.known(store, plan, listed.blocks)
                let known = known
                blocks = listed.blocks.filter { block in
                    block.sealedID.map { known?.blocks[$0] == nil } ?? true
                }
            }
        } catch {
            reader.end()
            throw error
        }
        listNanoseconds = monotonicNanoseconds() - began
    }

    deinit { reader.end() }

    private static func list(
        _ store: EventStore, _ plan: ScanPlan, _ shards: [ShardID], _ reader: StoreReader,
        _ checkpoint: () throws -> Void
    ) throws -> (blocks: [ListedBlock], skipped: Int) {
        let timeframe = plan.timeframe.map {
            $0.lowerBound.milliseconds..<$0.upperBound.milliseconds
        }
        var chosen: [ListedBlock] = []
        var skipped = 0
        for shard in shards {
            try checkpoint()
            for block in try store.blocks(of: plan.collection, shard, reader.snapshot) {
                if block.record.overlaps(timeframe) {
                    chosen.append(block)
                } else {
                    skipped += 1
                }
            }
        }
        return (chosen, skipped)
    }

    /// What an earlier scan of the same plan found, if every block of it is still what it was.
    private static func known(
        _ store: EventStore, _ plan: ScanPlan, _ blocks: [ListedBlock]
    ) -> AnswerCache.Whole? {
        guard let whole = store.answers.find(plan) else { return nil }
        var left = whole.blocks.count
        for block in blocks {
            guard let id = block.sealedID, let edits = whole.blocks[id] else { continue }
            guard block.stored == edits, block.stored?.undecided == nil else { return nil }
            left -= 1
        }
        return left == 0 ? whole : nil
    }

    /// Lanes that are worth having.
    package var laneCountMax: Int {
        let rows = blocks.reduce(0) { $0 + $1.record.rowCount }
        return max(1, min(blocks.count, rows / Self.laneRowsMin))
    }

    package func makeLane() -> ScanLane { ScanLane(self) }

    /// The next block that no lane has taken.
    func takeBlock() -> ListedBlock? {
        let index = next.add(1, ordering: .relaxed).oldValue
        return index < blocks.count ? blocks[index] : nil
    }

    /// The partial result of all lanes, once none of them has a block left. Call it once.
    package func finish(_ lanes: [ScanLane]) throws -> PartialResult {
        let began = monotonicNanoseconds()
        do {
            if let answered {
                record(answered.statistics)
                return answered
            }
            let answers = try lanes.map { try $0.takeAnswers() }
            // Merging them makes as much again at most.
            try share.take(answers.reduce(0) { $0 + $1.fresh.byteCount + $1.sealed.byteCount })
            let sealed = try finishSealed(lanes, answers.map(\.sealed))
            var merger = PartialMerger()
            if let sealed { try merger.add(sealed) }
            for answer in answers { try merger.add(answer.fresh) }
            if let fresh = try joined(lanes.compactMap { try $0.takeFresh() }) {
                try merger.add(fresh)
            }
            merger.add(statistics(lanes, since: began))
            let result = try merger.finish()
            record(result.statistics)
            return result
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func record(_ statistics: ScanStatistics) {
        let byPlan = known?.blocks.count ?? 0
        store.metrics.recordScan(since: self.began)
        store.metrics.recordBlocks(
            read: statistics.blocksRead, byBlock: Int(statistics.blocksCached) - byPlan,
            byPlan: byPlan)
        store.metrics.recordMemory(
            answers: store.answers.byteCount, dictionaries: store.dictionaries.byteCount,
            scans: store.scanBudget.usedBytes)
    }

    private func statistics(_ lanes: [ScanLane], since began: UInt64) -> ScanStatistics {
        var statistics = ScanStatistics()
        statistics.blocksSkipped = Int64(skippedCount)
        statistics.blocksCached = Int64(known?.blocks.count ?? 0)
        statistics.listNanoseconds = Int64(clamping: listNanoseconds)
        statistics.readNanoseconds = lanes.reduce(0) { $0 + $1.busyNanoseconds }
        statistics.mergeNanoseconds = Int64(clamping: monotonicNanoseconds() - began)
        let byBlock = lanes.reduce(0) { $0 + $1.cachedCount }
        statistics.blocksCached += Int64(byBlock)
        return statistics
    }

    /// What all sealed blocks gave, known before or not; keeps it.
    private func finishSealed(
        _ lanes: [ScanLane], _ answers: [PartialResult]
    ) throws -> PartialResult? {
        let read = blocks.filter { $0.sealedID != nil }
        guard !read.isEmpty else { return known?.answer }
        var merger = PartialMerger()
        if let known { try merger.add(known.answer) }
        for answer in answers { try merger.add(answer) }
        if let found = try joined(lanes.compactMap({ try $0.takeSealed() })) {
            try merger.add(found)
        }
        let sealed = try merger.finish()
        guard question != nil else { return sealed }
        var edits = known?.blocks ?? [:]
        for block in read {
            if let id = block.sealedID { edits[id] = .some(block.stored) }
        }
        store.answers.keep(
            AnswerCache.Whole(blocks: edits, answer: sealed.withoutStatistics), of: plan)
        return sealed
    }

    /// The result of what executions over different blocks have found.
    private func joined(_ tables: [ScanTables]) throws -> PartialResult? {
        guard !tables.isEmpty else { return nil }
        let execution = ScanExecution(plan: plan)
        // The largest takes the others in.
        try execution.absorb(tables.sorted { $0.byteCount > $1.byteCount })
        try share.take(execution.finishByteCount)
        return try execution.finish()
    }
}
