// Answers that may be given again: of ad-hoc queries whose callers said how old one may be, and of
// cached queries. Bounded; those not used for longest go first. In memory only.

internal import Base
internal import Model
internal import Synchronization

/// Keeps answers under keys. Any thread.
final class ResultCache: Sendable {
    struct Entry: Sendable {
        /// JSON.
        var body: [UInt8]
        /// When the run began that gave it.
        var made: Timestamp
    }

    fileprivate struct State {
        var entries: [String: (entry: Entry, lastUse: UInt64)] = [:]
        var byteCount = 0
        var useCount: UInt64 = 0
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let bytesMax: Int

    init(countMax: Int = Limits.resultsKeptMax, bytesMax: Int = Limits.resultsKeptBytesMax) {
        self.countMax = countMax
        self.bytesMax = bytesMax
    }

    /// What is kept under a key.
    func entry(_ key: String) -> Entry? {
        state.withLock { state in
            guard let found = state.entries[key] else { return nil }
            state.useCount += 1
            state.entries[key]?.lastUse = state.useCount
            return found.entry
        }
    }

    /// Keeps an answer in place of an earlier one, unless it is too large.
    func put(_ entry: Entry, _ key: String) {
        state.withLock { state in
            state.remove(key)
            guard entry.body.count <= min(Limits.resultKeptBytesMax, bytesMax) else { return }
            state.useCount += 1
            state.entries[key] = (entry, state.useCount)
            state.byteCount += entry.body.count
            while state.entries.count > countMax || state.byteCount > bytesMax {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
                else { return }
                state.remove(oldest.key)
            }
        }
    }

    func remove(_ key: String) { state.withLock { $0.remove(key) } }

    var count: Int { state.withLock { $0.entries.count } }
}

extension ResultCache.State {
    fileprivate mutating func remove(_ key: String) {
        guard let removed = entries.removeValue(forKey: key) else { return }
        byteCount -= removed.entry.body.count
    }
}
