// Whether the disk takes writes: what /readyz says of a store.

internal import EventStore
internal import Synchronization

/// Watches the work that writes. Any thread.
final class StoreHealth: Sendable {
    enum Work: String, Sendable {
        case applying, merging
    }

    private let failures = Mutex<[Work: String]>([:])
    private let report: @Sendable (String?) -> Void

    /// `report` gets the reason when work begins to fail for the disk, nil when all is well again.
    init(_ report: @escaping @Sendable (String?) -> Void) { self.report = report }

    /// Runs `body` and notes whether the disk made it fail. Other failures say nothing of the disk.
    func watch<Result>(_ work: Work, _ body: () throws -> Result) throws -> Result {
        do {
            let result = try body()
            set(work, nil)
            return result
        } catch let error as EventStoreError {
            if error.code == .disk { set(work, error.message) }
            throw error
        }
    }

    private func set(_ work: Work, _ reason: String?) {
        failures.withLock { failures in
            guard failures[work] != reason else { return }
            failures[work] = reason
            let reasons = failures.map { "\($0.key.rawValue): \($0.value)" }.sorted()
            // Under the lock, so that the last report is the last state.
            report(reasons.isEmpty ? nil : reasons.joined(separator: "; "))
        }
    }
}
