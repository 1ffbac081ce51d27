// Puts progress where people look, not more often than they can read.

internal import Synchronization

/// Draws one line again and again on a terminal; elsewhere writes a plain line now and then.
package final class ProgressPrinter: Sendable {
    private struct State {
        var last: Duration?
        /// What was written last, without its line end.
        var text = ""
    }

    private let line: ProgressLine
    private let columns: (@Sendable () -> Int)?
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// `columns` is asked for the terminal's width before each drawing; nil where there is none.
    /// `write` gets what is to be put out, line ends and all.
    package init(
        name: String, columns: (@Sendable () -> Int)?, write: @escaping @Sendable (String) -> Void
    ) {
        line = ProgressLine(name: name)
        self.columns = columns
        self.write = write
    }

    /// Shows the progress if the last showing is long enough ago. Any thread.
    package func show(_ progress: ImportProgress) {
        // A choice: a terminal ten times a second, a file every two seconds.
        let interval = Duration.milliseconds(columns == nil ? 2000 : 100)
        let isDue = state.withLock { state in
            if let last = state.last, progress.elapsed - last < interval { return false }
            state.last = progress.elapsed
            return true
        }
        if isDue { put(progress, end: columns == nil ? "\n" : "") }
    }

    /// Shows the last state and ends the line.
    package func finish(_ progress: ImportProgress) {
        var progress = progress
        // It is over; what was waited for is said elsewhere.
        progress.trouble = nil
        if columns != nil || state.withLock({ $0.last != nil }) { put(progress, end: "\n") }
    }

    private func put(_ progress: ImportProgress, end: String) {
        guard let columns else {
            // The last state may have been shown already.
            let text = line.plain(progress)
            let isNew = state.withLock { state in
                defer { state.text = text }
                return state.text != text
            }
            if isNew { write(text + end) }
            return
        }
        // Return, then the line, then what is left of a longer one is cleared.
        write("\r\(line.drawn(progress, columns: columns()))\u{1B}[K\(end)")
    }
}
