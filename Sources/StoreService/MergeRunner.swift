// Runs the store's merges on a thread of their own: woken by every batch, quiet after a failure.

internal import Base
internal import EventLoop
internal import EventStore
internal import Logging
internal import Model
internal import Synchronization

/// The merging thread of a node.
final class MergeRunner: Sendable {
    /// Rest after a failed merge: a full disk does not empty faster by asking. A choice.
    private static let restNanoseconds: UInt64 = 5_000_000_000

    private let store: EventStore
    private let health: StoreHealth
    private let logger: Logger
    private let pool: BlockingPool
    /// `monotonicNanoseconds` before which no merge is tried.
    private let restsUntil = Atomic<UInt64>(0)
    private let isStopping = Atomic(false)
    /// How often old events are looked for; what is hidden is so by whole hours. A choice.
    private static let retentionNanoseconds: UInt64 = 60_000_000_000
    private let nextRetention = Atomic<UInt64>(0)

    init(_ store: EventStore, health: StoreHealth, logger: Logger) throws {
        self.store = store
        self.health = health
        self.logger = logger
        pool = try BlockingPool(name: "merge", threads: 1, queueMax: 1)
    }

    /// Merges what is due, soon. Any thread; costs little when a merge is already waiting.
    func wake() {
        guard monotonicNanoseconds() >= restsUntil.load(ordering: .relaxed) else { return }
        // Refused means that one round is running and the next is queued: that one will see
        // everything there is now.
        _ = pool.submit { [self] in merge() }
    }

    private func merge() {
        do {
            let now = monotonicNanoseconds()
            if now >= nextRetention.load(ordering: .relaxed) {
                nextRetention.store(now + Self.retentionNanoseconds, ordering: .relaxed)
                try store.applyRetention(now: Timestamp(milliseconds: wallClockMilliseconds()))
            }
            while !isStopping.load(ordering: .relaxed) {
                let report = try health.watch(.merging) { try store.mergeOnce() }
                if report.isEmpty { return }
                logger.debug(
                    "merged",
                    metadata: [
                        LogKeys.sealedBlockCount: "\(report.sealedBlocks)",
                        LogKeys.sealedRowCount: "\(report.sealedRows)",
                        LogKeys.compactedBlockCount: "\(report.compactedBlocks)",
                    ])
            }
        } catch {
            restsUntil.store(
                monotonicNanoseconds() + Self.restNanoseconds, ordering: .relaxed)
            logger.error("merging failed", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    /// Ends after the merge that is running.
    func shutdown() async {
        isStopping.store(true, ordering: .relaxed)
        await pool.shutdown()
    }
}
