// All storage nodes together: which shard is where, a plan or a schema read sent to all of them at
// once, and their parts put together.

internal import Base
package import Model
package import Plan
package import RPC
internal import Synchronization
internal import Wire

/// What all nodes together gave.
package struct ClusterScan: Sendable {
    package var result: PartialResult
    /// Nodes whose part is missing, if the caller allowed that.
    package var failures: [StoreFailure] = []
}

/// The storage nodes of a cluster. Any thread; what it does with large answers takes time, so not
/// on a loop.
package final class StoreCluster: Sendable {
    private let nodes: [StoreNode]
    /// 0 while it is unknown.
    private let partitions = Atomic<Int32>(0)

    /// `clients` in the order of `store.addresses`, at least one. A node that there is no
    /// connection to gets `patience` before a call to it is given up.
    package init(
        _ clients: [StoreClient],
        patience: Duration = .milliseconds(Limits.queryStorePatienceMilliseconds)
    ) {
        precondition(!clients.isEmpty, "a cluster without storage nodes")
        nodes = clients.map { StoreNode($0, patience: patience) }
    }

    /// Partitions of `millrace.events`, which is how many shards there are; 0 while unknown.
    package var partitionCount: Int32 {
        get { partitions.load(ordering: .relaxed) }
        set { partitions.store(newValue, ordering: .relaxed) }
    }

    /// Runs a plan on every shard and merges what they give. Throws `StoreFailure`, `PartialError`
    /// or `PartitionsUnknown`; the first failure ends the calls to the other nodes.
    package func scan(
        _ plan: ScanPlan, until deadline: ContinuousClock.Instant
    ) async throws -> PartialResult {
        let parts = try parts()
        // One node has merged its shards already.
        if parts.count == 1 { return try await Self.scan(plan, parts[0], deadline) }
        return try await withThrowingTaskGroup(of: PartialResult.self) { group in
            for part in parts {
                group.addTask { try await Self.scan(plan, part, deadline) }
            }
            var merger = PartialMerger()
            for try await partial in group { try merger.add(partial) }
            return try merger.finish()
        }
    }

    /// The same; with `allowsPartial`, nodes that are away or slow are named beside the result
    /// instead of failing it, and get three quarters of the time.
    package func scan(
        _ plan: ScanPlan, until deadline: ContinuousClock.Instant, allowsPartial: Bool
    ) async throws -> ClusterScan {
        guard allowsPartial else {
            return ClusterScan(result: try await scan(plan, until: deadline))
        }
        let now = ContinuousClock.now
        let patience = now + (deadline - now) * 3 / 4
        let parts = try parts()
        return try await withThrowingTaskGroup(
            of: Result<PartialResult, StoreFailure>.self
        ) { group in
            for part in parts {
                group.addTask {
                    do { return .success(try await Self.scan(plan, part, patience)) } catch let
                        failure as StoreFailure where failure.isAbsence
                    {
                        return .failure(failure)
                    }
                }
            }
            var merger = PartialMerger()
            var failures: [StoreFailure] = []
            for try await answer in group {
                switch answer {
                case .success(let partial): try merger.add(partial)
                case .failure(let failure): failures.append(failure)
                }
            }
            failures.sort { $0.shards.lexicographicallyPrecedes($1.shards) }
            return ClusterScan(result: try merger.finish(), failures: failures)
        }
    }

    private static func scan(
        _ plan: ScanPlan, _ part: Part, _ deadline: ContinuousClock.Instant
    ) async throws -> PartialResult {
        try await part.node.call(part.shards, until: deadline) { client, timeout in
            try await client.scan(plan, shards: part.shards, timeout: timeout)
        }
    }

    /// Reads events of every shard back, newest first. Throws `StoreFailure`, `ExtractionTooLarge`
    /// or `PartitionsUnknown`.
    package func extract(
        _ plan: ExtractionPlan, until deadline: ContinuousClock.Instant
    ) async throws -> ExtractionResult {
        let parts = try parts()
        return try await withThrowingTaskGroup(of: ExtractionResult.self) { group in
            for part in parts {
                group.addTask {
                    try await part.node.call(part.shards, until: deadline) { client, timeout in
                        try await client.extract(plan, shards: part.shards, timeout: timeout)
                    }
                }
            }
            var results: [ExtractionResult] = []
            for try await result in group { results.append(result) }
            return try plan.merge(results, bytesMax: Limits.extractionBytesMax)
        }
    }

    /// The collections of a project, or one of them, as all shards together know them, by name.
    /// Throws `StoreFailure` or `PartitionsUnknown`.
    package func schema(
        project: ProjectID, collection: CollectionName? = nil,
        until deadline: ContinuousClock.Instant
    ) async throws -> [CollectionSchema] {
        let parts = try parts()
        return try await withThrowingTaskGroup(of: [CollectionSchema].self) { group in
            for part in parts {
                group.addTask {
                    try await part.node.call(part.shards, until: deadline) { client, timeout in
                        try await client.schema(
                            project: project, collection: collection, timeout: timeout)
                    }
                }
            }
            var merger = SchemaMerger()
            for try await schemas in group { merger.add(schemas) }
            return merger.finish()
        }
    }

    /// Waits until every shard wants at least the offset given for it, or `patience` is over. Says
    /// whether they do. Nodes that do not answer are asked again.
    @discardableResult
    package func waitUntilApplied(
        _ offsets: [ShardID: Int64], for patience: Duration
    ) async -> Bool {
        let deadline = ContinuousClock.now + patience
        var waiting = offsets
        while !waiting.isEmpty, !Task.isCancelled, ContinuousClock.now < deadline {
            for part in (try? parts()) ?? [] {
                let shards = part.shards.filter { waiting[$0] != nil }
                guard !shards.isEmpty else { continue }
                let answers = try? await part.node.call(shards, until: deadline) {
                    client, timeout in
                    try await client.appliedOffsets(shards, timeout: timeout)
                }
                for answer in answers ?? [] {
                    if let wanted = waiting[answer.shard], answer.offset >= wanted {
                        waiting[answer.shard] = nil
                    }
                }
            }
            // Cancelled: the loop's condition says so.
            if !waiting.isEmpty { try? await Task.sleep(for: .milliseconds(20)) }
        }
        return waiting.isEmpty
    }

    /// Asks every node for something small; throws `StoreFailure` if one does not answer in time.
    package func probe(until deadline: ContinuousClock.Instant) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes {
                group.addTask {
                    _ = try await node.call([], until: deadline) { client, timeout in
                        try await client.appliedOffsets([ShardID(0)], timeout: timeout)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Fails every call under way and every later one.
    package func close() async {
        for node in nodes { await node.client.client.close() }
    }

    /// A node with the shards it holds.
    private struct Part: Sendable {
        var node: StoreNode
        var shards: [ShardID]
    }

    /// The nodes that hold a shard.
    private func parts() throws -> [Part] {
        let count = partitionCount
        guard count > 0 else { throw PartitionsUnknown() }
        let shards = Dictionary(grouping: (0..<count).map { ShardID($0) }) {
            $0.nodeIndex(among: nodes.count)
        }
        return shards.sorted { $0.key < $1.key }.map {
            Part(node: nodes[$0.key], shards: $0.value)
        }
    }
}
