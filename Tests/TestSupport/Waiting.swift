// Waiting on conditions, never on time alone.

public import Testing

/// Asks `condition` until it holds; records an issue and returns false at the deadline.
@discardableResult
public func eventually(
    within limit: Duration = .seconds(20), _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async -> Bool {
    let end = ContinuousClock.now + limit
    var last: (any Error)?
    repeat {
        do {
            if try await condition() { return true }
            last = nil
        } catch { last = error }
        try? await Task.sleep(for: .milliseconds(10))
    } while ContinuousClock.now < end
    let reason = last.map { ": \($0)" } ?? ""
    Issue.record("not within \(limit): \(what)\(reason)", sourceLocation: sourceLocation)
    return false
}
