// SIGTERM and SIGINT as an orderly end of what a command does.

import UnixSignals

/// How a body ended that a signal may interrupt.
enum BodyEnd {
    case finished
    /// A signal came, and the body has ended because of it.
    case interrupted
}

/// Runs `body` until it is done. The first SIGTERM or SIGINT calls `onSignal` and cancels it if
/// `cancels` says so; either way the body is awaited. What it throws then is not an error.
func untilSignal(
    cancels: Bool = true, onSignal: @escaping @Sendable () -> Void = {},
    _ body: @escaping @Sendable () async throws -> Void
) async throws -> BodyEnd {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    return try await withThrowingTaskGroup(of: BodyEnd.self) { group in
        group.addTask {
            for await _ in signals { break }
            return .interrupted
        }
        group.addTask {
            try await body()
            return .finished
        }
        let first = try await group.next()
        guard case .interrupted? = first else {
            group.cancelAll()
            return .finished
        }
        onSignal()
        if cancels { group.cancelAll() }
        do { _ = try await group.next() } catch {
            // The body was told to end; how it says so does not matter.
            guard cancels else { throw error }
        }
        return .interrupted
    }
}

/// Returns when the task is cancelled.
func untilCancelled() async {
    let (stream, _) = AsyncStream<Never>.makeStream()
    for await _ in stream {}
}
