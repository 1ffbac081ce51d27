// The methods of a storage node, with types.

package import Base
package import Model
package import Plan
package import Wire

/// How long each method of a storage node may take, unless the caller says otherwise.
package struct StoreTimeouts: Sendable {
    /// A batch waits for the disk at worst; beyond this the worker had better ask where it stands.
    package var apply: Duration
    package var appliedOffsets: Duration
    package var scan: Duration
    package var schema: Duration
    /// How much of that may go by without a connection; nil: all of it.
    package var connect: Duration?

    package init(
        apply: Duration = .seconds(30), appliedOffsets: Duration = .seconds(5),
        scan: Duration = .seconds(60), schema: Duration = .seconds(10), connect: Duration? = nil
    ) {
        self.apply = apply
        self.appliedOffsets = appliedOffsets
        self.scan = scan
        self.schema = schema
        self.connect = connect
    }
}

/// A storage node as workers, query servers and the lag monitor see it. Throws `RPCError` only.
package struct StoreClient: Sendable {
    package let client: RPCClient
    package var timeouts: StoreTimeouts

    package init(_ client: RPCClient, timeouts: StoreTimeouts = StoreTimeouts()) {
        self.client = client
        self.timeouts = timeouts
    }

    package var address: HostPort { client.address }

    /// Stores batches; one outcome for each, in order.
    package func apply(
        _ batches: [ApplyBatch], timeout: Duration? = nil
    ) async throws -> [ApplyOutcome] {
        let response = try await call(
            .apply, ApplyRequest(batches: batches), ApplyResponse.self, timeout ?? timeouts.apply)
        guard response.outcomes.count == batches.count else {
            let what = "\(response.outcomes.count) outcomes for \(batches.count) batches"
            throw RPCError(.protocolViolation, "apply at \(address): \(what)")
        }
        return response.outcomes
    }

    /// Stores one batch.
    package func apply(_ batch: ApplyBatch, timeout: Duration? = nil) async throws -> ApplyOutcome {
        let outcomes = try await apply([batch], timeout: timeout)
        guard let outcome = outcomes.first else {
            throw RPCError(.protocolViolation, "apply at \(address): no outcome")
        }
        return outcome
    }

    /// How far the given shards are, or all shards of the node.
    package func appliedOffsets(
        _ shards: [ShardID] = [], timeout: Duration? = nil
    ) async throws -> [AppliedOffset] {
        try await call(
            .appliedOffsets, AppliedOffsetsRequest(shards: shards), AppliedOffsetsResponse.self,
            timeout ?? timeouts.appliedOffsets
        ).offsets
    }

    /// Runs a plan over shards of the node; the result is merged over them.
    package func scan(
        _ plan: ScanPlan, shards: [ShardID], timeout: Duration? = nil
    ) async throws -> PartialResult {
        try await call(
            .scan, ScanRequest(shards: shards, plan: plan), ScanResponse.self,
            timeout ?? timeouts.scan
        ).result
    }

    /// Reads events of shards of the node back, newest first.
    package func extract(
        _ plan: ExtractionPlan, shards: [ShardID], timeout: Duration? = nil
    ) async throws -> ExtractionResult {
        try await call(
            .extract, ExtractRequest(shards: shards, plan: plan), ExtractResponse.self,
            timeout ?? timeouts.scan
        ).result
    }

    /// The collections of a project as the node's shards know them.
    package func schema(
        project: ProjectID, collection: CollectionName? = nil, timeout: Duration? = nil
    ) async throws -> [CollectionSchema] {
        try await call(
            .schema, SchemaRequest(project: project, collection: collection), SchemaResponse.self,
            timeout ?? timeouts.schema
        ).collections
    }

    private func call<Response: Message>(
        _ method: RPCMethod, _ request: some Message, _ type: Response.Type, _ timeout: Duration
    ) async throws -> Response {
        let body = try await client.call(
            method, body: request.encoded(), timeout: timeout, connectTimeout: timeouts.connect)
        do {
            return try Response(decoding: body)
        } catch {
            throw RPCError(
                .protocolViolation, "malformed answer to \(method) of \(address): \(error)",
                cause: error)
        }
    }
}
