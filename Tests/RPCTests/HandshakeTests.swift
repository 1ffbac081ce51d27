import Base
import Crypto
import Testing
import Wire

@testable import RPC

/// The two handshake machines convince each other, and nothing else convinces either.
@Suite struct HandshakeTests {
    private let secret: ClusterSecret
    private let other: ClusterSecret
    private let clientNonce = (0..<32).map { UInt8($0) }
    private let serverNonce = (32..<64).map { UInt8($0) }

    init() throws {
        secret = try ClusterSecret("0123456789abcdef")
        other = try ClusterSecret("fedcba9876543210")
    }

    @Test func bothSidesAgree() throws {
        var client = ClientHandshake(secret: secret, nonce: clientNonce)
        var server = ServerHandshake(secret: secret, nonce: serverNonce)
        guard case .send(let challenge) = server.handle(client.hello),
            case .send(let proof) = client.handle(challenge),
            case .accept(let welcome) = server.handle(proof),
            case .established(let frameBytesMax, let inFlightMax) = client.handle(welcome)
        else {
            Issue.record("the handshake failed")
            return
        }
        #expect(frameBytesMax == Limits.rpcFrameBytesMax && inFlightMax == Limits.rpcInFlightMax)
    }

    /// The proofs of docs/formats/rpc.md, computed elsewhere from its description.
    @Test func proofsAreGolden() {
        let proof = HandshakeRole.client.proof(
            secret, clientNonce: clientNonce, serverNonce: serverNonce)
        #expect(hexadecimal(proof) == goldenClientProof)
        let reply = HandshakeRole.server.proof(
            secret, clientNonce: clientNonce, serverNonce: serverNonce)
        #expect(hexadecimal(reply) == goldenServerProof)
    }

    @Test func everyWrongProofIsRefused() throws {
        let right = HandshakeRole.client.proof(
            secret, clientNonce: clientNonce, serverNonce: serverNonce)
        let wrong = [
            HandshakeRole.client.proof(other, clientNonce: clientNonce, serverNonce: serverNonce),
            // Replay from a connection with other nonces.
            HandshakeRole.client.proof(secret, clientNonce: clientNonce, serverNonce: clientNonce),
            HandshakeRole.client.proof(secret, clientNonce: serverNonce, serverNonce: serverNonce),
            // The server's own proof, sent back to it.
            HandshakeRole.server.proof(secret, clientNonce: clientNonce, serverNonce: serverNonce),
            right.dropLast() + [right[31] ^ 1],
        ]
        for proof in wrong {
            var server = ServerHandshake(secret: secret, nonce: serverNonce)
            _ = server.handle(.hello(version: 1, nonce: clientNonce))
            guard case .refuse(.refusal(let status, _)?, _) = server.handle(.proof(proof)) else {
                Issue.record("accepted \(hexadecimal(proof))")
                continue
            }
            #expect(status == RPCStatus.unauthenticated.rawValue)
        }
    }

    @Test func onlyTheExpectedFrameIsTaken() {
        let frames: [Frame] = [
            .challenge(version: 1, nonce: clientNonce), .proof(clientNonce), .goAway,
            .cancel(callID: 1),
            .request(RequestFrame(callID: 1, method: .scan, remainingMilliseconds: 1, body: [])),
        ]
        for frame in frames {
            var server = ServerHandshake(secret: secret, nonce: serverNonce)
            guard case .refuse = server.handle(frame) else {
                Issue.record("the server took \(frame)")
                continue
            }
        }
        for frame in frames.dropFirst() {
            var client = ClientHandshake(secret: secret, nonce: clientNonce)
            guard case .fail = client.handle(frame) else {
                Issue.record("the client took \(frame)")
                continue
            }
        }
    }
}

private let goldenClientProof = "1d39127464eeddfc3690810d32dde9089d64dd453777a8d86c9cac0472cf9821"
private let goldenServerProof = "02d5ebec3ba9339fa8653f56388afb18a60b7a54363bad033f5465e2e1ff4a12"

/// Feeds frames to a client's handshake and tells how it failed.
struct ClientHandshakeProbe {
    private var handshake: ClientHandshake

    init(secret: String) {
        guard let secret = try? ClusterSecret(secret) else { preconditionFailure("a bad secret") }
        handshake = ClientHandshake(secret: secret, nonce: [UInt8](repeating: 1, count: 32))
    }

    mutating func statusAfter(_ frame: Frame) throws -> RPCStatus? {
        guard case .fail(let error) = handshake.handle(frame) else { return nil }
        return error.status
    }
}
