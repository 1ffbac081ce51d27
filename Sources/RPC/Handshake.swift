// How two processes convince each other that both know the cluster secret, without sending it.
//
//     client                                       server
//     hello(version, client nonce)        ->
//                                         <-       challenge(version, server nonce)
//     proof(HMAC "client")                ->
//                                         <-       welcome(HMAC "server", limits)
//
// Both proofs cover both nonces, the version and the role, so that neither can be replayed on
// another connection or sent back to its maker. The client proves itself first: whoever merely
// connects to a port learns nothing that he could test guesses of the secret against.
//
// Both machines are pure: a frame goes in, what to do comes out.

internal import Base
internal import Crypto
internal import Wire

/// The side that a proof speaks for.
enum HandshakeRole: String {
    case client = "millrace-rpc-client"
    case server = "millrace-rpc-server"

    func proof(_ secret: ClusterSecret, clientNonce: [UInt8], serverNonce: [UInt8]) -> [UInt8] {
        // Every part has a fixed length, so no two inputs can be written the same way.
        secret.authenticate(Array(rawValue.utf8) + [Frame.version] + clientNonce + serverNonce)
    }
}

/// The server's side.
struct ServerHandshake {
    enum Action: Equatable {
        case send(Frame)
        /// The peer is one of us: send this, then take calls.
        case accept(Frame)
        /// Send this if there is something to send, and close; the text is for the log.
        case refuse(Frame?, reason: String)
    }

    private enum State {
        case awaitingHello
        case awaitingProof(clientNonce: [UInt8])
        case done
    }

    private let secret: ClusterSecret
    private let nonce: [UInt8]
    private var state = State.awaitingHello

    init(secret: ClusterSecret, nonce: [UInt8]) {
        self.secret = secret
        self.nonce = nonce
    }

    mutating func handle(_ frame: Frame) -> Action {
        switch (state, frame) {
        case (.awaitingHello, .hello(let version, let clientNonce)):
            guard version == Frame.version else { return refuse(version: version) }
            state = .awaitingProof(clientNonce: clientNonce)
            return .send(.challenge(version: Frame.version, nonce: nonce))
        case (.awaitingProof(let clientNonce), .proof(let proof)):
            state = .done
            return check(proof, clientNonce: clientNonce)
        case (.awaitingHello, _), (.awaitingProof, _):
            state = .done
            return refuse(.unauthenticated, "the handshake comes before anything else")
        case (.done, _):
            preconditionFailure("\(frame) after the end of the handshake")
        }
    }

    private func check(_ proof: [UInt8], clientNonce: [UInt8]) -> Action {
        let expected = HandshakeRole.client.proof(
            secret, clientNonce: clientNonce, serverNonce: nonce)
        guard constantTimeEqual(proof, expected) else {
            return refuse(.unauthenticated, "the peer does not know the cluster secret")
        }
        return .accept(
            .welcome(
                proof: HandshakeRole.server.proof(
                    secret, clientNonce: clientNonce, serverNonce: nonce),
                frameBytesMax: UInt32(Limits.rpcFrameBytesMax),
                inFlightMax: UInt32(Limits.rpcInFlightMax)))
    }

    private func refuse(version: UInt8) -> Action {
        refuse(
            .protocolViolation,
            "the peer speaks version \(version) of the protocol, this node version \(Frame.version)"
        )
    }

    private func refuse(_ status: RPCStatus, _ reason: String) -> Action {
        .refuse(.refusal(status: status.rawValue, reason: reason), reason: reason)
    }
}

/// The client's side.
struct ClientHandshake {
    enum Action {
        case send(Frame)
        /// The server is one of us; never send it more or larger than this.
        case established(frameBytesMax: Int, inFlightMax: Int)
        case fail(RPCError)
    }

    private enum State {
        case awaitingChallenge
        case awaitingWelcome(serverNonce: [UInt8])
    }

    private let secret: ClusterSecret
    private let nonce: [UInt8]
    private var state = State.awaitingChallenge

    init(secret: ClusterSecret, nonce: [UInt8]) {
        self.secret = secret
        self.nonce = nonce
    }

    /// What the client says first.
    var hello: Frame { .hello(version: Frame.version, nonce: nonce) }

    mutating func handle(_ frame: Frame) -> Action {
        switch (state, frame) {
        case (_, .refusal(let status, let reason)):
            return .fail(RPCError(refusal: status, reason: "refused by the server: \(reason)"))
        case (.awaitingChallenge, .challenge(let version, let serverNonce)):
            guard version == Frame.version else {
                return .fail(
                    RPCError(
                        .protocolViolation, "the server speaks version \(version) of the protocol"))
            }
            state = .awaitingWelcome(serverNonce: serverNonce)
            return .send(
                .proof(
                    HandshakeRole.client.proof(secret, clientNonce: nonce, serverNonce: serverNonce)
                ))
        case (.awaitingWelcome(let serverNonce), .welcome(let proof, let bytesMax, let callsMax)):
            let expected = HandshakeRole.server.proof(
                secret, clientNonce: nonce, serverNonce: serverNonce)
            guard constantTimeEqual(proof, expected) else {
                return .fail(
                    RPCError(.unauthenticated, "the server does not know the cluster secret"))
            }
            return .established(
                frameBytesMax: min(Int(bytesMax), Limits.rpcFrameBytesMax),
                inFlightMax: min(Int(callsMax), Limits.rpcInFlightMax))
        default:
            return .fail(RPCError(.protocolViolation, "unexpected frame during the handshake"))
        }
    }
}
