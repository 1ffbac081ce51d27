// Connecting to somebody else's listener.

internal import Base

/// Opens connections.
package enum TCPClient {
    /// Connects, trying every address of the host within `timeout` in all. `handler` is made on the
    /// loop once the connection stands. A cancelled task gives the attempt up.
    package static func connect(
        host: String, port: UInt16, on loop: EventLoop, timeout: Duration,
        handler: @escaping @Sendable () -> any ConnectionHandler
    ) async throws -> Connection {
        let connector = Connector(host: host, port: port, loop: loop, handler: handler)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    connector.start(timeout: timeout) { continuation.resume(with: $0) }
                }
            }
        } onCancel: {
            loop.execute { connector.cancel() }
        }
    }

    /// The same with a callback on the loop, never before this returns. Any thread.
    package static func connect(
        host: String, port: UInt16, on loop: EventLoop, timeout: Duration,
        handler: @escaping @Sendable () -> any ConnectionHandler,
        then done: @escaping @Sendable (Result<Connection, NetworkError>) -> Void
    ) {
        let connector = Connector(host: host, port: port, loop: loop, handler: handler)
        loop.execute { connector.start(timeout: timeout, then: done) }
    }
}

/// One attempt to connect. Loop only.
private final class Connector: PollOwner, @unchecked Sendable {
    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private let handler: @Sendable () -> any ConnectionHandler
    private var done: ((Result<Connection, NetworkError>) -> Void)?
    private var timer: LoopTimer?
    private var addresses: ArraySlice<SocketAddress> = []
    private var lastError: NetworkError?
    // The attempt at one address; `isConnected` tells what to do once its handle is gone.
    private var current: (socket: Socket, poll: PollHandle, peer: SocketAddress)?
    private var isConnected = false
    private var isCancelled = false

    init(
        host: String, port: UInt16, loop: EventLoop,
        handler: @escaping @Sendable () -> any ConnectionHandler
    ) {
        self.host = host
        self.port = port
        self.loop = loop
        self.handler = handler
    }

    private var what: String { "connect to \(HostPort(host: host, port: port))" }

    func start(timeout: Duration, then done: @escaping (Result<Connection, NetworkError>) -> Void) {
        guard !isCancelled else { return done(.failure(cancellation)) }
        self.done = done
        timer = loop.schedule(after: timeout) { [self] in
            finish(.failure(NetworkError(.timedOut, "\(what): no answer within \(timeout)")))
        }
        Resolver.resolve(host: host, port: port, on: loop) { [self] result in
            switch result {
            case .success(let found):
                addresses = found[...]
                tryNext()
            case .failure(let error): finish(.failure(error))
            }
        }
    }

    /// May come before `start`, from a task that was cancelled already.
    func cancel() {
        isCancelled = true
        finish(.failure(cancellation))
    }

    private var cancellation: NetworkError { NetworkError(.aborted, "\(what): cancelled") }

    func loopIsClosing() {
        finish(.failure(NetworkError(.shutDown, "the loop \(loop.name) has been shut down")))
    }

    private func tryNext() {
        guard done != nil else { return }
        guard let address = addresses.popFirst() else {
            return finish(.failure(lastError ?? NetworkError(.unknownHost, "\(what): no address")))
        }
        do throws(NetworkError) {
            let socket = try Socket.connecting(to: address)
            do throws(NetworkError) {
                let poll = try PollHandle(loop: loop, socket: socket, owner: self)
                current = (socket, poll, address)
                poll.watch(for: .write)
            } catch {
                socket.close()
                throw error
            }
        } catch {
            lastError = error
            tryNext()
        }
    }

    func socketReady(readable: Bool, writable: Bool) {
        guard let current, !current.poll.isClosing else { return }
        let number = current.socket.takeError()
        isConnected = number == 0
        if number != 0 { lastError = NetworkError(errno: number, what) }
        // The connection watches the same socket, so this watch has to end first.
        current.poll.close()
    }

    func pollClosed() {
        guard let (socket, _, peer) = current else { return }
        current = nil
        guard isConnected, done != nil else {
            socket.close()
            return tryNext()
        }
        do throws(NetworkError) {
            finish(.success(try Connection.open(socket, peer: peer, on: loop) { _ in handler() }))
        } catch {
            socket.close()
            finish(.failure(error))
        }
    }

    private func finish(_ result: Result<Connection, NetworkError>) {
        guard let done else { return }
        self.done = nil
        timer?.cancel()
        timer = nil
        current?.poll.close()
        done(result)
    }
}
