// Failed handshakes and wrong passwords in the log, without letting whoever causes them fill it.

internal import Logging
internal import Synchronization

/// At most one line a second; the next one says how many there were in between. Any thread.
final class SecurityLog: Sendable {
    private static let intervalMilliseconds: UInt64 = 1000
    private let state = Mutex<(next: UInt64, skipped: Int)>((0, 0))
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// `now` is the time of any loop: they agree well enough.
    func note(
        _ message: Logger.Message, now: UInt64, _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        let skipped = state.withLock { state -> Int? in
            guard now >= state.next else {
                state.skipped += 1
                return nil
            }
            defer { state = (now + Self.intervalMilliseconds, 0) }
            return state.skipped
        }
        guard let skipped else { return }
        var metadata = metadata()
        if skipped > 0 { metadata[LogKeys.skippedLines] = "\(skipped)" }
        logger.notice(message, metadata: metadata)
    }
}
