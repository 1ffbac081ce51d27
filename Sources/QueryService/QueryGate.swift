// How many queries run at once and how many wait for their turn: first come, first served, and
// nobody waits beyond his deadline.

internal import EventLoop
internal import Synchronization

/// Why a query was not let in.
enum GateRefusal: Error, Equatable {
    case tooManyWait
    case waitedTooLong
}

/// Lets a bounded number in. Any thread.
final class QueryGate: Sendable {
    private typealias Continuation = CheckedContinuation<GateRefusal?, Never>

    private struct State {
        /// Never below `runningMax` while somebody waits: a place is handed on, not given up.
        var running = 0
        /// Oldest first.
        var waiting: [(ticket: UInt64, continuation: Continuation)] = []
    }

    private enum Entry { case admitted, queued, refused }

    private let runningMax: Int
    private let waitingMax: Int
    private let state = Mutex(State())
    private let lastTicket = Atomic<UInt64>(0)

    init(runningMax: Int, waitingMax: Int) {
        precondition(runningMax > 0, "a gate that lets nobody in")
        self.runningMax = runningMax
        self.waitingMax = waitingMax
    }

    var runningCount: Int { state.withLock { $0.running } }
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns when the caller may run; it must then `leave`. `loop` keeps the time.
    func enter(
        until deadline: ContinuousClock.Instant, on loop: EventLoop
    ) async throws(GateRefusal) {
        let isFree = state.withLock { state in
            guard state.running < runningMax else { return false }
            state.running += 1
            return true
        }
        if isFree { return }
        let ticket = lastTicket.wrappingAdd(1, ordering: .relaxed).newValue
        let refusal = await withCheckedContinuation { (continuation: Continuation) in
            switch queue(ticket, continuation) {
            case .admitted: continuation.resume(returning: nil)
            case .refused: continuation.resume(returning: .tooManyWait)
            // The timer outlives its use by at most one deadline, and then finds nobody.
            case .queued: loop.schedule(after: deadline - .now) { [self] in expire(ticket) }
            }
        }
        if let refusal { throw refusal }
    }

    private func queue(_ ticket: UInt64, _ continuation: Continuation) -> Entry {
        state.withLock { state in
            if state.running < runningMax {
                state.running += 1
                return .admitted
            }
            guard state.waiting.count < waitingMax else { return .refused }
            state.waiting.append((ticket, continuation))
            return .queued
        }
    }

    private func expire(_ ticket: UInt64) {
        let late = state.withLock { state in
            state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0) }
        }
        late?.continuation.resume(returning: .waitedTooLong)
    }

    /// Makes room for the next.
    func leave() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil as Continuation?
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: nil)
    }
}
