// What the processes of one cluster know and nobody else: their proof to each other.

internal import Base

/// Why a cluster secret was refused.
package struct InvalidSecret: Error, Sendable, Equatable {
    package let message: String
}

/// The shared secret of a cluster. Has no way to be printed: descriptions are redacted.
package struct ClusterSecret: Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    /// Takes the UTF-8 of `text` without white space at its ends, as files tend to have.
    package init(_ text: String) throws(InvalidSecret) {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let trimmed = text.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        bytes = Array(trimmed)
        guard bytes.count >= Limits.clusterSecretBytesMin else {
            throw InvalidSecret(
                message: "a cluster secret has at least \(Limits.clusterSecretBytesMin) bytes, "
                    + "this one has \(bytes.count)")
        }
    }

    /// The HMAC-SHA256 of `message` under the secret.
    package func authenticate(_ message: [UInt8]) -> [UInt8] {
        hmacSHA256(key: bytes, message: message)
    }

    package var description: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
