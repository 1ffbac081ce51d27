// The answering side of the RPC: a listener, its connections, and an orderly end.

internal import Base
package import Crypto
package import EventLoop
package import Logging
internal import Synchronization
internal import Wire

/// Listens, authenticates peers and hands their calls to one handler.
package final class RPCServer: Sendable {
    /// Gets every call of an authenticated peer, on the loop of its connection: anything that takes
    /// long belongs elsewhere.
    package typealias Handler = @Sendable (RPCCall) -> Void

    private struct State {
        var listener: TCPListener?
        var isDraining = false
        var connections: [UInt64: (connection: Connection, handler: ServerConnection)] = [:]
        var isOutOfTime = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let secret: ClusterSecret
    let logger: Logger
    let handler: Handler
    let inFlightMax: Int
    let stallLimit: Duration
    let metrics = RPCServerMetrics()
    private let group: EventLoopGroup
    private let state = Mutex(State())

    /// A peer that takes not a byte of its answers for `stallLimit` loses its connection.
    package init(
        group: EventLoopGroup, secret: ClusterSecret, logger: Logger,
        inFlightMax: Int = Limits.rpcInFlightMax,
        stallLimit: Duration = .seconds(Limits.rpcStallSeconds), handler: @escaping Handler
    ) {
        self.group = group
        self.secret = secret
        self.logger = logger
        self.inFlightMax = inFlightMax
        self.stallLimit = stallLimit
        self.handler = handler
    }

    /// Begins to listen; port 0 takes a free one. Returns the port.
    package func start(host: String, port: UInt16) async throws -> UInt16 {
        let listener = try await TCPListener.listen(
            host: host, port: port, on: group, connectionsMax: Limits.rpcConnectionsMax,
            logger: logger
        ) { [self] in ServerConnection(owner: self) }
        state.withLock { state in
            precondition(state.listener == nil, "an rpc server that was started twice")
            state.listener = listener
        }
        return listener.port
    }

    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Stops listening, tells the peers to go elsewhere, answers what is in flight and closes. What
    /// is not done within `deadline` is cut off.
    package func drain(deadline: Duration) async {
        let (listener, connections) = state.withLock { state in
            state.isDraining = true
            return (state.listener, Array(state.connections.values))
        }
        guard let listener else { return }
        await listener.stopAccepting()
        for (connection, handler) in connections { connection.loop.execute { handler.drain() } }
        let timer = group.next().schedule(after: deadline) { [self] in
            state.withLock { $0.isOutOfTime = true }
            resumeWaiters()
        }
        await waitUntilEmpty()
        timer.cancel()
        await listener.close()
    }

    private func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = state.connections.isEmpty || state.isOutOfTime
                if !isOver { state.waiters.append(continuation) }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    private func resumeWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: What connections report, on their loops

    /// False if the server is draining and wants no more.
    func register(_ handler: ServerConnection, _ connection: Connection) -> Bool {
        state.withLock { state in
            state.connections[connection.id] = (connection, handler)
            return !state.isDraining
        }
    }

    func unregister(_ connection: Connection) {
        let isEmpty = state.withLock { state in
            state.connections[connection.id] = nil
            return state.connections.isEmpty
        }
        if isEmpty { resumeWaiters() }
    }
}
