// One read spread over threads: each reads some shards, the last to finish merges and answers.
// Nobody waits for anybody, so a pool cannot lock itself up.

internal import Model
internal import RPC
internal import Synchronization

/// A read under way.
final class ShardJob<Part: Sendable>: Sendable {
    typealias Read = @Sendable (_ shards: [ShardID], _ checkpoint: () throws -> Void) throws -> Part

    private struct State {
        var parts: [Part] = []
        var partsLeft: Int
        var hasFailed = false
    }

    private let call: RPCCall
    private let read: Read
    private let answer: @Sendable ([Part]) throws -> Void
    private let fail: @Sendable (any Error) -> Void
    private let state: Mutex<State>

    /// `answer` is called once with all parts, in no order, or `fail` with the first error.
    init(
        _ call: RPCCall, partCount: Int, read: @escaping Read,
        answer: @escaping @Sendable ([Part]) throws -> Void,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.call = call
        self.read = read
        self.answer = answer
        self.fail = fail
        state = Mutex(State(partsLeft: partCount))
    }

    func run(_ shards: [ShardID]) {
        do {
            let part = try read(shards) {
                guard call.isWanted, !state.withLock({ $0.hasFailed }) else {
                    throw UnwantedRead()
                }
            }
            let parts = state.withLock { state in
                state.parts.append(part)
                state.partsLeft -= 1
                return state.partsLeft == 0 ? state.parts : []
            }
            if !parts.isEmpty { try answer(parts) }
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isFirst { fail(error) }
        }
    }
}

/// Nobody waits for the answer any more.
struct UnwantedRead: Error {}
