// The account of an import that several deliveries write into: the state file, the file of rejected
// lines, the totals, and the first failure.

internal import Base
internal import Synchronization

/// Guarded by one lock; files are written while it is held, so that they never disagree.
final class ImportLedger: Sendable {
    private struct Content {
        /// Nil where nothing can be resumed: standard input.
        var state: ImportState?
        var rejectedFile: RejectedFile
        var totals = ImportTotals()
        var failure: ImportError?
        var trouble: String?
    }

    private let content: Mutex<Content>
    private let stateFile: ImportStateFile?

    /// Opens the account; goes on with one that is there.
    init(stateFile: ImportStateFile?, identity: ImportIdentity?, rejectedPath: String) throws {
        self.stateFile = stateFile
        var state: ImportState?
        if let stateFile, let identity { state = try stateFile.load(identity) }
        let file = RejectedFile(
            path: rejectedPath, appends: state.map { !$0.done.ranges.isEmpty } ?? false)
        content = Mutex(Content(state: state, rejectedFile: file))
    }

    /// The state as it is now.
    var state: ImportState? { content.withLock { $0.state } }
    var totals: ImportTotals { content.withLock { $0.totals } }
    var failure: ImportError? { content.withLock { $0.failure } }

    /// Why events wait to be sent again, until the next batch is through.
    var trouble: String? { content.withLock { $0.trouble } }

    func note(trouble: String) { content.withLock { $0.trouble = trouble } }

    /// Notes a failure; the first one counts.
    func fail(_ error: ImportError) {
        content.withLock { content in content.failure = content.failure ?? error }
    }

    /// Notes what became of a batch. Lines are recorded as done after their rejection is on disk.
    func record(_ batch: ImportBatch, _ result: DeliveryResult) {
        let rejected = (batch.rejected + result.rejected).sorted { $0.line < $1.line }
        let events = batch.eventCount - result.unsent.count - result.rejected.count
        content.withLock { content in
            do {
                try content.rejectedFile.append(rejected)
                content.totals.events += Int64(events)
                content.totals.rejected += Int64(rejected.count)
                if result.failure == nil {
                    content.totals.position = max(content.totals.position, batch.position)
                    content.trouble = nil
                }
                content.failure = content.failure ?? result.failure
                content.state?.finish(
                    Self.done(batch, result), events: events, rejected: rejected.count)
                if let state = content.state { try stateFile?.save(state) }
            } catch {
                content.failure =
                    content.failure ?? (error as? ImportError) ?? ImportError(.state, "\(error)")
            }
        }
    }

    /// The whole batch, or of one that failed the single lines.
    private static func done(_ batch: ImportBatch, _ result: DeliveryResult) -> [Range<Int>] {
        guard result.failure != nil else { return [batch.lines] }
        let sent = batch.eventLines.enumerated().filter { !result.unsent.contains($0.offset) }
        return (sent.map(\.element) + batch.rejected.map(\.line)).map { $0..<$0 + 1 }
    }

    /// Every line is done: the state goes, or is kept to say so.
    func complete(keepsState: Bool) {
        content.withLock { content in
            guard keepsState, var state = content.state else {
                stateFile?.remove()
                return
            }
            state.isComplete = true
            content.state = state
            do { try stateFile?.save(state) } catch {
                content.failure = (error as? ImportError) ?? ImportError(.state, "\(error)")
            }
        }
    }
}

/// What one run has done so far.
package struct ImportTotals: Sendable, Equatable {
    /// Acknowledged.
    package var events: Int64 = 0
    package var rejected: Int64 = 0
    /// Bytes of the file, as it lies on the disk, up to the latest acknowledged batch.
    package var position: Int64 = 0

    package init() {}
}
