// One extraction on a node's threads: its shards are shared out, each part is a read of its own
// that takes a block a turn, and the part that is done last merges and answers. Nobody waits for
// anybody, so a pool cannot lock itself up.

internal import Base
internal import EventStore
internal import Plan
internal import RPC
internal import Synchronization
internal import Wire

/// An extraction under way.
final class ExtractionJob: Sendable {
    private struct State {
        var results: [ExtractionResult] = []
        var partsLeft: Int
        var hasFailed = false
    }

    let clock = ReadClock()
    private let call: RPCCall
    private let plan: ExtractionPlan
    private let fail: @Sendable (any Error) -> Void
    private let state: Mutex<State>

    /// `fail` is called at most once, instead of an answer.
    init(
        _ call: RPCCall, _ plan: ExtractionPlan, partCount: Int,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.call = call
        self.plan = plan
        self.fail = fail
        state = Mutex(State(partsLeft: partCount))
    }

    /// Does a turn's worth of a part; false when the part has nothing left to do.
    func step(_ part: StoreExtraction) -> Bool {
        do {
            guard call.isWanted, !state.withLock({ $0.hasFailed }) else { throw UnwantedRead() }
            if try part.step() { return true }
            let result = try part.finish()
            let results = state.withLock { state in
                state.results.append(result)
                state.partsLeft -= 1
                return state.partsLeft == 0 ? state.results : []
            }
            if !results.isEmpty {
                call.reply(
                    ExtractResponse(
                        try plan.merge(results, bytesMax: Limits.extractionBytesMax)))
            }
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isFirst { fail(error) }
        }
        return false
    }
}

/// Nobody waits for the answer any more.
struct UnwantedRead: Error {}
