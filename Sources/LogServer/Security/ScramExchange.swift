// The server's side of SCRAM (RFC 5802, RFC 7677), without channel binding:
//
//     client-first   n,,n=user,r=client-nonce
//     server-first   r=client-nonce server-nonce,s=salt,i=iterations
//     client-final   c=biws,r=both-nonces,p=proof
//     server-final   v=signature
//
// A user that does not exist gets a salt too, and fails at the end like a wrong password.

internal import Base
internal import Crypto

/// Why an exchange ended: for the log, never for the client.
enum AuthenticationFailure: Error, Equatable {
    /// User or password.
    case wrongCredentials(user: String)
    /// A message that is none of the mechanism's.
    case malformed(String)

    var user: String? {
        if case .wrongCredentials(let user) = self { return user }
        return nil
    }
}

/// One exchange. A value: `first` answers the first message, `last` the second.
struct ScramExchange {
    private let mechanism: ScramMechanism
    private let user: String
    private let credential: ScramCredential
    /// Whether the credential is a real one.
    private let isKnown: Bool
    private let nonce: String
    /// The base64 of the client's first header, which the second message repeats.
    private let channelBinding: String
    private let transcript: String
    /// The answer to the first message.
    let serverFirst: [UInt8]

    /// Reads the first message. `credential` finds the user's, or makes one up; `nonce` is the
    /// server's part: printable, without a comma.
    init(
        _ mechanism: ScramMechanism, clientFirst: [UInt8], nonce serverNonce: String,
        credential find: (String) -> (credential: ScramCredential, isKnown: Bool)
    ) throws(AuthenticationFailure) {
        let text = try Self.text(clientFirst)
        let header = try Self.header(text)
        let bare = String(decoding: text.utf8.dropFirst(header.utf8.count), as: UTF8.self)
        let fields = bare.split(separator: ",", omittingEmptySubsequences: false)
        // Extensions may follow; a mandatory one ("m=") would come first.
        guard fields.count >= 2, let name = Self.value("n", fields[0]),
            let clientNonce = Self.value("r", fields[1]), !clientNonce.isEmpty
        else { throw .malformed("the first message has no name and nonce") }
        user = try Self.user(name)
        self.mechanism = mechanism
        channelBinding = base64(Array(header.utf8))
        (credential, isKnown) = find(user)
        nonce = clientNonce + serverNonce
        let first = "r=\(nonce),s=\(base64(credential.salt)),i=\(credential.iterations)"
        transcript = "\(bare),\(first)"
        serverFirst = Array(first.utf8)
    }

    /// Checks the second message; gives the user and the last message.
    func finish(
        clientFinal: [UInt8]
    ) throws(AuthenticationFailure) -> (user: String, serverFinal: [UInt8]) {
        let text = try Self.text(clientFinal)
        guard let comma = text.lastIndex(of: ","),
            let proof = Self.value("p", text[text.index(after: comma)...]).flatMap(decodeBase64)
        else { throw .malformed("the last message has no proof") }
        let withoutProof = text[..<comma]
        let fields = withoutProof.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count >= 2, let binding = Self.value("c", fields[0]),
            let repeated = Self.value("r", fields[1])
        else { throw .malformed("the last message has no binding and nonce") }
        // Older librdkafka says its own part twice; like Kafka, this server looks at the end.
        guard binding == channelBinding,
            repeated.utf8.suffix(nonce.utf8.count).elementsEqual(nonce.utf8)
        else {
            throw .malformed("binding or nonce are not those of the first message")
        }
        let hash = mechanism.hash
        let message = Array("\(transcript),\(withoutProof)".utf8)
        let signature = hash.hmac(key: credential.storedKey, message: message)
        guard proof.count == signature.count else { throw .malformed("the proof's length") }
        let clientKey = zip(proof, signature).map { $0 ^ $1 }
        let isRight = constantTimeEqual(hash.digest(clientKey), credential.storedKey)
        guard isRight, isKnown else { throw .wrongCredentials(user: user) }
        let last = hash.hmac(key: credential.serverKey, message: message)
        return (user, Array("v=\(base64(last))".utf8))
    }

    private static func text(_ bytes: [UInt8]) throws(AuthenticationFailure) -> String {
        guard bytes.count <= Limits.saslMessageBytesMax, !bytes.contains(0),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .malformed("a message is too long or no text") }
        return text
    }

    /// "n,," or "y,,"; who one acts for may stand between the commas if it is nobody else.
    private static func header(_ text: String) throws(AuthenticationFailure) -> String {
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "n" || parts[0] == "y" else {
            throw .malformed("channel binding is not offered")
        }
        if let other = value("a", parts[1]) {
            let name = parts[2].split(separator: ",").first.flatMap { value("n", $0) }
            guard name == other else { throw .malformed("acting for another user is not served") }
        } else if !parts[1].isEmpty {
            throw .malformed("the first message's header")
        }
        return "\(parts[0]),\(parts[1]),"
    }

    private static func value(_ name: Character, _ field: Substring) -> String? {
        field.hasPrefix("\(name)=") ? String(field.dropFirst(2)) : nil
    }

    /// Commas and equal signs of a name are written "=2C" and "=3D".
    private static func user(_ name: String) throws(AuthenticationFailure) -> String {
        var rest = name[...]
        var user = ""
        while let character = rest.popFirst() {
            guard character == "=" else {
                user.append(character)
                continue
            }
            switch rest.prefix(2) {
            case "2C": user.append(",")
            case "3D": user.append("=")
            default: throw .malformed("the user's name")
            }
            rest = rest.dropFirst(2)
        }
        guard !user.isEmpty, user.utf8.count <= Limits.logUserTextBytesMax else {
            throw .malformed("the user's name")
        }
        return user
    }
}
