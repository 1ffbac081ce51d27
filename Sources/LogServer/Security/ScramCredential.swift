// What the server keeps instead of a password (RFC 5802):
//
//     SaltedPassword = PBKDF2(password, salt, iterations)
//     StoredKey      = H(HMAC(SaltedPassword, "Client Key"))      checks a client's proof
//     ServerKey      = HMAC(SaltedPassword, "Server Key")         proves the server to the client
//
// Neither gives the password back, nor lets anybody pose as the user.

internal import Base
internal import Crypto

/// The mechanisms by which clients say who they are.
enum SaslMechanism: String, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"

    var scram: ScramMechanism? {
        switch self {
        case .plain: nil
        case .scramSHA256: .sha256
        case .scramSHA512: .sha512
        }
    }
}

/// The two that are kept; raw values as on the wire and in the checkpoint.
enum ScramMechanism: Int8, CaseIterable, Comparable {
    case sha256 = 1
    case sha512 = 2

    var hash: HashFunction { self == .sha256 ? .sha256 : .sha512 }
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A password that cannot be read any more.
struct ScramCredential: Equatable {
    var mechanism: ScramMechanism
    var salt: [UInt8]
    var iterations: Int
    var storedKey: [UInt8]
    var serverKey: [UInt8]

    init(_ mechanism: ScramMechanism, salt: [UInt8], iterations: Int, saltedPassword: [UInt8]) {
        self.mechanism = mechanism
        self.salt = salt
        self.iterations = iterations
        let hash = mechanism.hash
        storedKey = hash.digest(hash.hmac(key: saltedPassword, message: Array("Client Key".utf8)))
        serverKey = hash.hmac(key: saltedPassword, message: Array("Server Key".utf8))
    }

    init(
        _ mechanism: ScramMechanism, salt: [UInt8], iterations: Int, storedKey: [UInt8],
        serverKey: [UInt8]
    ) {
        self.mechanism = mechanism
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Takes milliseconds.
    init(_ mechanism: ScramMechanism, password: [UInt8], salt: [UInt8], iterations: Int) {
        self.init(
            mechanism, salt: salt, iterations: iterations,
            saltedPassword: mechanism.hash.stretch(
                password: password, salt: salt, iterations: iterations))
    }

    /// Whether this is the password. Takes milliseconds, whatever the answer.
    func matches(password: [UInt8]) -> Bool {
        let other = ScramCredential(
            mechanism, password: password, salt: salt, iterations: iterations)
        return constantTimeEqual(other.storedKey, storedKey)
    }
}
