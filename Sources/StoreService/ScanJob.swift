// One scan spread over threads: each scans some shards, the last to finish merges and answers.
// Nobody waits for anybody, so a pool cannot lock itself up.

internal import EventStore
internal import Model
internal import Plan
internal import RPC
internal import Synchronization
internal import Wire

/// A scan under way.
final class ScanJob: Sendable {
    /// Nobody waits for the answer any more.
    struct Unwanted: Error {}

    private struct State {
        var partials: [PartialResult] = []
        var partsLeft: Int
        var hasFailed = false
    }

    private let store: EventStore
    private let plan: ScanPlan
    private let call: RPCCall
    private let fail: @Sendable (any Error) -> Void
    private let state: Mutex<State>

    init(
        _ store: EventStore, _ plan: ScanPlan, _ call: RPCCall, partCount: Int,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.plan = plan
        self.call = call
        self.fail = fail
        state = Mutex(State(partsLeft: partCount))
    }

    func run(_ shards: [ShardID]) {
        do {
            let partial = try store.scan(plan, shards: shards) {
                guard call.isWanted, !state.withLock({ $0.hasFailed }) else { throw Unwanted() }
            }
            try finish(partial)
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isFirst { fail(error) }
        }
    }

    private func finish(_ partial: PartialResult) throws {
        let partials = state.withLock { state in
            state.partials.append(partial)
            state.partsLeft -= 1
            return state.partsLeft == 0 ? state.partials : []
        }
        guard let first = partials.first else { return }
        guard partials.count > 1 else { return call.reply(ScanResponse(first)) }
        var merger = PartialMerger()
        for partial in partials { try merger.add(partial) }
        call.reply(ScanResponse(merger.finish()))
    }
}
