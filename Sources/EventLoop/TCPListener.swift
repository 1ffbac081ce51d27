// Accepting connections.
//
// One loop accepts and hands the sockets round to all loops of the group. The alternative, a
// listening socket a loop with SO_REUSEPORT, spreads by a hash of the addresses, unevenly with few
// connections, and would let a second process share the port in silence.

internal import Base
package import Logging
internal import Synchronization

/// A listening socket and the connections that came through it.
package final class TCPListener: Sendable {
    /// The port, also where 0 was asked for.
    package let port: UInt16
    /// The address listened on.
    package let host: String
    private let acceptor: Acceptor
    private let connections: ConnectionTable

    private init(_ acceptor: Acceptor, _ connections: ConnectionTable, _ address: SocketAddress) {
        self.acceptor = acceptor
        self.connections = connections
        port = address.port
        host = address.host
    }

    /// Listens on a numeric address or a host name. `handler` makes the logic of each connection,
    /// on that connection's loop. Connections above `connectionsMax` are closed as they come. With
    /// `tls` handlers see what clients say inside it.
    package static func listen(
        host: String, port: UInt16, on group: EventLoopGroup, connectionsMax: Int,
        tls: TLSOffer? = nil,
        logger: Logger? = nil, handler: @escaping @Sendable () -> any ConnectionHandler
    ) async throws -> TCPListener {
        let loop = group.next()
        let addresses = try await Resolver.resolve(host: host, port: port, on: loop)
        guard let address = addresses.first else {
            throw NetworkError(.unknownHost, "\(host) has no address")
        }
        let connections = ConnectionTable(max: connectionsMax)
        return try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                continuation.resume(
                    with: Result {
                        let socket = try Socket.listening(
                            on: address, backlog: Int32(Limits.listenBacklog))
                        let acceptor = try Acceptor.start(
                            socket, loop: loop, group: group, connections: connections,
                            tls: tls, logger: logger, handler: handler)
                        return TCPListener(acceptor, connections, socket.localAddress)
                    })
            }
        }
    }

    /// Whether nobody listens on that port of 127.0.0.1 just now.
    package static func canListen(onLoopbackPort port: UInt16) -> Bool {
        guard let address = SocketAddress(numeric: "127.0.0.1", port: port),
            let socket = try? Socket.listening(on: address, backlog: 1)
        else { return false }
        socket.close()
        return true
    }

    /// Connections open now.
    package var connectionCount: Int { connections.count }

    /// Closes the listening socket; connections go on. Returns when the port is free.
    package func stopAccepting() async { await acceptor.stop() }

    /// Closes the listening socket and aborts every connection; returns when all are closed.
    package func close() async {
        await acceptor.stop()
        for connection in connections.beginClosing() {
            connection.loop.execute { connection.abort() }
        }
        await connections.waitUntilEmpty()
    }
}

/// The open connections of one listener, on all loops.
final class ConnectionTable: Sendable {
    private struct State {
        var open: [UInt64: Connection] = [:]
        /// Open ones and those on their way to their loop.
        var reserved = 0
        var isClosing = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let max: Int

    init(max: Int) { self.max = max }

    var count: Int { state.withLock { $0.open.count } }

    /// Takes a place; false if all are taken.
    func reserve() -> Bool {
        state.withLock { state in
            guard state.reserved < max else { return false }
            state.reserved += 1
            return true
        }
    }

    /// False if the listener closes: this one came too late to be among those it has aborted.
    func insert(_ connection: Connection) -> Bool {
        state.withLock { state in
            state.open[connection.id] = connection
            return !state.isClosing
        }
    }

    /// The open connections; those on their way to their loop learn of the end when they get there.
    func beginClosing() -> [Connection] {
        state.withLock { state in
            state.isClosing = true
            return Array(state.open.values)
        }
    }

    /// Gives a place back; `connection` is nil if it never opened.
    func release(_ connection: Connection?) {
        let waiters = state.withLock { state in
            if let connection { state.open[connection.id] = nil }
            state.reserved -= 1
            guard state.reserved == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.reserved > 0 { state.waiters.append(continuation) }
                return state.reserved == 0
            }
            if isEmpty { continuation.resume() }
        }
    }
}
