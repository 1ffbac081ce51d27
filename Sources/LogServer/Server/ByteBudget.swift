// The memory that requests of all connections may take together. Room is asked for as the bytes
// come, a step at a time, so that a client that announces much and sends little takes little.
//
// Requests that have come in part could so fill all the room and wait for each other for ever.
// Therefore the room of one whole request is kept apart, and goes to the one that has waited
// longest: with it that one can be finished, whatever the others do. Who asks is served in the
// order of asking, so that a large request is not passed over for ever (decision 19).

internal import DequeModule
internal import Synchronization

/// Bytes that a request has been given.
struct RequestRoom: Sendable, Equatable {
    /// Of what all requests share.
    var shared = 0
    /// Of what is kept apart: all that was missing when it was given, or 0.
    var reserved = 0

    var byteCount: Int { shared + reserved }

    static func += (one: inout RequestRoom, other: RequestRoom) {
        one.shared += other.shared
        one.reserved += other.reserved
    }
}

/// Bytes that can be taken and given back. Any thread.
final class ByteBudget: Sendable {
    private struct Waiter {
        var step: Int
        var whole: Int
        var granted: @Sendable (RequestRoom) -> Void
    }

    private struct State {
        var free: Int
        var isReserveFree = true
        var waiters: Deque<Waiter> = []

        mutating func take(_ step: Int, orWhole whole: Int) -> RequestRoom? {
            if free >= step {
                free -= step
                return RequestRoom(shared: step)
            }
            guard isReserveFree else { return nil }
            isReserveFree = false
            return RequestRoom(reserved: whole)
        }
    }

    private let state: Mutex<State>
    private let reserve: Int

    /// Of the total, `reserve` bytes are kept apart.
    init(total: Int, reserve: Int) {
        precondition((1...total).contains(reserve), "a reserve of \(reserve) in \(total)")
        self.reserve = reserve
        state = Mutex(State(free: total - reserve))
    }

    /// What is not taken; the reserve is taken as a whole.
    var free: Int { state.withLock { $0.free + ($0.isReserveFree ? reserve : 0) } }

    /// Whether somebody waits for room.
    var isScarce: Bool { state.withLock { !$0.waiters.isEmpty } }

    /// Takes `step` bytes of what is shared or, if it has not as many, `whole` of the reserve, all
    /// that the request still needs. If neither is there, returns nil and calls `granted` later.
    func take(
        _ step: Int, orWhole whole: Int, granted: @escaping @Sendable (RequestRoom) -> Void
    ) -> RequestRoom? {
        precondition(0 < step && step <= whole && whole <= reserve, "a wish that cannot be met")
        return state.withLock { state in
            if state.waiters.isEmpty, let room = state.take(step, orWhole: whole) { return room }
            state.waiters.append(Waiter(step: step, whole: whole, granted: granted))
            return nil
        }
    }

    /// Gives back everything that a request was given.
    func release(_ room: RequestRoom) {
        guard room.byteCount > 0 else { return }
        let granted = state.withLock { state in
            state.free += room.shared
            if room.reserved > 0 { state.isReserveFree = true }
            var granted: [(Waiter, RequestRoom)] = []
            while let next = state.waiters.first,
                let room = state.take(next.step, orWhole: next.whole)
            {
                state.waiters.removeFirst()
                granted.append((next, room))
            }
            return granted
        }
        for (waiter, room) in granted { waiter.granted(room) }
    }
}
