// Threads for librdkafka: one that serves a client's event queue, and short-lived ones for the
// rare calls that block (flush, metadata, seek). Neither may run on a loop or the shared pool.

internal import Base
internal import Glibc
internal import Synchronization

/// A detached thread that runs one body to its end.
final class DedicatedThread: Sendable {
    private struct State {
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Starts the thread.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        let work = Work {
            nameCurrentThread(name)
            body()
            self.finish()
        }
        let context = unsafe Unmanaged.passRetained(work).toOpaque()
        var thread = pthread_t()
        // The retain above is taken back exactly once, by the thread that starts here.
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, context)
        guard result == 0 else { fatal(.system, "no thread for \(name): error \(result)") }
        pthread_detach(thread)
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the body has returned.
    func finished() async {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }
}

/// Runs a call that blocks on a thread of its own. For calls that are rare: each costs a thread.
func runBlocking<Value: Sendable>(
    _ body: @escaping @Sendable () -> Result<Value, LogError>
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        _ = DedicatedThread(name: "log-call") {
            switch body() {
            case .success(let value): continuation.resume(returning: value)
            case .failure(let error): continuation.resume(throwing: error)
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds for C, at least 1 and at most an hour.
    var timeoutMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 3600 else { return 3_600_000 }
        return max(Int32(seconds) * 1000 + Int32(attoseconds / 1_000_000_000_000_000), 1)
    }
}
