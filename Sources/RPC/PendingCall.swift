// A call of the client from the moment it is made until the caller has its answer. The caller's
// task, its cancellation and the loop meet here, so the first outcome wins under a lock.

internal import Synchronization
internal import Wire

final class PendingCall: Sendable {
    typealias Outcome = Result<ArraySlice<UInt8>, RPCError>
    typealias Continuation = CheckedContinuation<ArraySlice<UInt8>, any Error>

    private enum State {
        case idle
        case waiting(Continuation)
        /// The outcome is kept only if it came before anybody waited for it.
        case done(Outcome?)
    }

    let method: RPCMethod
    let body: [UInt8]
    let timeout: Duration
    let deadline: ContinuousClock.Instant
    /// Until when it waits for a connection; at most `deadline`.
    let connectDeadline: ContinuousClock.Instant
    private let state = Mutex(State.idle)

    init(method: RPCMethod, body: [UInt8], timeout: Duration, connectTimeout: Duration) {
        self.method = method
        self.body = body
        self.timeout = timeout
        let now = ContinuousClock.now
        deadline = now + timeout
        connectDeadline = now + min(timeout, connectTimeout)
    }

    var isDone: Bool {
        state.withLock { state in
            if case .done = state { true } else { false }
        }
    }

    /// False if the outcome was there already and has been delivered.
    func wait(_ continuation: Continuation) -> Bool {
        let early: Outcome? = state.withLock { state in
            guard case .done(let outcome) = state else {
                state = .waiting(continuation)
                return nil
            }
            state = .done(nil)
            return outcome
        }
        guard let early else { return true }
        continuation.resume(with: early)
        return false
    }

    /// Only the first outcome counts.
    func finish(_ outcome: Outcome) {
        let waiting: Continuation? = state.withLock { state in
            switch state {
            case .idle:
                state = .done(outcome)
                return nil
            case .waiting(let continuation):
                state = .done(nil)
                return continuation
            case .done:
                return nil
            }
        }
        waiting?.resume(with: outcome)
    }
}
