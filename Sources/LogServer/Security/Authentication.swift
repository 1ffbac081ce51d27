// How one connection says who its client is. Pure: what takes long is returned as something to do.
//
//   waiting --SaslHandshake--> chosen --token--> [proving --token-->] known
//      \------------ wrong mechanism, message or password --------------> failed
//
// Until a client is known it may ask for the versions and speak of its identity, nothing else.

internal import Base
internal import KafkaWire

/// The state of a connection that has to authenticate.
struct Authentication {
    private enum State {
        case waiting
        case chosen(SaslMechanism)
        case proving(ScramExchange)
        /// A password is being checked.
        case checking(user: String)
        case known(user: String)
        case failed
    }

    /// What a message of the mechanism led to.
    enum Step {
        /// The next message is the client's.
        case challenge([UInt8])
        /// The client is known; the last message.
        case known(user: String, [UInt8])
        /// Takes milliseconds: check it elsewhere, then call `checked`.
        case check(user: String, password: [UInt8])
        case failed(AuthenticationFailure)
    }

    private var state = State.waiting
    /// The mechanism's messages come without headers: the handshake was of version 0.
    private(set) var isRaw = false
    /// For the log.
    private(set) var mechanism: SaslMechanism?

    /// Who the client is, once it has shown it.
    var user: String? {
        if case .known(let user) = state { return user }
        return nil
    }

    /// Whether nothing but closing the connection is left.
    var hasFailed: Bool {
        if case .failed = state { return true }
        return false
    }

    /// Whether a request may be served now.
    func allows(_ key: APIKey) -> Bool {
        switch state {
        case .known: true
        case .failed: false
        default: key == .apiVersions || key == .saslHandshake || key == .saslAuthenticate
        }
    }

    /// The answer to SaslHandshake; after an error the connection is to be closed.
    mutating func handshake(_ name: String, version: Int16) -> SaslHandshakeResponse {
        var response = SaslHandshakeResponse()
        response.mechanisms = SaslMechanism.allCases.map(\.rawValue)
        guard case .waiting = state else {
            response.error = .illegalSASLState
            if user == nil { state = .failed }
            return response
        }
        guard let chosen = SaslMechanism(rawValue: name) else {
            response.error = .unsupportedSASLMechanism
            state = .failed
            return response
        }
        mechanism = chosen
        state = .chosen(chosen)
        isRaw = version == 0
        return response
    }

    /// Takes one message of the mechanism. `nonce` makes a number that is used once.
    mutating func receive(_ token: [UInt8], users: UserTable, nonce: () -> String) -> Step {
        do throws(AuthenticationFailure) {
            switch state {
            case .chosen(.plain): return try receivePlain(token)
            case .chosen(let mechanism):
                guard let scram = mechanism.scram else { throw .malformed("no such mechanism") }
                let exchange = try ScramExchange(scram, clientFirst: token, nonce: nonce()) {
                    users.credential(of: $0, scram)
                }
                state = .proving(exchange)
                return .challenge(exchange.serverFirst)
            case .proving(let exchange):
                let (user, last) = try exchange.finish(clientFinal: token)
                become(known: user)
                return .known(user: user, last)
            case .waiting, .checking, .known, .failed: throw .malformed("a message out of turn")
            }
        } catch {
            // A client that is known stays it; its connection is closed all the same.
            state = .failed
            return .failed(error)
        }
    }

    /// Whom one acts for (nobody, or oneself), user, password: each behind a zero byte.
    private mutating func receivePlain(_ token: [UInt8]) throws(AuthenticationFailure) -> Step {
        let parts = token.split(separator: 0, omittingEmptySubsequences: false)
        guard token.count <= Limits.saslMessageBytesMax, parts.count == 3, !parts[1].isEmpty,
            parts[1].count <= Limits.logUserTextBytesMax,
            let user = String(validating: parts[1], as: UTF8.self)
        else { throw .malformed("no user and password") }
        guard parts[0].isEmpty || parts[0] == parts[1] else {
            throw .malformed("acting for another user is not served")
        }
        state = .checking(user: user)
        return .check(user: user, password: Array(parts[2]))
    }

    /// The outcome of a check.
    mutating func checked(isRight: Bool) -> Step {
        guard case .checking(let user) = state else { return .failed(.malformed("no check")) }
        guard isRight else {
            state = .failed
            return .failed(.wrongCredentials(user: user))
        }
        become(known: user)
        return .known(user: user, [])
    }

    private mutating func become(known user: String) {
        state = .known(user: user)
        isRaw = false
    }
}
