// How much may wait for the log at one time, over all loops of the process.

internal import Metrics
internal import Synchronization

/// Counts events and bytes of requests that wait. Any thread.
final class IngestBudget: Sendable {
    /// Whether a request may publish its events.
    enum Answer: Sendable { case granted, full, closed }

    let eventsMax: Int
    let bytesMax: Int
    // All in one order: whoever closes and then sees nothing waiting knows that nothing will.
    private let waitingEvents = Atomic(0)
    private let waitingBytes = Atomic(0)
    private let isClosed = Atomic(false)
    private let metrics: IngestMetrics

    init(eventsMax: Int, bytesMax: Int, metrics: IngestMetrics) {
        self.eventsMax = eventsMax
        self.bytesMax = bytesMax
        self.metrics = metrics
    }

    /// Events that wait now.
    var events: Int { waitingEvents.load(ordering: .sequentiallyConsistent) }

    /// Grants nothing any more.
    func close() { isClosed.store(true, ordering: .sequentiallyConsistent) }

    /// Takes room for a request. Nothing is taken unless it is granted.
    func reserve(events: Int, bytes: Int) -> Answer {
        let allEvents = waitingEvents.add(events, ordering: .sequentiallyConsistent).newValue
        let allBytes = waitingBytes.add(bytes, ordering: .sequentiallyConsistent).newValue
        guard !isClosed.load(ordering: .sequentiallyConsistent) else {
            release(events: events, bytes: bytes)
            return .closed
        }
        guard allEvents <= eventsMax, allBytes <= bytesMax else {
            release(events: events, bytes: bytes)
            metrics.full.increment()
            return .full
        }
        metrics.waitingEvents.set(allEvents)
        metrics.waitingBytes.set(allBytes)
        return .granted
    }

    /// Gives the room of a request back.
    func release(events: Int, bytes: Int) {
        let allEvents = waitingEvents.subtract(events, ordering: .sequentiallyConsistent).newValue
        let allBytes = waitingBytes.subtract(bytes, ordering: .sequentiallyConsistent).newValue
        metrics.waitingEvents.set(allEvents)
        metrics.waitingBytes.set(allBytes)
    }
}
