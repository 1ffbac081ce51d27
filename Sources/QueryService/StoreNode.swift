// One storage node as a query sees it: calls with a deadline, and a second try where the first was
// cut off.

internal import Base
internal import Model
internal import RPC
internal import Wire

/// A node. Any thread.
struct StoreNode: Sendable {
    let client: StoreClient

    /// A node that is away costs a query `patience`, not its whole time.
    init(_ client: StoreClient, patience: Duration) {
        var client = client
        client.timeouts.connect = patience
        self.client = client
    }

    /// Runs `body`, which reads and so may be run twice, with the time that is left. Throws
    /// `StoreFailure` naming `shards`.
    func call<Response: Sendable>(
        _ shards: [ShardID], until deadline: ContinuousClock.Instant,
        _ body: (StoreClient, Duration) async throws -> Response
    ) async throws -> Response {
        do {
            do { return try await body(client, timeLeft(until: deadline)) } catch let error
                as RPCError where error.status == .connectionLost
            {
                // The node went down with the call; it may be back already.
                return try await body(client, timeLeft(until: deadline))
            }
        } catch let error as RPCError {
            throw StoreFailure(address: client.address, shards: shards, cause: error)
        }
    }

    private func timeLeft(until deadline: ContinuousClock.Instant) throws -> Duration {
        let timeLeft = deadline - .now
        guard timeLeft > .zero else {
            throw RPCError(.deadlineExceeded, "no time was left to ask \(client.address)")
        }
        return timeLeft
    }
}
