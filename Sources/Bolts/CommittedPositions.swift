// Positions of a topology that keeps nothing in a store: what its group has committed.

package import LogClient
package import Model

/// Goes on where the group has committed, or at the first record that the log has. Batches are
/// replayed from there after a crash, so everything behind happens at least once.
package struct CommittedPositions: Positions {
    /// How long the log may take to answer.
    private static let timeout = Duration.seconds(5)

    private let admin: LogAdmin
    private let group: String
    private let topic: String

    package init(of group: String, topic: String, admin: LogAdmin) {
        self.admin = admin
        self.group = group
        self.topic = topic
    }

    package func appliedOffset(of shard: ShardID) async throws -> Int64 {
        let place = TopicPartition(topic: topic, partition: shard.number)
        let committed = try await admin.committedOffsets(
            group: group, of: [place], timeout: Self.timeout)
        if let offset = committed.first?.offset { return offset }
        return try await admin.range(of: place, timeout: Self.timeout).earliest
    }

    /// Nothing: commits follow what is done, and are never ahead of it.
    package func survey(_ shards: [ShardID]) async -> StoreSurvey { StoreSurvey() }
}
