// Threads for calls that block: row store, fsync, flush. A loop must never wait for a disk, and the
// cooperative pool of Swift has only as many threads as there are processors.

internal import Base
internal import Glibc

/// Dedicated threads with one bounded queue.
@safe package final class BlockingPool: @unchecked Sendable {
    private let name: String
    private let queueMax: Int
    // Everything below is guarded by `mutex`; a condition variable needs a pthread one.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Calls that have begun are nil, so that what they hold does not outlive them here.
    private var queue: [(@Sendable () -> Void)?] = []
    private var head = 0
    private var threadsLeft: Int
    private var isClosing = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// Starts the threads. At most `queueMax` calls wait for one.
    package init(name: String, threads: Int, queueMax: Int) throws {
        precondition(threads > 0 && queueMax > 0, "a pool that could never run anything")
        self.name = name
        self.queueMax = queueMax
        threadsLeft = threads
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(arrival, nil)
        for _ in 0..<threads { try startThread("pool \(name)") { self.work() } }
    }

    deinit {
        // The threads hold the pool, so they have ended.
        unsafe pthread_cond_destroy(arrival)
        unsafe pthread_mutex_destroy(mutex)
        unsafe arrival.deallocate()
        unsafe mutex.deallocate()
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Queues `body`; false if the queue is full or the pool is shut down. Any thread, never waits.
    package func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        locked {
            guard !isClosing, queue.count - head < queueMax else { return false }
            queue.append(body)
            unsafe pthread_cond_signal(arrival)
            return true
        }
    }

    /// Runs `body` on a thread of the pool and awaits it. Throws `.backpressure` when the queue is
    /// full, `.shutDown` after `shutdown`. Once begun it is not cancelled.
    package func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = submit { continuation.resume(with: Swift.Result { try body() }) }
            if !accepted { continuation.resume(throwing: refusal) }
        }
    }

    private var refusal: NetworkError {
        locked { isClosing }
            ? NetworkError(.shutDown, "pool \(name) has been shut down")
            : NetworkError(.backpressure, "pool \(name) has \(queueMax) calls waiting")
    }

    private func work() {
        nameCurrentThread(name)
        while let body = next() { body() }
        let waiters = locked {
            threadsLeft -= 1
            return threadsLeft == 0 ? self.waiters : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for the next call; nil when the pool is shut down and its queue is empty.
    private func next() -> (@Sendable () -> Void)? {
        locked {
            while head == queue.count {
                if isClosing { return nil }
                unsafe pthread_cond_wait(arrival, mutex)
            }
            let body = queue[head]
            queue[head] = nil
            head += 1
            if head == queue.count || head > queueMax {
                queue.removeFirst(head)
                head = 0
            }
            return body
        }
    }

    /// Lets the queued calls finish, then ends the threads.
    package func shutdown() async {
        await withCheckedContinuation { continuation in
            let hasEnded = locked {
                isClosing = true
                unsafe pthread_cond_broadcast(arrival)
                if threadsLeft > 0 { waiters.append(continuation) }
                return threadsLeft == 0
            }
            if hasEnded { continuation.resume() }
        }
    }
}
