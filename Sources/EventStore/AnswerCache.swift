// Keeps what scans have found in sealed blocks, which never change: by block and question, and for
// whole plans, what all sealed blocks together gave. An answer is given only for the block as it
// was read, what had been deleted from it included; anything else counts as not known.
//
// Two halves, the younger one filled: when it is full it becomes the older one, and what was not
// used since goes. So every look-up is one or two hash look-ups, and the bytes are bounded.

internal import Columns
internal import Model
internal import Plan
internal import Synchronization
internal import Wire

/// Partial results by question. Any thread.
final class AnswerCache: Sendable {
    /// An answer to all blocks of a plan that were sealed.
    struct Whole: Sendable {
        /// The blocks, each with what had been taken out of it.
        var blocks: [SealedBlockID: StoredEdits?]
        var answer: PartialResult
    }

    /// What is known of a question.
    enum Found: Sendable {
        case unknown
        /// The answer is not worth keeping: read the block.
        case large
        case answer(PartialResult)
    }

    private enum Key: Hashable {
        case block(BlockQuestion)
        case whole(ScanPlan)
    }

    private struct Entry {
        var edits: StoredEdits?
        /// Nil: too large to keep.
        var answer: PartialResult?
        var blocks: [SealedBlockID: StoredEdits?] = [:]
        var byteCount: Int
    }

    private struct State {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
        var youngBytes = 0
        var oldBytes = 0
        /// Numbers of plans without their times. Numbers are never used again.
        var plans: [ScanPlan: UInt64] = [:]
        var nextPlan: UInt64 = 0
    }

    /// More groups and distinct values than this in one block cost as much to add as to find anew.
    /// A choice.
    static let blockCellsMax = 256
    private static let plansMax = 4096
    /// Plans with longer lists in their filters are asked once, mostly.
    private static let planBytesMax = 16 << 10
    private static let entryBytes = 256

    private let bytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var byteCount: Int { state.withLock { $0.youngBytes + $0.oldBytes } }

    /// The plan's number, for questions; nil: its answers are not kept.
    func number(of plan: ScanPlan) -> UInt64? {
        guard bytesMax > 0, plan.encodedByteCount <= Self.planBytesMax else { return nil }
        let plan = plan.timeless
        return state.withLock { state in
            if let number = state.plans[plan] { return number }
            if state.plans.count >= Self.plansMax { state.plans.removeAll() }
            state.nextPlan += 1
            state.plans[plan] = state.nextPlan
            return state.nextPlan
        }
    }

    /// What is known of a block that has lost `edits`.
    func find(_ question: BlockQuestion, edits: StoredEdits?) -> Found {
        let entry = state.withLock { look(.block(question), &$0) }
        guard let entry, entry.edits == edits else { return .unknown }
        return entry.answer.map { .answer($0) } ?? .large
    }

    /// Keeps an answer, or that it was too large to keep.
    func keep(_ answer: PartialResult, of question: BlockQuestion, edits: StoredEdits?) {
        // What it costs to add the answer to others: each group, and every distinct value.
        let isLarge = answer.count + answer.distinctCount > Self.blockCellsMax
        let entry = Entry(
            edits: edits, answer: isLarge ? nil : answer,
            byteCount: Self.entryBytes + (edits?.byteCount ?? 0)
                + (isLarge ? 0 : answer.byteCount))
        state.withLock { insert(entry, .block(question), &$0) }
    }

    /// What all sealed blocks gave to the same plan.
    func find(_ plan: ScanPlan) -> Whole? {
        guard let entry = state.withLock({ look(.whole(plan), &$0) }),
            let answer = entry.answer
        else { return nil }
        return Whole(blocks: entry.blocks, answer: answer)
    }

    func keep(_ whole: Whole, of plan: ScanPlan) {
        let edited = whole.blocks.values.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        let byteCount =
            Self.entryBytes + edited + whole.blocks.count * 64 + whole.answer.byteCount
            + 4 * plan.encodedByteCount
        // One answer must not push out everybody else's.
        guard byteCount <= bytesMax / 4 else { return }
        let entry = Entry(answer: whole.answer, blocks: whole.blocks, byteCount: byteCount)
        state.withLock { insert(entry, .whole(plan), &$0) }
    }

    /// Forgets the blocks of a segment that is gone.
    func forget(segment: UInt64) {
        state.withLock { state in
            for (key, entry) in state.young where Self.names(segment, key, entry) {
                state.young[key] = nil
                state.youngBytes -= entry.byteCount
            }
            for (key, entry) in state.old where Self.names(segment, key, entry) {
                state.old[key] = nil
                state.oldBytes -= entry.byteCount
            }
        }
    }

    private static func names(_ segment: UInt64, _ key: Key, _ entry: Entry) -> Bool {
        switch key {
        case .block(let question): question.block.segment == segment
        case .whole: entry.blocks.keys.contains { $0.segment == segment }
        }
    }

    private func look(_ key: Key, _ state: inout State) -> Entry? {
        if let entry = state.young[key] { return entry }
        guard let entry = state.old.removeValue(forKey: key) else { return nil }
        state.oldBytes -= entry.byteCount
        insert(entry, key, &state)
        return entry
    }

    private func insert(_ entry: Entry, _ key: Key, _ state: inout State) {
        if let before = state.old.removeValue(forKey: key) { state.oldBytes -= before.byteCount }
        if let before = state.young.removeValue(forKey: key) {
            state.youngBytes -= before.byteCount
        }
        guard entry.byteCount <= bytesMax / 2 else { return }
        if state.youngBytes + entry.byteCount > bytesMax / 2 {
            (state.old, state.oldBytes) = (state.young, state.youngBytes)
            (state.young, state.youngBytes) = ([:], 0)
        }
        state.young[key] = entry
        state.youngBytes += entry.byteCount
    }
}

extension ScanPlan {
    fileprivate var encodedByteCount: Int { ScanRequest(shards: [], plan: self).encoded().count }
}

extension StoredEdits {
    fileprivate var byteCount: Int { (edits.live?.count ?? 0) + edits.hidden.count * 64 }
}
