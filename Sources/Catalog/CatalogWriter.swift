// Changes the catalog. Changes are rare, so each has a producer of its own, whose delivery timeout
// is the caller's: when a call has returned nothing of it is still on its way.

package import LogClient
package import Logging
package import Model

/// Publishes catalog records.
package struct CatalogWriter: Sendable {
    private let connection: LogConnection
    private let logger: Logger

    /// Throws a `LogError` if the connection's properties are wrong; it connects only when needed.
    package init(connection: LogConnection, logger: Logger) throws {
        self.connection = connection
        self.logger = logger
        _ = try LogProducer(configuration: .init(connection: connection), logger: logger)
    }

    /// Adds a project or replaces the one of that id; returns when the log has it on all replicas.
    /// Throws a `LogError` if it has not within `timeout`.
    package func put(_ project: Project, timeout: Duration) async throws {
        try await publish(CatalogKey.project(project.id).bytes, project.encoded, timeout)
    }

    /// Takes a project out of the catalog; its events stay where they are.
    package func remove(_ id: ProjectID, timeout: Duration) async throws {
        try await publish(CatalogKey.project(id).bytes, nil, timeout)
    }

    /// Makes a change; returns when the log has it. Throws a `LogError` if it has not within
    /// `timeout`.
    package func publish(_ record: CatalogRecord, timeout: Duration) async throws {
        try await publish(record.key, record.value, timeout)
    }

    /// Releases what is held. Every call above has ended its own producer already.
    package func close() async {}

    private func publish(_ key: [UInt8], _ value: [UInt8]?, _ timeout: Duration) async throws {
        var configuration = LogProducerConfiguration(connection: connection)
        configuration.deliveryTimeout = timeout
        // Putting a record twice changes nothing, and an idempotent producer takes longer to start.
        configuration.connection.properties["enable.idempotence"] = "false"
        let producer = try LogProducer(configuration: configuration, logger: logger)
        do {
            let topic = try producer.topic(MillraceTopics.catalog)
            _ = try await topic.publish(partition: 0, key: key, value: value)
        } catch {
            await producer.close()
            throw error
        }
        await producer.close()
    }
}
