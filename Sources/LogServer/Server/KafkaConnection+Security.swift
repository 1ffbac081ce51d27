// Who is on the other side: the two SASL requests, and the mechanism's messages without headers.

internal import Base
internal import Crypto
internal import EventLoop
internal import KafkaWire
internal import Logging

extension KafkaConnection {
    /// Lengths that the next request may have.
    var requestLengths: ClosedRange<Int> {
        // Key, version and correlation id are in every request.
        guard let authentication, authentication.user == nil else {
            return 8...Limits.logRequestBytesMax
        }
        return (authentication.isRaw ? 0 : 8)...Limits.logUnauthenticatedRequestBytesMax
    }

    /// Closes a connection that keeps to itself who it is.
    func limitAuthentication(on loop: EventLoop) -> LoopTimer? {
        guard authentication != nil else { return nil }
        let deadline = Duration.milliseconds(Limits.logAuthenticationMilliseconds)
        return loop.schedule(after: deadline) { [weak self] in
            guard let self, authentication?.user == nil else { return }
            noteFailure("not done in time", user: nil)
            abort()
        }
    }

    // MARK: Requests

    func answerHandshake(_ frame: RequestFrame, _ open: OpenRequest) throws {
        let request = try frame.body(SaslHandshakeRequest.self)
        guard authentication != nil else {
            var response = SaslHandshakeResponse()
            response.error = .illegalSASLState
            return finish(open, .response(response), SaslHandshakeRequest.self, frame.header)
        }
        let response = authentication?.handshake(request.mechanism, version: frame.header.version)
        guard let response else { return }
        if response.error != .none {
            noteFailure("mechanism '\(request.mechanism.prefix(32))'", user: nil)
        }
        finish(open, .response(response), SaslHandshakeRequest.self, frame.header)
    }

    func answerAuthenticate(_ frame: RequestFrame, _ open: OpenRequest) throws {
        let request = try frame.body(SaslAuthenticateRequest.self)
        guard authentication != nil else {
            var response = SaslAuthenticateResponse()
            response.error = .illegalSASLState
            response.errorMessage = "this server asks nobody who it is"
            return finish(open, .response(response), SaslAuthenticateRequest.self, frame.header)
        }
        receive(request.token) { connection, step in
            var response = SaslAuthenticateResponse()
            switch step {
            case .challenge(let token), .known(_, let token): response.token = token
            case .failed, .check:
                // The same words for all, so that they tell nothing.
                response.error = .saslAuthenticationFailed
                response.errorMessage = "user or password is wrong"
            }
            connection.finish(open, .response(response), SaslAuthenticateRequest.self, frame.header)
        }
    }

    /// A message of the mechanism without a header; the answer has none either.
    func answerToken(_ token: [UInt8], _ open: OpenRequest) {
        receive(token) { connection, step in
            switch step {
            case .challenge(let answer), .known(_, let answer):
                let length = UInt32(answer.count)
                let header = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
                connection.finish(open, .answer([header, answer], []))
            case .failed, .check: connection.finish(open, .close("authentication failed"))
            }
        }
    }

    // MARK: Steps

    /// Takes a message, and calls `reply` once on the loop: at once, after the password has been
    /// checked, or after the delay that a failure costs.
    private func receive(
        _ token: [UInt8],
        _ reply: @escaping @Sendable (KafkaConnection, Authentication.Step) -> Void
    ) {
        let step = authentication?.receive(token, users: broker.users) {
            base64(secureRandomBytes(18))
        }
        guard let step else { return }
        guard case .check(let user, let password) = step else { return end(step, reply) }
        let (users, loop) = (broker.users, loop)
        let isQueued = broker.passwords?.submit {
            let isRight = users.check(user, password: password)
            loop?.execute {
                guard let step = self.authentication?.checked(isRight: isRight) else { return }
                self.end(step, reply)
            }
        }
        if isQueued != true { abort() }
    }

    private func end(
        _ step: Authentication.Step,
        _ reply: @escaping @Sendable (KafkaConnection, Authentication.Step) -> Void
    ) {
        switch step {
        case .failed(let failure):
            noteFailure(Self.words(failure), user: failure.user)
            let delay = Duration.milliseconds(Limits.logAuthenticationFailureDelayMilliseconds)
            _ = loop?.schedule(after: delay) { reply(self, step) }
        case .known:
            becomeKnown()
            reply(self, step)
        case .challenge, .check: reply(self, step)
        }
    }

    private static func words(_ failure: AuthenticationFailure) -> String {
        switch failure {
        case .wrongCredentials: "user or password is wrong"
        case .malformed(let what): what
        }
    }

    private func noteFailure(_ reason: String, user: String?) {
        broker.metrics.authenticationFailed()
        guard let loop else { return }
        var metadata: Logger.Metadata = [
            LogKeys.peerAddress: "\(peer)", LogKeys.reason: "\(reason)",
        ]
        if let user { metadata[LogKeys.user] = "\(user)" }
        if let mechanism = authentication?.mechanism {
            metadata[LogKeys.mechanism] = "\(mechanism.rawValue)"
        }
        broker.securityLog.note("authentication failed", now: loop.nowMilliseconds, metadata)
    }

    /// A handshake that came to nothing shows only in how the connection ended.
    func noteEnd(_ error: NetworkError?) {
        guard let error, error.code == .insecure, let loop else { return }
        broker.metrics.closedForCause()
        broker.securityLog.note(
            "tls failed", now: loop.nowMilliseconds,
            [LogKeys.peerAddress: "\(peer)", LogKeys.reason: "\(error.message)"])
    }
}
