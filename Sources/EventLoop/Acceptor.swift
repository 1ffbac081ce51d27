// The loop side of a listener.

internal import Base
internal import Logging

/// Accepts on one loop. Everything but `stop` is for that loop only.
final class Acceptor: PollOwner, @unchecked Sendable {
    private let socket: Socket
    private let loop: EventLoop
    private let group: EventLoopGroup
    private let connections: ConnectionTable
    private let tls: TLSOffer?
    private let logger: Logger?
    private let handler: @Sendable () -> any ConnectionHandler
    private var poll: PollHandle?
    private var rest: LoopTimer?
    /// The lack of descriptors is logged once, until accepting works again.
    private var isStarved = false
    private var stopWaiters: [CheckedContinuation<Void, Never>] = []

    private init(
        _ socket: Socket, loop: EventLoop, group: EventLoopGroup, connections: ConnectionTable,
        tls: TLSOffer?, logger: Logger?, handler: @escaping @Sendable () -> any ConnectionHandler
    ) {
        self.socket = socket
        self.loop = loop
        self.group = group
        self.connections = connections
        self.tls = tls
        self.logger = logger
        self.handler = handler
    }

    static func start(
        _ socket: Socket, loop: EventLoop, group: EventLoopGroup, connections: ConnectionTable,
        tls: TLSOffer?, logger: Logger?, handler: @escaping @Sendable () -> any ConnectionHandler
    ) throws(NetworkError) -> Acceptor {
        let acceptor = Acceptor(
            socket, loop: loop, group: group, connections: connections, tls: tls,
            logger: logger, handler: handler)
        do throws(NetworkError) {
            let poll = try PollHandle(loop: loop, socket: socket, owner: acceptor)
            acceptor.poll = poll
            poll.watch(for: .read)
        } catch {
            socket.close()
            throw error
        }
        return acceptor
    }

    func socketReady(readable: Bool, writable: Bool) {
        for _ in 0..<Limits.acceptsPerTurnMax {
            switch socket.accept() {
            case .success((let accepted, let peer)):
                isStarved = false
                handOver(accepted, peer: peer)
            case .failure(let failure):
                if !failure.isWouldBlock { pause(after: failure) }
                return
            }
        }
    }

    private func handOver(_ socket: Socket, peer: SocketAddress) {
        guard connections.reserve() else {
            // Accepted and closed: the client learns at once, and the listener does not spin.
            socket.close()
            return
        }
        let target = group.next()
        let (connections, handler, tls) = (connections, handler, tls)
        target.execute {
            do throws(NetworkError) {
                try Connection.open(
                    socket, peer: peer, on: target, tls: tls,
                    whenClosed: { connections.release($0) }
                ) { connection in
                    if !connections.insert(connection) { connection.abort() }
                    return handler()
                }
            } catch {
                // The loop is shutting down, which whoever does that knows already.
                socket.close()
                connections.release(nil)
            }
        }
    }

    /// Out of descriptors or memory: the socket stays readable, so looking again at once would
    /// spin.
    private func pause(after failure: Socket.AcceptFailure) {
        if !isStarved {
            let error = NetworkError(errno: failure.number, "accept a connection")
            logger?.info("accepting paused", metadata: ["error": "\(error)"])
        }
        isStarved = true
        poll?.watch(for: [])
        rest = loop.schedule(after: .milliseconds(Limits.acceptRestMilliseconds)) { [self] in
            poll?.watch(for: .read)
        }
    }

    /// Closes the listening socket. Any thread.
    func stop() async {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                guard let poll else { return continuation.resume() }
                stopWaiters.append(continuation)
                rest?.cancel()
                poll.close()
            }
        }
    }

    func loopIsClosing() { poll?.close() }

    func pollClosed() {
        poll = nil
        socket.close()
        for waiter in stopWaiters { waiter.resume() }
        stopWaiters = []
    }
}
