// A reading's numbers from the log and the stores, asked as any Kafka tool would.

internal import Base
package import Lag
package import LogClient
package import Logging
internal import Model
package import RPC
internal import Wire

/// Asks a log, and storage nodes if there are any.
package struct LogLagSource: LagSource {
    private let admin: LogAdmin
    private let stores: [StoreClient]
    private let appendTimes: AppendTimeClient?
    private let timeout: Duration

    /// Ages are asked of `appendTimes`, if there is such a thing: only `millrace-log` has it. Each
    /// question waits at most for `timeout`.
    package init(
        connection: LogConnection, stores: [StoreClient], appendTimes: AppendTimeClient? = nil,
        timeout: Duration = .seconds(5), logger: Logger
    ) throws {
        admin = try LogAdmin(connection: connection, logger: logger)
        self.stores = stores
        self.appendTimes = appendTimes
        self.timeout = timeout
    }

    package func topics() async throws -> [LagTopic] {
        try await admin.topics(timeout: timeout).map { topic in
            LagTopic(
                name: topic.name,
                partitions: topic.partitions.map { ($0.partition, $0.leader) })
        }
    }

    package func committed(
        group: String, partitions: [LagPartition]
    ) async throws -> [LagPartition: Int64] {
        let wanted = partitions.map { TopicPartition(topic: $0.topic, partition: $0.partition) }
        let offsets = try await admin.committedOffsets(group: group, of: wanted, timeout: timeout)
        return Dictionary(
            offsets.map { (LagPartition(topic: $0.topic, partition: $0.partition), $0.offset) },
            uniquingKeysWith: { $1 })
    }

    package func range(of partition: LagPartition) async throws -> OffsetRange {
        let range = try await admin.range(
            of: TopicPartition(topic: partition.topic, partition: partition.partition),
            timeout: timeout)
        return OffsetRange(earliest: range.earliest, latest: range.latest)
    }

    package func ages(at offsets: [LagPartition: Int64]) async -> [LagPartition: Double] {
        await appendTimes?.ages(at: offsets, timeout: timeout) ?? [:]
    }

    /// A node names the shards that it has seen; a shard that none has seen stands at 0.
    package func applied() async -> AppliedReading? {
        guard !stores.isEmpty else { return nil }
        return await withTaskGroup(of: AppliedReading.self) { group in
            for store in stores {
                group.addTask { await Self.applied(store, timeout) }
            }
            var all = AppliedReading(offsets: [:])
            for await one in group {
                all.offsets.merge(one.offsets) { max($0, $1) }
                all.failures += one.failures
            }
            all.failures.sort()
            return all
        }
    }

    private static func applied(_ store: StoreClient, _ timeout: Duration) async -> AppliedReading {
        do {
            let offsets = try await store.appliedOffsets(timeout: timeout)
            return AppliedReading(
                offsets: Dictionary(
                    offsets.map { ($0.shard.number, $0.offset) }, uniquingKeysWith: { max($0, $1) })
            )
        } catch {
            return AppliedReading(
                offsets: [:], failures: ["store \(store.address) does not answer: \(error)"])
        }
    }
}
