// Writes one control record into every partition of the events' topic: what a delete is. Such calls
// are rare, so each has a producer of its own, whose delivery timeout is the caller's: when a call
// has returned nothing of it is still on its way.

package import Logging
package import Model

/// Publishes control records.
package struct ControlPublisher: Sendable {
    private let connection: LogConnection
    private let logger: Logger

    package init(connection: LogConnection, logger: Logger) {
        self.connection = connection
        self.logger = logger
    }

    /// Returns the offsets after the records, a partition each, when the log has them all. Throws a
    /// `LogError`; some partitions may have the record then, and doing it again is harmless.
    package func publish(
        _ control: CollectionControl, partitionCount: Int32, timeout: Duration
    ) async throws -> [ShardID: Int64] {
        var configuration = LogProducerConfiguration(connection: connection)
        configuration.deliveryTimeout = timeout
        let producer = try LogProducer(configuration: configuration, logger: logger)
        do {
            let topic = try producer.topic(MillraceTopics.events)
            let key = Array(control.collection.description.utf8)
            let offsets = try await withThrowingTaskGroup(of: PartitionOffset.self) { group in
                for partition in 0..<partitionCount {
                    group.addTask {
                        try await topic.publish(
                            partition: partition, key: key, value: control.bytes)
                    }
                }
                var offsets: [ShardID: Int64] = [:]
                for try await place in group {
                    offsets[ShardID(place.partition)] = place.offset + 1
                }
                return offsets
            }
            await producer.close()
            return offsets
        } catch {
            await producer.close()
            throw error
        }
    }
}
