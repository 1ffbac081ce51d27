// One connection of a client: the handshake, then calls out and answers in. Everything here happens
// on the client's loop. Which calls are in flight is the business of ClientCore; a link reports.

internal import Base
internal import Crypto
internal import EventLoop
internal import Wire

final class ClientLink: ConnectionHandler, @unchecked Sendable {
    private enum State { case handshake, open, closed }

    // Set in `connectionOpened`; loop only, like all that follows.
    private var connection: Connection?
    private let core: ClientCore
    private var state = State.handshake
    private var assembler = FrameAssembler(frameBytesMax: Limits.rpcHandshakeFrameBytesMax)
    private var handshake: ClientHandshake
    private var handshakeTimer: LoopTimer?
    /// What the server allows; known after the handshake.
    private(set) var frameBytesMax = 0
    private(set) var inFlightMax = 0
    /// The server takes no further calls on this connection.
    private(set) var isGoingAway = false
    /// Calls that this connection carries; counted by the core.
    var callCount = 0
    /// Since when calls have waited without a byte from the server; nil while none has to.
    private(set) var waitingSince: ContinuousClock.Instant?
    /// Why we ended it ourselves.
    private var failure: RPCError?

    init(core: ClientCore) {
        self.core = core
        handshake = ClientHandshake(secret: core.secret, nonce: secureRandomBytes(Frame.nonceBytes))
    }

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        connection.write(handshake.hello.encoded())
        handshakeTimer = connection.loop.schedule(after: .seconds(Limits.rpcHandshakeSeconds)) {
            [weak self] in
            let limit = Limits.rpcHandshakeSeconds
            self?.fail(RPCError(.unavailable, "no handshake within \(limit) seconds"))
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        var input = bytes[...]
        do {
            while state != .closed, let frame = try assembler.next(&input) { handle(frame) }
        } catch {
            fail(RPCError(.protocolViolation, "\(error)", cause: error))
        }
        waitingSince = callCount > 0 ? .now : nil
    }

    func closed(_ connection: Connection, error: NetworkError?) {
        handshakeTimer?.cancel()
        self.connection = nil
        end(failure ?? lost(error))
    }

    private func lost(_ error: NetworkError?) -> RPCError {
        guard state == .open else {
            return RPCError(
                .unavailable, error?.message ?? "the server closed the connection", cause: error)
        }
        return RPCError(
            .connectionLost, error?.message ?? "the server closed the connection", cause: error)
    }

    /// Reports the end, once.
    private func end(_ error: RPCError) {
        guard state != .closed else { return }
        let wasOpen = state == .open
        state = .closed
        handshakeTimer?.cancel()
        core.linkEnded(self, error, wasOpen: wasOpen)
    }

    /// Gives the connection up.
    func fail(_ error: RPCError) {
        guard state != .closed else { return }
        failure = error
        connection?.abort()
        end(error)
    }

    /// Closes in good order, once no call is in flight any more.
    func close() {
        guard state != .closed else { return }
        connection?.close()
        end(RPCError(.unavailable, "the connection was closed"))
    }

    // MARK: Frames

    private func handle(_ frame: Frame) {
        guard state == .open else { return shakeHands(frame) }
        switch frame {
        case .response(let response): core.answered(response, on: self)
        case .goAway:
            isGoingAway = true
            core.linkIsGoingAway(self)
        case .refusal(let status, let reason): fail(RPCError(refusal: status, reason: reason))
        default: fail(RPCError(.protocolViolation, "a frame that only clients send"))
        }
    }

    private func shakeHands(_ frame: Frame) {
        switch handshake.handle(frame) {
        case .send(let reply): connection?.write(reply.encoded())
        case .established(let frameBytesMax, let inFlightMax):
            state = .open
            handshakeTimer?.cancel()
            self.frameBytesMax = frameBytesMax
            self.inFlightMax = inFlightMax
            assembler.frameBytesMax = Limits.rpcFrameBytesMax
            core.linkIsOpen(self)
        case .fail(let error): fail(error)
        }
    }

    func send(_ callID: UInt64, _ call: PendingCall) {
        let request = RequestFrame(
            callID: callID, method: call.method,
            remainingMilliseconds: remainingMilliseconds(until: call.deadline),
            body: call.body[...])
        waitingSince = waitingSince ?? .now
        connection?.write([request.head(), call.body])
    }

    /// Written and not yet on its way, also of calls that are over.
    var unsentBytes: Int { connection?.unsentBytes ?? 0 }

    func sendCancel(_ callID: UInt64) { connection?.write(Frame.cancel(callID: callID).encoded()) }

    private func remainingMilliseconds(until deadline: ContinuousClock.Instant) -> UInt32 {
        // Rounded up: our own timer decides, the server only learns what is wasted.
        let milliseconds = (deadline - .now) / .milliseconds(1)
        return UInt32(min(max(milliseconds.rounded(.up), 1), Double(UInt32.max)))
    }
}
