// One thread's part of a scan: it takes blocks as long as there are any, and keeps what it found.

internal import Base
internal import Columns
internal import Plan
internal import Scan
internal import Synchronization

/// A part of a scan. One thread at a time, any thread.
package final class ScanLane: Sendable {
    private struct State {
        /// Fresh blocks, and sealed ones whose answers are not worth keeping one by one.
        var fresh: ScanExecution?
        var sealed: ScanExecution?
        /// Answers: of fresh blocks, and of sealed ones, known or found now.
        var freshAnswers = PartialMerger()
        var answers = PartialMerger()
        var cachedCount = 0
        /// Whether blocks of this plan give large answers.
        var isLarge = false
        /// Bytes of the budget that the above takes.
        var takenBytes = 0
        var busyNanoseconds: Int64 = 0

        var byteCount: Int {
            (fresh?.byteCount ?? 0) + (sealed?.byteCount ?? 0) + freshAnswers.byteCount
                + answers.byteCount
        }
    }

    private let scan: StoreScan
    private let state = Mutex(State())

    init(_ scan: StoreScan) { self.scan = scan }

    /// Does the next block that no lane has taken; false if none is left. After an error the lane
    /// is of no more use.
    package func step() throws -> Bool {
        let block = scan.takeBlock()
        let began = monotonicNanoseconds()
        do {
            try state.withLock { state in
                defer { state.busyNanoseconds += Int64(clamping: monotonicNanoseconds() - began) }
                if let block {
                    try consume(block, &state)
                } else {
                    // Here, and not where the lanes are joined, because lanes have threads.
                    try settle(&state.fresh, into: &state.freshAnswers, &state.takenBytes)
                    try settle(&state.sealed, into: &state.answers, &state.takenBytes)
                }
                try take(state.byteCount, &state.takenBytes)
            }
        } catch { throw EventStoreError.wrapping(error) }
        return block != nil
    }

    /// Takes as much of the budget as makes it `bytes`, or gives some back.
    private func take(_ bytes: Int, _ taken: inout Int) throws {
        let more = bytes - taken
        taken = bytes
        try scan.share.take(more)
    }

    /// Puts what was found in order. Numbers alone become an answer, since answers of numbers merge
    /// in passes over arrays; tables with sets are better joined before they do.
    private func settle(
        _ execution: inout ScanExecution?, into answers: inout PartialMerger, _ taken: inout Int
    ) throws {
        guard let found = execution else { return }
        try take(taken + found.finishByteCount, &taken)
        guard found.hasPlainStates else { return try found.settle() }
        execution = nil
        try answers.add(try found.finish())
    }

    private func consume(_ block: ListedBlock, _ state: inout State) throws {
        guard let id = block.sealedID else {
            return try read(block, into: &state.fresh)
        }
        guard let number = scan.question, block.stored?.undecided == nil else {
            return try read(block, into: &state.sealed)
        }
        let (plan, firstBucket) = scan.plan.narrowed(to: block.record)
        let question = BlockQuestion(
            block: id, plan: number, timeframe: plan.timeframe, boundaries: plan.boundaries)
        let cache = scan.store.answers
        switch cache.find(question, edits: block.stored) {
        case .answer(let answer):
            state.cachedCount += 1
            return try add(answer, firstBucket, &state)
        case .large: state.isLarge = true
        case .unknown: break
        }
        guard !state.isLarge else { return try read(block, into: &state.sealed) }
        let execution = ScanExecution(plan: plan)
        try scan.store.read(block, scan.reader.snapshot) { try execution.consume($0) }
        state.answers.add(execution.statistics)
        let answer = try execution.finish().withoutStatistics
        cache.keep(answer, of: question, edits: block.stored)
        try add(answer, firstBucket, &state)
    }

    private func add(
        _ answer: PartialResult, _ firstBucket: Int32, _ state: inout State
    ) throws {
        try state.answers.add(answer.movingBuckets(by: firstBucket))
    }

    private func read(_ block: ListedBlock, into execution: inout ScanExecution?) throws {
        let found = execution ?? ScanExecution(plan: scan.plan)
        execution = found
        try scan.store.read(block, scan.reader.snapshot) { try found.consume($0) }
    }

    // MARK: What has been found

    var cachedCount: Int { state.withLock { $0.cachedCount } }
    var busyNanoseconds: Int64 { state.withLock { $0.busyNanoseconds } }

    /// Tables of fresh blocks; nil if they have become an answer.
    func takeFresh() throws -> ScanTables? {
        try state.withLock { state in
            defer { state.fresh = nil }
            return try state.fresh?.tables()
        }
    }

    func takeSealed() throws -> ScanTables? {
        try state.withLock { state in
            defer { state.sealed = nil }
            return try state.sealed?.tables()
        }
    }

    /// Answers together: of fresh blocks, and of sealed ones.
    func takeAnswers() throws -> (fresh: PartialResult, sealed: PartialResult) {
        try state.withLock { state in
            let answers = (state.freshAnswers, state.answers)
            state.freshAnswers = PartialMerger()
            state.answers = PartialMerger()
            return (try answers.0.finish(), try answers.1.finish())
        }
    }
}
