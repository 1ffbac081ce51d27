// The stores as the worker sees them: one that applies batches, wherever each shard lives.

package import Model
package import RPC
internal import Wire

/// Where batches go. Calls throw `RPCError`, or `CancellationError`.
package protocol ShardStore: Positions {
    /// Stores a batch, at most once.
    func apply(_ batch: ApplyBatch) async throws -> ApplyOutcome
}

/// Who knows where each partition is to go on: what is below has been applied.
package protocol Positions: Sendable {
    /// The next offset that the shard wants.
    func appliedOffset(of shard: ShardID) async throws -> Int64

    /// The same for several shards, asked from all stores side by side, also from stores that hold
    /// none of them. Stores that do not answer are named, and their shards are left out.
    func survey(_ shards: [ShardID]) async -> StoreSurvey
}

/// Where shards stand, and which stores did not say.
package struct StoreSurvey: Sendable, Equatable {
    package var offsets: [ShardID: Int64] = [:]
    /// One line for each store that did not answer.
    package var failures: [String] = []

    package init() {}
}

/// The storage nodes of a cluster, each asked for the shards it holds.
package struct RemoteShardStore: ShardStore {
    /// A node that says nothing for so long counts as away.
    private static let surveyTimeout = Duration.seconds(2)

    private let nodes: [StoreClient]

    /// The nodes in the order of `store.addresses`.
    package init(_ nodes: [StoreClient]) {
        precondition(!nodes.isEmpty, "a cluster without storage nodes")
        self.nodes = nodes
    }

    private func index(of shard: ShardID) -> Int { shard.nodeIndex(among: nodes.count) }

    package func apply(_ batch: ApplyBatch) async throws -> ApplyOutcome {
        try await nodes[index(of: batch.shard)].apply(batch)
    }

    package func appliedOffset(of shard: ShardID) async throws -> Int64 {
        let node = nodes[index(of: shard)]
        let offsets = try await node.appliedOffsets([shard])
        guard let answer = offsets.first(where: { $0.shard == shard }) else {
            throw RPCError(
                .protocolViolation, "\(node.address) left shard \(shard) out of its answer")
        }
        return answer.offset
    }

    package func survey(_ shards: [ShardID]) async -> StoreSurvey {
        let wanted = Dictionary(grouping: shards, by: index)
        return await withTaskGroup(of: StoreSurvey.self) { group in
            for (index, node) in nodes.enumerated() {
                group.addTask { await Self.survey(node, wanted[index] ?? []) }
            }
            var all = StoreSurvey()
            for await one in group {
                all.offsets.merge(one.offsets) { $1 }
                all.failures.append(contentsOf: one.failures)
            }
            all.failures.sort()
            return all
        }
    }

    private static func survey(_ node: StoreClient, _ shards: [ShardID]) async -> StoreSurvey {
        var survey = StoreSurvey()
        do {
            let answers = try await node.appliedOffsets(shards, timeout: surveyTimeout)
            for answer in answers where shards.contains(answer.shard) {
                survey.offsets[answer.shard] = answer.offset
            }
        } catch { survey.failures.append("store \(node.address) does not answer: \(error)") }
        return survey
    }

    /// Closes the connections. Before their loops' shutdown.
    package func close() async {
        for node in nodes { await node.client.close() }
    }
}
