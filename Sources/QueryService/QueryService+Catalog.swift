// Changes of the catalog, whatever is changed: written to the log, and seen by this server before
// its client has the answer.

internal import Catalog
internal import LogClient
internal import Model
internal import Query

extension QueryService {
    func publish(_ record: CatalogRecord) async throws {
        guard let publish = configuration.publish else {
            throw QueryError(.notSupported, "this server cannot write to the log")
        }
        do { try await publish(record) } catch let error as LogError {
            throw QueryFailure.logUnavailable("\(error)")
        }
    }

    /// The log has the change; whoever asks this server next shall see it. A log that is slow to
    /// give it back must not make a client wait for ever.
    func untilKnown(_ isKnown: (CatalogState) -> Bool) async {
        let deadline = ContinuousClock.now + Self.knownPatience
        while !Task.isCancelled, ContinuousClock.now < deadline {
            if let state = try? catalogState(), isKnown(state) { return }
            // Cancelled: the loop's condition says so.
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private static let knownPatience = Duration.seconds(5)

    /// Now; a later change is told from an earlier one even within a millisecond.
    func later(than before: Timestamp?) -> Timestamp {
        let now = configuration.now()
        guard let before else { return now }
        return max(now, Timestamp(milliseconds: before.milliseconds + 1))
    }
}
