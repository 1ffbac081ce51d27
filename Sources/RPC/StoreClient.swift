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
    /// Of `tables`, `get`, `slice` and `put`.
    package var rows: Duration
    /// How much of that may go by without a connection; nil: all of it.
    package var connect: Duration?

    package init(
        apply: Duration = .seconds(30), appliedOffsets: Duration = .seconds(5),
        scan: Duration = .seconds(60), schema: Duration = .seconds(10),
        rows: Duration = .seconds(10), connect: Duration? = nil
    ) {
        self.apply = apply
        self.appliedOffsets = appliedOffsets
        self.scan = scan
        self.schema = schema
        self.rows = rows
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

    /// The tables of wide rows, and whether the answer names all.
    package func tables(
        timeout: Duration? = nil
    ) async throws -> (tables: [TableDescription], isComplete: Bool) {
        let response = try await call(
            .tables, TablesRequest(), TablesResponse.self, timeout ?? timeouts.rows)
        return (response.tables, response.isComplete)
    }

    /// One cell, whole; nil if there is none.
    package func get(
        _ table: TableReference, shard: ShardID?, key: [UInt8], timeout: Duration? = nil
    ) async throws -> TableCell? {
        try await call(
            .get, GetRequest(table: table, shard: shard, key: key), GetResponse.self,
            timeout ?? timeouts.rows
        ).cell
    }

    /// Cells of a range, as many as one answer holds.
    package func slice(_ slice: TableSlice, timeout: Duration? = nil) async throws -> TablePage {
        try await call(
            .slice, SliceRequest(slice), SliceResponse.self, timeout ?? timeouts.rows
        ).page
    }

    /// Changes cells of one table of one shard, all or none. Adding again adds twice.
    package func put(_ changes: TableChanges, timeout: Duration? = nil) async throws {
        _ = try await call(
            .put, PutRequest(changes), PutResponse.self, timeout ?? timeouts.rows)
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
