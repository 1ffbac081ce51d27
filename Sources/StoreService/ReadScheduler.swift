// Runs reads on a node's scan threads, a turn at a time. A turn is one block, or a few milliseconds
// of small ones; whoever is not done queues again (TurnQueue says who is next).

internal import Base
internal import EventLoop
internal import Synchronization

/// Time that one read has had on all threads.
final class ReadClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(0)

    var spent: UInt64 { nanoseconds.load(ordering: .relaxed) }
    func add(_ more: UInt64) { nanoseconds.add(more, ordering: .relaxed) }
}

/// The scan threads. Any thread.
final class ReadScheduler: Sendable {
    /// Does a part of the work; false when there is none left.
    typealias Step = @Sendable () -> Bool

    private struct Turn {
        var clock: ReadClock
        var step: Step
    }

    private struct State {
        var queue = TurnQueue<Turn>()
        var runningCount = 0
        var isClosing = false
    }

    /// How long steps follow each other before others get their turn. A choice: far below what a
    /// person notices, far above what a change of turns costs.
    private static let turnNanoseconds: UInt64 = 2_000_000

    private let threadCount: Int
    private let queueMax: Int
    private let pool: BlockingPool
    private let state = Mutex(State())

    /// At most `queueMax` reads wait that have not begun.
    init(name: String, threads: Int, queueMax: Int) throws {
        threadCount = threads
        self.queueMax = queueMax
        pool = try BlockingPool(name: name, threads: threads, queueMax: threads)
    }

    /// Queues a read that has not begun, or a further thread's part of one; false if too many wait.
    func submit(_ clock: ReadClock, _ step: @escaping Step) -> Bool {
        let accepted = state.withLock { state in
            guard !state.isClosing, state.queue.count < queueMax else { return false }
            state.queue.add(Turn(clock: clock, step: step), spent: clock.spent)
            return true
        }
        if accepted { startThread() }
        return accepted
    }

    /// The same for a read that is done in one step.
    func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        submit(ReadClock()) {
            body()
            return false
        }
    }

    /// Lets what has been queued finish, then ends the threads.
    func shutdown() async {
        state.withLock { $0.isClosing = true }
        await pool.shutdown()
    }

    private func startThread() {
        let isWanted = state.withLock { state in
            guard state.runningCount < threadCount, !state.queue.isEmpty else { return false }
            state.runningCount += 1
            return true
        }
        guard isWanted else { return }
        // The pool has room for all threads. It refuses only when it is shut down, and then those
        // that run see to the rest.
        if !pool.submit({ [self] in work() }) { state.withLock { $0.runningCount -= 1 } }
    }

    private func work() {
        while let turn = next() { run(turn) }
    }

    /// The next turn; nil when nobody waits, and then this thread no longer counts as running.
    private func next() -> Turn? {
        state.withLock { state in
            if let turn = state.queue.take() { return turn }
            state.runningCount -= 1
            return nil
        }
    }

    private func run(_ turn: Turn) {
        let began = monotonicNanoseconds()
        var now = began
        repeat {
            guard turn.step() else { return }
            now = monotonicNanoseconds()
        } while now - began < Self.turnNanoseconds
        turn.clock.add(now - began)
        state.withLock { $0.queue.add(turn, spent: turn.clock.spent) }
    }
}
