// What a client knows, on its loop: the calls that are not answered yet, the connection if there is
// one, and when to try for the next.
//
// Invariants: a call is in `calls` from its submission until its outcome, and its timer lives as
// long; it is in `waiting` while no connection has carried it; at most one attempt to connect is
// under way. Connections are made only while calls wait for one.

internal import Base
internal import CoreMetrics
internal import Crypto
internal import EventLoop
internal import Logging
internal import Wire

final class ClientCore: @unchecked Sendable {
    private struct Call {
        var pending: PendingCall
        var timer: LoopTimer
        /// The connection that carries it; nil while it waits for one.
        var link: ClientLink?
    }

    let address: HostPort
    let secret: ClusterSecret
    let loop: EventLoop
    private let logger: Logger
    private let metrics = RPCClientMetrics()
    // Loop only, all of it.
    private var calls: [UInt64: Call] = [:]
    private var waiting: [UInt64] = []
    private var bodyBytes = 0
    private var lastCallID: UInt64 = 0
    private var link: ClientLink?
    /// The one being set up.
    private var attempt: ClientLink?
    private var isConnecting = false
    private var retryTimer: LoopTimer?
    private var backoff = Backoff(first: .milliseconds(50), limit: .seconds(2))
    private var random: PRNG
    /// Attempts that failed since the last connection.
    private var failures = 0
    private let silenceLimit: Duration
    private var nextAttempt = ContinuousClock.now
    private var lastFailure: RPCError?
    private var isClosed = false

    init(
        address: HostPort, secret: ClusterSecret, loop: EventLoop, logger: Logger, random: PRNG,
        silenceLimit: Duration
    ) {
        self.address = address
        self.secret = secret
        self.loop = loop
        self.logger = logger
        self.random = random
        self.silenceLimit = silenceLimit
    }

    // MARK: Calls

    /// Takes a call on; its outcome comes through the call itself.
    func submit(_ call: PendingCall) {
        // Cancelled before it got here.
        guard !call.isDone else { return }
        if let error = reasonToRefuse(call) { return call.finish(.failure(error)) }
        lastCallID += 1
        let callID = lastCallID
        calls[callID] = Call(pending: call, timer: timer(callID, call.connectDeadline), link: nil)
        bodyBytes += call.body.count
        if let link {
            send(callID, on: link)
        } else {
            waiting.append(callID)
            connectIfNeeded()
        }
    }

    private func timer(_ callID: UInt64, _ deadline: ContinuousClock.Instant) -> LoopTimer {
        loop.schedule(after: deadline - .now) { [self] in timeOut(callID) }
    }

    private func reasonToRefuse(_ call: PendingCall) -> RPCError? {
        if isClosed { return RPCError(.unavailable, "the client of \(address) is closed") }
        let callsMax = link?.inFlightMax ?? Limits.rpcInFlightMax
        // The bodies of calls that are over may still wait to be sent.
        let bytes = max(bodyBytes, link?.unsentBytes ?? 0)
        if calls.count >= callsMax || bytes > Limits.rpcInFlightBytesMax {
            return RPCError(
                .overloaded, "\(calls.count) calls and \(bytes) bytes wait for \(address)")
        }
        if let lastFailure, !lastFailure.isRetriable, ContinuousClock.now < nextAttempt {
            return lastFailure
        }
        return nil
    }

    private func send(_ callID: UInt64, on link: ClientLink) {
        guard let call = calls[callID]?.pending else { return }
        let bodyMax = link.frameBytesMax - Frame.requestOverheadBytes
        guard call.body.count <= bodyMax else {
            let what = "a body of \(call.body.count) bytes, at most \(bodyMax) fit a frame"
            return finish(callID, .failure(RPCError(.resourceExhausted, "\(call.method): \(what)")))
        }
        calls[callID]?.link = link
        link.callCount += 1
        link.send(callID, call)
    }

    /// Forgets a call that the caller has cancelled.
    func forget(_ call: PendingCall) {
        guard let callID = calls.first(where: { $0.value.pending === call })?.key else { return }
        calls[callID]?.link?.sendCancel(callID)
        remove(callID)
    }

    func answered(_ response: ResponseFrame, on link: ClientLink) {
        // The call may have been cancelled, or have run out of time.
        guard let call = calls[response.callID], call.link === link else { return }
        if response.status == RPCStatus.ok.rawValue {
            finish(response.callID, .success(response.body))
        } else {
            let error = RPCError(response: response, to: call.pending.method, at: address)
            finish(response.callID, .failure(error))
        }
    }

    private func timeOut(_ callID: UInt64) {
        guard let call = calls[callID] else { return }
        let what = "\(call.pending.method) at \(address) within \(call.pending.timeout)"
        guard let link = call.link else {
            let why = lastFailure.map { ": \($0.message)" } ?? ""
            let error = RPCError(
                .unavailable,
                "no connection in time for \(call.pending.method) at \(address)\(why)",
                cause: lastFailure)
            return finish(callID, .failure(error))
        }
        let end = call.pending.deadline
        if call.pending.connectDeadline < end, ContinuousClock.now < end {
            // That was the wait for a connection, and there is one.
            calls[callID]?.timer = timer(callID, end)
            return
        }
        link.sendCancel(callID)
        finish(callID, .failure(RPCError(.deadlineExceeded, "no answer to \(what)")))
        guard let since = link.waitingSince else { return }
        let silence = ContinuousClock.now - since
        if silence >= silenceLimit {
            link.fail(RPCError(.connectionLost, "nothing came from \(address) for \(silence)"))
        }
    }

    private func finish(_ callID: UInt64, _ outcome: PendingCall.Outcome) {
        guard let call = calls[callID] else { return }
        remove(callID)
        call.pending.finish(outcome)
    }

    private func remove(_ callID: UInt64) {
        guard let call = calls.removeValue(forKey: callID) else { return }
        call.timer.cancel()
        bodyBytes -= call.pending.body.count
        if let link = call.link {
            link.callCount -= 1
            closeIfIdle(link)
        } else {
            waiting.removeAll { $0 == callID }
        }
    }

    // MARK: The connection

    private func connectIfNeeded() {
        guard !waiting.isEmpty, link == nil, !isConnecting, retryTimer == nil, !isClosed else {
            return
        }
        let wait = nextAttempt - .now
        guard wait <= .zero else {
            retryTimer = loop.schedule(after: wait) { [self] in
                retryTimer = nil
                connectIfNeeded()
            }
            return
        }
        isConnecting = true
        TCPClient.connect(
            host: address.host, port: address.port, on: loop,
            timeout: .seconds(Limits.rpcHandshakeSeconds),
            handler: { [self] in
                let link = ClientLink(core: self)
                attempt = link
                return link
            },
            then: { [self] result in
                guard case .failure(let error) = result else { return }
                attemptFailed(RPCError(.unavailable, error.message, cause: error))
            })
    }

    func linkIsOpen(_ link: ClientLink) {
        guard !isClosed else { return link.close() }
        isConnecting = false
        attempt = nil
        self.link = link
        backoff.reset()
        failures = 0
        lastFailure = nil
        metrics.connections.increment()
        logger.debug("rpc connection open", metadata: [LogKeys.peerAddress: "\(address)"])
        let ready = waiting
        waiting = []
        for callID in ready { send(callID, on: link) }
    }

    func linkEnded(_ link: ClientLink, _ error: RPCError, wasOpen: Bool) {
        guard wasOpen else { return attemptFailed(error) }
        if self.link === link {
            self.link = nil
            nextAttempt = .now + backoff.next(using: &random)
        }
        let lost = calls.filter { $0.value.link === link }.keys.sorted()
        if !lost.isEmpty {
            metrics.lostConnections.increment()
            logger.info(
                "rpc connection lost",
                metadata: [
                    LogKeys.peerAddress: "\(address)", LogKeys.reason: "\(error.message)",
                ])
        }
        for callID in lost { finish(callID, .failure(wasLost(callID, error))) }
        connectIfNeeded()
    }

    private func wasLost(_ callID: UInt64, _ error: RPCError) -> RPCError {
        let what = calls[callID].map { "\($0.pending.method) at \(address)" } ?? "\(address)"
        return RPCError(error.status, "\(what): \(error.message)", cause: error.cause)
    }

    private func attemptFailed(_ error: RPCError) {
        isConnecting = false
        attempt = nil
        failures += 1
        let wait = backoff.next(using: &random)
        nextAttempt = .now + wait
        metrics.failedAttempts.increment()
        // One line for the first failure in a row: the rest says nothing new.
        logger.log(
            level: failures == 1 ? .info : .debug, "rpc connection attempt failed",
            metadata: [
                LogKeys.peerAddress: "\(address)", LogKeys.reason: "\(error.message)",
                LogKeys.failureCount: "\(failures)", LogKeys.retryAfter: "\(wait)",
            ])
        let failure = RPCError(error.status, "\(address): \(error.message)", cause: error.cause)
        lastFailure = failure
        if !failure.isRetriable {
            // A wrong secret or a wrong version stays wrong while we wait.
            for callID in waiting { finish(callID, .failure(failure)) }
        }
        connectIfNeeded()
    }

    func linkIsGoingAway(_ link: ClientLink) {
        guard self.link === link else { return }
        self.link = nil
        nextAttempt = .now + backoff.next(using: &random)
        closeIfIdle(link)
    }

    private func closeIfIdle(_ link: ClientLink) {
        guard link.isGoingAway, link.callCount == 0 else { return }
        link.close()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        retryTimer?.cancel()
        retryTimer = nil
        let error = RPCError(.unavailable, "the client of \(address) was closed")
        for callID in calls.keys.sorted() { finish(callID, .failure(error)) }
        attempt?.fail(error)
        link?.close()
    }
}
