// The server: a listener, its connections, and the orderly end.

internal import Base
package import EventLoop
package import Logging
internal import Metrics
internal import Synchronization

/// Serves a router's routes on one port.
package final class HTTPServer: Sendable {
    private let state: ServerState
    private let group: EventLoopGroup
    private let listener = Mutex<TCPListener?>(nil)

    package init(
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(), router: Router,
        group: EventLoopGroup, logger: Logger
    ) {
        state = ServerState(configuration: configuration, router: router, logger: logger)
        self.group = group
    }

    /// Listens; returns the port, which is chosen if `port` is 0.
    @discardableResult
    package func start(host: String, port: UInt16) async throws -> UInt16 {
        // A connection learns its loop only when it is made there.
        let loops = group.loops
        let state = state
        let listener = try await TCPListener.listen(
            host: host, port: port, on: group,
            connectionsMax: state.configuration.connectionsMax, logger: state.logger
        ) {
            guard let loop = loops.first(where: \.isCurrent) else {
                preconditionFailure("a connection was made on no loop of the server")
            }
            return ServerConnection(server: state, loop: loop)
        }
        self.listener.withLock { $0 = listener }
        return listener.port
    }

    /// Stops accepting, lets requests that are in finish for up to `grace`, then closes everything.
    package func drain(grace: Duration = .seconds(10)) async {
        let listener = listener.withLock { $0 }
        await listener?.stopAccepting()
        await state.drain(grace: grace)
        await listener?.close()
    }
}

/// What the connections of a server share.
final class ServerState: Sendable {
    let configuration: HTTPServerConfiguration
    let router: Router
    let logger: Logger
    let metrics = HTTPMetrics()
    /// How often a connection looks at its deadlines.
    let checkInterval: Duration

    private struct Shared {
        var connections: [ObjectIdentifier: ServerConnection] = [:]
        var isDraining = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    private let shared = Mutex(Shared())
    private let draining = Atomic(false)
    /// Memory that long requests in the making take, over all connections.
    private let heldBytes = Atomic(0)

    init(configuration: HTTPServerConfiguration, router: Router, logger: Logger) {
        self.configuration = configuration
        self.router = router
        self.logger = logger
        let shortest = min(
            configuration.headTimeout, configuration.bodyTimeout, configuration.idleTimeout,
            configuration.writeTimeout)
        checkInterval = min(max(shortest / 4, .milliseconds(5)), .seconds(1))
    }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Notes that a connection holds `change` bytes more; whether all together hold too much now.
    func hold(_ change: Int) -> Bool {
        heldBytes.add(change, ordering: .relaxed).newValue > configuration.heldBytesMax
    }

    func opened(_ connection: ServerConnection) {
        shared.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
        if isDraining { connection.drain() }
    }

    func closed(_ connection: ServerConnection) {
        let done = shared.withLock { shared in
            shared.connections[ObjectIdentifier(connection)] = nil
            guard shared.connections.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { shared.drained = [] }
            return shared.drained
        }
        for continuation in done { continuation.resume() }
    }

    func drain(grace: Duration) async {
        draining.store(true, ordering: .relaxed)
        let open = shared.withLock { Array($0.connections.values) }
        for connection in open { connection.loop.execute { connection.drain() } }
        guard let loop = open.first?.loop else { return }
        let timer = loop.schedule(after: grace) { [self] in
            for connection in shared.withLock({ Array($0.connections.values) }) {
                connection.loop.execute { connection.abort() }
            }
        }
        await withCheckedContinuation { continuation in
            let isDone = shared.withLock { shared in
                if !shared.connections.isEmpty { shared.drained.append(continuation) }
                return shared.connections.isEmpty
            }
            if isDone { continuation.resume() }
        }
        timer.cancel()
    }
}

/// What a server counts.
struct HTTPMetrics: Sendable {
    private let answers: [Counter]
    private let inFlight = Meter(label: "http_requests_in_flight")

    init() {
        answers = ["1xx", "2xx", "3xx", "4xx", "5xx"].map {
            Counter(label: "http_requests_total", dimensions: [("status", $0)])
        }
    }

    func began() { inFlight.increment(by: 1) }

    func ended(status: Int) {
        inFlight.decrement(by: 1)
        answers[min(max(status / 100, 1), 5) - 1].increment()
    }

    /// The connection went before its answer.
    func abandoned() { inFlight.decrement(by: 1) }
}
