// One client's connection: requests in, answers out in the same order, and the deadlines that keep
// slow clients from holding it for ever. Everything here runs on the connection's loop.

internal import Base
internal import EventLoop
internal import Logging

/// Deadlines and bounds of a server's connections.
package struct HTTPServerConfiguration: Sendable {
    package var limits = HTTPLimits()
    package var connectionsMax = Limits.httpConnectionsMax
    /// Requests that are not complete, over all connections.
    package var heldBytesMax = Limits.httpHeldBytesMax
    package var pipelineMax = Limits.httpPipelineMax
    /// From a request's first byte to the end of its head.
    package var headTimeout = Duration.seconds(10)
    /// From the end of the head to the end of the body.
    package var bodyTimeout = Duration.seconds(60)
    /// Between requests.
    package var idleTimeout = Duration.seconds(75)
    /// Without the client taking a byte of its answer.
    package var writeTimeout = Duration.seconds(30)

    package init() {}
}

/// The server's end of one connection.
final class ServerConnection: ConnectionHandler, @unchecked Sendable {
    // `loop` and `logger` are constants; all else belongs to the loop.
    let loop: EventLoop
    let logger: Logger
    private let server: ServerState
    private var parser: RequestParser
    var connection: Connection?
    private var timer: LoopTimer?

    /// Requests whose answers have not been sent, oldest first.
    var slots: [Slot] = []
    /// Sequence number of `slots.first`.
    var firstSequence: UInt64 = 0
    /// No further request is read: the last one said so, or it was broken, or the server drains.
    private var isLast = false
    var isDispatching = false
    private var owesContinue = false
    /// When the current wait began, by the loop's clock.
    private var waitingSince: UInt64 = 0
    private var phase = Phase.idle
    /// What the server knows of this connection's share of its memory.
    private var heldBytes = 0

    private enum Phase { case idle, head, body }

    struct Slot {
        var isHead = false
        var isVersion10 = false
        var keepsAlive = false
        var response: HTTPResponse?
        /// The response is but the head of this.
        var stream: StreamedBody?

        var options: ResponseOptions {
            ResponseOptions(
                withBody: !isHead && stream == nil, keepsAlive: keepsAlive,
                saysKeepAlive: isVersion10 && keepsAlive,
                length: stream == nil ? .known : isVersion10 ? .untilClose : .chunked)
        }
    }

    init(server: ServerState, loop: EventLoop) {
        self.server = server
        self.loop = loop
        logger = server.logger
        parser = RequestParser(limits: server.configuration.limits)
    }

    var bodyBytesMax: Int { server.configuration.limits.bodyBytesMax }

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        waitingSince = loop.nowMilliseconds
        server.opened(self)
        timer = loop.schedule(after: server.checkInterval, repeating: server.checkInterval) {
            [weak self] in self?.checkDeadlines()
        }
    }

    func closed(_ connection: Connection, error: NetworkError?) {
        timer?.cancel()
        self.connection = nil
        // Also those that are answered and wait for an earlier answer.
        _ = hold(0)
        for slot in slots {
            server.metrics.abandoned()
            slot.stream?.waiting?.resume(returning: false)
        }
        slots = []
        server.closed(self)
    }

    func peerClosedWrite(_ connection: Connection) {
        if !isLast, let error = parser.cutShort { refuse(error) }
        isLast = true
        flush()
    }

    // MARK: Reading

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        guard !isLast else { return }
        parser.append(bytes)
        readRequests()
    }

    func becameWritable(_ connection: Connection) { readRequests() }

    private func readRequests() {
        guard let connection, !isDispatching else { return }
        isDispatching = true
        defer {
            isDispatching = false
            flush()
        }
        while !isLast, slots.count < server.configuration.pipelineMax, connection.isWritable {
            do throws(HTTPProtocolError) {
                switch try parser.next() {
                case .needsMore:
                    guard hold(parser.heldBytes) else { throw .serverFull }
                    enter(parser.isInsideBody ? .body : parser.isInsideRequest ? .head : .idle)
                    connection.resumeReading()
                    return
                case .expectsContinue:
                    enter(.body)
                    owesContinue = true
                case .request(let request):
                    _ = hold(0)
                    enter(.idle)
                    // The body came without the word that it was to wait for.
                    owesContinue = false
                    dispatch(request, connection)
                }
            } catch { refuse(error) }
        }
        // Full, or the last request is in: the kernel's buffer and then the client wait.
        connection.pauseReading()
    }

    private func dispatch(_ request: HTTPRequest, _ connection: Connection) {
        var request = request
        request.peerAddress = connection.peerAddress
        let keepsAlive = request.keepsAlive && !server.isDraining
        if !keepsAlive { isLast = true }
        let sequence = firstSequence + UInt64(slots.count)
        slots.append(
            Slot(
                isHead: request.method == .head, isVersion10: request.isVersion10,
                keepsAlive: keepsAlive))
        server.metrics.began()
        server.router.dispatch(request, HTTPResponder(connection: self, sequence: sequence))
    }

    /// The last answer on this connection, to a request that cannot be read.
    private func refuse(_ error: HTTPProtocolError) {
        isLast = true
        owesContinue = false
        _ = hold(0)
        parser = RequestParser(limits: server.configuration.limits)
        slots.append(Slot(response: error.response))
        server.metrics.began()
    }

    /// Notes how much the request in the making holds; false if all of them together hold too much.
    /// Short ones do not count, so that they cost the other loops nothing.
    private func hold(_ bytes: Int) -> Bool {
        let counted = bytes > Limits.gatherBytesMax ? bytes : 0
        guard counted != heldBytes else { return true }
        let change = counted - heldBytes
        heldBytes = counted
        return !server.hold(change) || change < 0
    }

    // MARK: Answering

    func respond(_ response: HTTPResponse, to sequence: UInt64) {
        guard sequence >= firstSequence, sequence - firstSequence < UInt64(slots.count) else {
            return
        }
        let index = Int(sequence - firstSequence)
        guard slots[index].response == nil else { return }
        slots[index].response = response
        if !isDispatching, index == 0 { flush() }
    }

    /// Sends the answers that are complete and in order, then reads on.
    func flush() {
        guard let connection else { return }
        let readyCount = slots.prefix { $0.response != nil && $0.stream?.isFinished ?? true }.count
        var closes = false
        if readyCount > 0 {
            for index in 0..<readyCount {
                guard let response = slots[index].response, !closes else { continue }
                closes = !slots[index].keepsAlive
                if slots[index].stream == nil {
                    write(response, slots[index].options, to: connection)
                } else {
                    writeParts(of: index, to: connection)
                }
                server.metrics.ended(status: response.status)
            }
            let wasFull = slots.count >= server.configuration.pipelineMax
            slots.removeFirst(readyCount)
            firstSequence += UInt64(readyCount)
            waitingSince = loop.nowMilliseconds
            if wasFull, !closes { loop.execute { self.readRequests() } }
        }
        if !closes, slots.first?.stream != nil { writeParts(of: 0, to: connection) }
        if owesContinue, slots.isEmpty {
            owesContinue = false
            connection.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        if closes || (isLast && slots.isEmpty) || (server.isDraining && isQuiet) {
            connection.close(deadline: server.configuration.writeTimeout)
        }
    }

    private func write(
        _ response: HTTPResponse, _ options: ResponseOptions, to connection: Connection
    ) {
        let isLong =
            options.withBody && response.mayHaveBody
            && response.body.count > Limits.gatherBytesMax
        connection.write { append(response, to: &$0, options, gathersBody: !isLong) }
        // Sent from where it is, not copied behind its head.
        if isLong { connection.write(response.body) }
    }

    private var isQuiet: Bool { slots.isEmpty && !parser.isInsideRequest }

    /// The server drains: no further request after those that are in.
    func drain() {
        guard isQuiet else { return }
        isLast = true
        connection?.close()
    }

    func abort() { connection?.abort() }

    // MARK: Deadlines

    private func enter(_ next: Phase) {
        guard next != phase else { return }
        phase = next
        waitingSince = loop.nowMilliseconds
    }

    private func checkDeadlines() {
        guard let connection else { return }
        let configuration = server.configuration
        if connection.unsentBytes > 0 {
            let waited = loop.nowMilliseconds - connection.lastProgressMilliseconds
            if waited > configuration.writeTimeout.milliseconds { connection.abort() }
            return
        }
        // While a handler works, the client waits for us and no deadline of ours runs.
        guard slots.isEmpty, !isLast else { return }
        let waited = loop.nowMilliseconds - waitingSince
        switch phase {
        case .idle where waited > configuration.idleTimeout.milliseconds:
            connection.close()
        case .head where waited > configuration.headTimeout.milliseconds,
            .body where waited > configuration.bodyTimeout.milliseconds:
            refuse(
                HTTPProtocolError(
                    status: 408, code: "RequestTimeoutError",
                    message: "the request did not arrive in time"))
            flush()
        default: break
        }
    }
}

extension Duration {
    /// Whole milliseconds; these durations are configured, positive and short.
    var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(seconds, 0)) * 1000 + UInt64(max(attoseconds, 0) / 1_000_000_000_000_000)
    }
}
