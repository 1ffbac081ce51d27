// The memory that requests of all connections may take together. A connection asks before it reads
// a large request and is called when there is room; in the order of asking, so that a large request
// is not passed over for ever.

internal import DequeModule
internal import Synchronization

/// Bytes that can be reserved and given back. Any thread.
final class ByteBudget: Sendable {
    private struct Waiter {
        var byteCount: Int
        var granted: @Sendable () -> Void
    }

    private struct State {
        var free: Int
        var waiters: Deque<Waiter> = []
    }

    private let state: Mutex<State>
    private let total: Int

    init(total: Int) {
        self.total = total
        state = Mutex(State(free: total))
    }

    var free: Int { state.withLock { $0.free } }

    /// Takes `byteCount` bytes, which is at most the total, and returns true; or returns false and
    /// calls `granted` later, when they have been taken.
    func reserve(_ byteCount: Int, granted: @escaping @Sendable () -> Void) -> Bool {
        precondition(byteCount <= total, "a reservation that can never be met")
        return state.withLock { state in
            guard state.waiters.isEmpty, state.free >= byteCount else {
                state.waiters.append(Waiter(byteCount: byteCount, granted: granted))
                return false
            }
            state.free -= byteCount
            return true
        }
    }

    func release(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        let granted = state.withLock { state in
            state.free += byteCount
            var granted: [@Sendable () -> Void] = []
            while let next = state.waiters.first, next.byteCount <= state.free {
                state.free -= next.byteCount
                state.waiters.removeFirst()
                granted.append(next.granted)
            }
            return granted
        }
        for body in granted { body() }
    }
}
