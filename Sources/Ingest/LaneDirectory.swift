// The lanes of all loops, and the way back to them: delivery reports arrive on the producer's
// thread and are handed to each loop a batch at a time.

internal import EventLoop
internal import LogClient
internal import Logging
internal import Synchronization

/// Finds lanes. Any thread.
final class LaneDirectory: Sendable {
    private struct State {
        var lanes: [IngestLane] = []
        /// Makes the ids of every lane differ.
        var random = SystemRandomNumberGenerator()
    }

    private let state = Mutex(State())
    private let budget: IngestBudget
    private let metrics: IngestMetrics
    private let logger: Logger

    init(budget: IngestBudget, metrics: IngestMetrics, logger: Logger) {
        self.budget = budget
        self.metrics = metrics
        self.logger = logger
    }

    /// The lane of a loop, made when the loop's first request comes.
    func lane(of loop: EventLoop) -> IngestLane {
        state.withLock { state in
            if let lane = state.lanes.first(where: { $0.loop === loop }) { return lane }
            let lane = IngestLane(
                number: state.lanes.count, loop: loop, budget: budget, metrics: metrics,
                seed: state.random.next())
            state.lanes.append(lane)
            return lane
        }
    }

    /// Hands reports to the lanes whose events they are about. Runs on the producer's thread.
    func settle(_ deliveries: [Delivery]) {
        let lanes = state.withLock { $0.lanes }
        var reports = [[EventReport]](repeating: [], count: lanes.count)
        var failedCount = 0
        var firstError: LogError?
        for delivery in deliveries {
            let token = EventToken(raw: delivery.token)
            if let error = delivery.error {
                failedCount += 1
                firstError = firstError ?? error
            }
            reports[token.lane].append(
                EventReport(
                    slot: token.slot, event: token.event, isDelivered: delivery.error == nil))
        }
        if let firstError {
            logger.warning(
                "events not delivered",
                metadata: ["event.count": "\(failedCount)", "error": "\(firstError)"])
        }
        for (lane, reports) in zip(lanes, reports) where !reports.isEmpty {
            lane.loop.execute { lane.settle(reports) }
        }
    }
}
