// One peer of the server. Everything here happens on the connection's loop.
//
//   handshake --proof is right--> open --drain--> draining --last answer--> closing
//        \--garbage, wrong proof, too slow--> closing <--garbage--/
//
// Invariants: a call is in `inFlight` from its arrival until its answer, also when the caller has
// cancelled it, since its work is still going on; reading pauses while the bodies in flight or the
// unsent answers are too many.

internal import Base
internal import CoreMetrics
internal import Crypto
internal import EventLoop
internal import Logging
internal import Wire

final class ServerConnection: ConnectionHandler, @unchecked Sendable {
    private enum State { case handshake, open, draining, closing }

    private struct InFlightCall {
        var method: RPCMethod
        var bodyBytes: Int
        var interest: CallInterest
        var start: ContinuousClock.Instant
    }

    // Set in `connectionOpened`, nil after `closed`; loop only, like all that follows.
    private var connection: Connection?
    private let owner: RPCServer
    private var state = State.handshake
    private var assembler = FrameAssembler(frameBytesMax: Limits.rpcHandshakeFrameBytesMax)
    private var handshake: ServerHandshake
    private var handshakeTimer: LoopTimer?
    private var stallTimer: LoopTimer?
    private var inFlight: [UInt64: InFlightCall] = [:]
    private var inFlightBytes = 0

    init(owner: RPCServer) {
        self.owner = owner
        handshake = ServerHandshake(
            secret: owner.secret, nonce: secureRandomBytes(Frame.nonceBytes))
    }

    // MARK: The connection's life

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        guard owner.register(self, connection) else { return connection.close() }
        handshakeTimer = connection.loop.schedule(after: .seconds(Limits.rpcHandshakeSeconds)) {
            [weak self] in
            self?.close("no handshake within \(Limits.rpcHandshakeSeconds) seconds")
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        var input = bytes[...]
        do {
            while state != .closing, let frame = try assembler.next(&input) { handle(frame) }
        } catch {
            close("\(error)")
        }
    }

    func becameWritable(_ connection: Connection) { updateReading() }

    func closed(_ connection: Connection, error: NetworkError?) {
        handshakeTimer?.cancel()
        stallTimer?.cancel()
        for call in inFlight.values { call.interest.lose() }
        owner.metrics.inFlight.decrement(by: Double(inFlight.count))
        inFlight = [:]
        state = .closing
        self.connection = nil
        owner.unregister(connection)
    }

    /// Ends a connection that cannot go on, and says why, once.
    private func close(_ reason: String, sending frame: Frame? = nil) {
        guard state != .closing, let connection else { return }
        state = .closing
        handshakeTimer?.cancel()
        owner.logger.info(
            "rpc connection closed",
            metadata: [
                LogKeys.peerAddress: "\(connection.peerAddress):\(connection.peerPort)",
                LogKeys.reason: "\(reason)",
            ])
        owner.metrics.rejectedConnections.increment()
        if let frame { connection.write(frame.encoded()) }
        connection.close()
    }

    /// Takes no further calls, and closes after the last answer.
    func drain() {
        switch state {
        case .handshake:
            state = .closing
            connection?.close()
        case .open:
            state = .draining
            connection?.write(Frame.goAway.encoded())
            closeIfDrained()
        case .draining, .closing: break
        }
    }

    private func closeIfDrained() {
        guard state == .draining, inFlight.isEmpty else { return }
        state = .closing
        connection?.close()
    }

    // MARK: Frames

    private func handle(_ frame: Frame) {
        switch state {
        case .handshake: shakeHands(frame)
        case .open, .draining:
            switch frame {
            case .request(let request): begin(request)
            case .cancel(let callID): inFlight[callID]?.interest.lose()
            default: close("a frame that only servers or newcomers send")
            }
        case .closing: break
        }
    }

    private func shakeHands(_ frame: Frame) {
        switch handshake.handle(frame) {
        case .send(let reply): connection?.write(reply.encoded())
        case .accept(let welcome):
            state = .open
            handshakeTimer?.cancel()
            watchForStalls()
            assembler.frameBytesMax = Limits.rpcFrameBytesMax
            connection?.write(welcome.encoded())
        case .refuse(let refusal, let reason): close(reason, sending: refusal)
        }
    }

    /// Up to a thousand long answers may wait for a peer that reads nothing.
    private func watchForStalls() {
        let limit = owner.stallLimit
        stallTimer = connection?.loop.schedule(after: limit / 2, repeating: limit / 2) {
            [weak self] in
            guard let self, let connection, connection.unsentBytes > 0 else { return }
            let waited = connection.loop.nowMilliseconds - connection.lastProgressMilliseconds
            guard .milliseconds(waited) > limit else { return }
            close("the peer took no byte for \(limit)")
            connection.abort()
        }
    }

    // MARK: Calls

    private func begin(_ request: RequestFrame) {
        guard let connection, inFlight[request.callID] == nil else {
            return close("call id \(request.callID) is in flight already")
        }
        if let error = reasonToRefuse(request) {
            owner.metrics.count(request.method, error.status)
            return send(request.callID, error.status, Array(error.message.utf8))
        }
        let now = ContinuousClock.now
        let interest = CallInterest()
        inFlight[request.callID] = InFlightCall(
            method: request.method, bodyBytes: request.body.count, interest: interest, start: now)
        inFlightBytes += request.body.count
        owner.metrics.inFlight.increment()
        updateReading()
        let answer = CallAnswer(loop: connection.loop) { [weak self] status, body in
            self?.answer(request.callID, status, body)
        }
        owner.handler(
            RPCCall(
                request, deadline: now + .milliseconds(request.remainingMilliseconds),
                interest: interest, answer: answer))
    }

    private func reasonToRefuse(_ request: RequestFrame) -> RPCError? {
        if state == .draining { return RPCError(.unavailable, "the node is shutting down") }
        if inFlight.count >= owner.inFlightMax {
            return RPCError(.overloaded, "\(inFlight.count) calls are in flight on this connection")
        }
        if request.remainingMilliseconds == 0 {
            return RPCError(.deadlineExceeded, "the deadline passed before the call arrived")
        }
        return nil
    }

    private func answer(_ callID: UInt64, _ status: RPCStatus, _ body: [UInt8]) {
        // The connection may have closed in the meantime.
        guard let call = inFlight.removeValue(forKey: callID) else { return }
        inFlightBytes -= call.bodyBytes
        owner.metrics.inFlight.decrement()
        owner.metrics.record(call.method, status, .now - call.start)
        if call.interest.exists { send(callID, status, body) }
        updateReading()
        closeIfDrained()
    }

    private func send(_ callID: UInt64, _ status: RPCStatus, _ body: [UInt8]) {
        guard body.count <= Limits.rpcFrameBytesMax - Frame.responseOverheadBytes else {
            let reason = "the answer of \(body.count) bytes is longer than a frame may be"
            return send(callID, .resourceExhausted, Array(reason.utf8))
        }
        let response = ResponseFrame(callID: callID, status: status.rawValue, body: body[...])
        connection?.write([response.head(), body])
        updateReading()
    }

    private func updateReading() {
        guard let connection, state != .closing else { return }
        if inFlightBytes > Limits.rpcInFlightBytesMax || !connection.isWritable {
            connection.pauseReading()
        } else {
            connection.resumeReading()
        }
    }
}
