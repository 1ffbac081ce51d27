// How clients of a secured log show who they are, and how they know that it is the log.

/// TLS, a login, or both. Has no way to be printed with its password.
package struct LogSecurity: Sendable, CustomStringConvertible, CustomReflectable {
    /// A user of the log.
    package struct Login: Sendable {
        /// As Kafka calls it: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
        package var mechanism: String
        package var username: String
        package var password: String

        package init(mechanism: String, username: String, password: String) {
            self.mechanism = mechanism
            self.username = username
            self.password = password
        }
    }

    /// PEM files.
    package struct TLS: Sendable {
        /// Who signs the brokers' certificates; nil: whom the system trusts.
        package var authorityFile: String?
        /// The client's own, for brokers that ask for it.
        package var certificateFile: String?
        package var keyFile: String?

        package init(
            authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil
        ) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package var tls: TLS?
    package var login: Login?

    package init(tls: TLS?, login: Login?) {
        self.tls = tls
        self.login = login
    }

    /// As Kafka calls it.
    package var description: String {
        switch (tls, login) {
        case (nil, nil): "plaintext"
        case (_, nil): "ssl"
        case (nil, _): "sasl_plaintext"
        default: "sasl_ssl"
        }
    }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
