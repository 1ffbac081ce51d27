// The topic of dead letters: made when the first one comes, with as many partitions as the topic of
// events has, and written through a producer of its own.

internal import Base
package import LogClient
package import Logging
internal import Synchronization

/// Writes dead letters to a topic.
package final class DeadLetterTopic: DeadLetterSink, Sendable {
    /// How long the log may take for one question.
    private static let timeout = Duration.seconds(5)

    private struct Open: Sendable {
        let producer: LogProducer
        let topic: ProducerTopic
        let partitions: Int32
    }

    private let name: String
    private let source: String
    private let connection: LogConnection
    private let logger: Logger
    private let open = Mutex<Open?>(nil)

    /// `source` is the topic whose records may be dead.
    package init(name: String, source: String, connection: LogConnection, logger: Logger) {
        self.name = name
        self.source = source
        self.connection = connection
        self.logger = logger
    }

    package func write(
        _ letters: [DeadLetter], attempt: Int
    ) async throws -> [FailedLetter] {
        let open: Open
        do { open = try await opened() } catch let error as LogError {
            return letters.map { FailedLetter(letter: $0, error: error) }
        }
        return await withTaskGroup(of: FailedLetter?.self) { group in
            for letter in letters {
                // Another partition each time: one without a leader holds up nobody.
                let number = (Int(letter.record.partition) + attempt) % Int(open.partitions)
                group.addTask { await Self.publish(letter, to: open.topic, Int32(number)) }
            }
            var failed: [FailedLetter] = []
            for await one in group { if let one { failed.append(one) } }
            return failed
        }
    }

    private static func publish(
        _ letter: DeadLetter, to topic: ProducerTopic, _ partition: Int32
    ) async -> FailedLetter? {
        let record = letter.record
        let value = record.isTombstone ? nil : record.value
        do {
            try await publish(record.key, value, letter.headers, to: topic, partition)
            return nil
        } catch {
            guard error.isTooLarge else { return FailedLetter(letter: letter, error: error) }
        }
        let size = LogHeader(DeadLetterHeaders.valueBytes, String(record.value.count))
        do {
            try await publish(record.key, nil, letter.headers + [size], to: topic, partition)
            return nil
        } catch { return FailedLetter(letter: letter, error: error) }
    }

    private static func publish(
        _ key: [UInt8], _ value: [UInt8]?, _ headers: [LogHeader], to topic: ProducerTopic,
        _ partition: Int32
    ) async throws(LogError) {
        do {
            _ = try await topic.publish(
                partition: partition, key: key, value: value, headers: headers)
        } catch let error as LogError { throw error } catch {
            preconditionFailure("publishing fails with a LogError")
        }
    }

    /// Ends the producer. What is not delivered by then has not been reported as written.
    package func close() async {
        let last = open.withLock { $0 }
        await last?.producer.close()
    }

    private func opened() async throws -> Open {
        if let open = open.withLock({ $0 }) { return open }
        let admin = try LogAdmin(connection: connection, logger: logger)
        let topics = try await admin.topics(timeout: Self.timeout)
        let source = topics.first { $0.name == self.source }?.partitions ?? []
        let known = topics.first { $0.name == name }?.partitions.count ?? 0
        if known == 0 {
            try await admin.createTopic(
                name, partitions: Int32(clamping: max(source.count, 1)),
                replication: Int32(clamping: max(source.first?.replicas.count ?? 1, 1)),
                settings: ["max.message.bytes": String(Limits.deadLetterBytesMax)],
                timeout: Self.timeout)
            logger.notice("made the topic of dead letters", metadata: [LogKeys.topic: "\(name)"])
        }
        var configuration = LogProducerConfiguration(connection: connection)
        configuration.connection.properties["message.max.bytes"] =
            String(Limits.deadLetterBytesMax)
        configuration.bufferedBytesMax = Limits.deadLetterBufferBytesMax
        let producer = try LogProducer(configuration: configuration, logger: logger)
        let new = Open(
            producer: producer, topic: try producer.topic(name),
            partitions: Int32(clamping: known > 0 ? known : max(source.count, 1)))
        // Two partitions may have come here at once; the producer of the second goes unused.
        return open.withLock { known in
            if let known { return known }
            known = new
            return new
        }
    }
}
