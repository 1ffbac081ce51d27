// The way to the log: one producer, replaced when it has failed for good, and what is known of the
// topic's partitions.

internal import LogClient
internal import Logging
internal import Synchronization

/// Where a request's events go.
struct EventTopic: Sendable {
    let topic: ProducerTopic
    let partitionCount: Int32
}

/// Owns the producer. Any thread.
final class EventPublisher: Sendable {
    private struct State {
        var producer: LogProducer
        var topic: ProducerTopic
        var partitionCount: Int32?
        var isAsking = false
    }

    private let state: Mutex<State>
    private let configuration: LogProducerConfiguration
    private let logger: Logger
    private let deliveries: @Sendable ([Delivery]) -> Void
    /// One question to the log about its topics.
    private static let askTimeout = Duration.seconds(5)

    init(
        configuration: LogProducerConfiguration, logger: Logger,
        deliveries: @escaping @Sendable ([Delivery]) -> Void
    ) throws {
        self.configuration = configuration
        self.logger = logger
        self.deliveries = deliveries
        let producer = try LogProducer(
            configuration: configuration, logger: logger, deliveries: deliveries)
        state = Mutex(
            State(producer: producer, topic: try producer.topic(MillraceTopics.events)))
    }

    /// Where to publish now; nil while the log has not told how many partitions there are, about
    /// which it is being asked then.
    func current() -> EventTopic? {
        let (topic, count, mustAsk, failed) = state.withLock { state in
            let failed = replaceIfFailed(&state)
            let mustAsk = state.partitionCount == nil && !state.isAsking
            if mustAsk { state.isAsking = true }
            return (state.topic, state.partitionCount, mustAsk, failed)
        }
        if let failed { retire(failed) }
        // Bounded by its timeout; whoever needs the answer asks again.
        if mustAsk { Task { await self.askAndReport(topic) } }
        return count.map { EventTopic(topic: topic, partitionCount: $0) }
    }

    /// Waits until it is known how many partitions there are.
    func waitUntilReady(timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            do {
                return try await ask(state.withLock { $0.topic })
            } catch let error as LogError where error.isRetriable && ContinuousClock.now < deadline
            {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func askAndReport(_ topic: ProducerTopic) async {
        do { try await ask(topic) } catch {
            logger.warning("events topic cannot be looked up", metadata: ["error": "\(error)"])
        }
    }

    private func ask(_ topic: ProducerTopic) async throws {
        do {
            let count = try await topic.refreshPartitionCount(timeout: Self.askTimeout)
            state.withLock { state in
                state.partitionCount = count
                state.isAsking = false
            }
        } catch {
            state.withLock { $0.isAsking = false }
            throw error
        }
    }

    /// The partitions are not what they were.
    func forgetPartitions() { state.withLock { $0.partitionCount = nil } }

    /// A producer that has failed for good is left to report its failures; another takes its place.
    private func replaceIfFailed(_ state: inout State) -> LogProducer? {
        guard let error = state.producer.fatalError else { return nil }
        do {
            let producer = try LogProducer(
                configuration: configuration, logger: logger, deliveries: deliveries)
            let topic = try producer.topic(MillraceTopics.events)
            let failed = state.producer
            state.producer = producer
            state.topic = topic
            logger.error("producer replaced", metadata: ["error": "\(error)"])
            return failed
        } catch let second {
            logger.error("producer cannot be replaced", metadata: ["error": "\(second)"])
            return nil
        }
    }

    private func retire(_ producer: LogProducer) {
        // Ends by itself: what a failed producer held is reported at once.
        Task {
            _ = await producer.flush(timeout: configuration.deliveryTimeout)
            await producer.close()
        }
    }

    /// Waits until nothing waits in the producer any more, or for `timeout`.
    func flush(timeout: Duration) async {
        let producer = state.withLock { $0.producer }
        _ = await producer.flush(timeout: timeout)
    }

    /// Fails what still waits.
    func close() async {
        let producer = state.withLock { $0.producer }
        await producer.close()
    }
}
