// Puts progress where people look, not more often than they can read.

internal import Synchronization

/// Draws one line again and again on a terminal; elsewhere writes a plain line now and then.
package final class ProgressPrinter: Sendable {
    private struct State {
        var last: Duration?
        var isDrawn = false
    }

    private let line: ProgressLine
    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// `write` gets what is to be put out, line ends and all.
    package init(name: String, isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
        line = ProgressLine(name: name)
        self.isTerminal = isTerminal
        self.write = write
    }

    /// Shows the progress if the last showing is long enough ago. Any thread.
    package func show(_ progress: ImportProgress) {
        // A choice: a terminal ten times a second, a file every two seconds.
        let interval = Duration.milliseconds(isTerminal ? 100 : 2000)
        let isDue = state.withLock { state in
            if let last = state.last, progress.elapsed - last < interval { return false }
            state.last = progress.elapsed
            state.isDrawn = true
            return true
        }
        guard isDue else { return }
        // Return, then the line, then what is left of a longer one is cleared.
        write(isTerminal ? "\r\(line.drawn(progress))\u{1B}[K" : line.plain(progress) + "\n")
    }

    /// Shows the last state and ends the line.
    package func finish(_ progress: ImportProgress) {
        let isDrawn = state.withLock { $0.isDrawn }
        if isTerminal {
            write("\r\(line.drawn(progress))\u{1B}[K\n")
        } else if isDrawn {
            write(line.plain(progress) + "\n")
        }
    }
}
