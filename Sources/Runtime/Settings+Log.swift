// The settings under which a process talks to a secured log. The names and values are Kafka's.

internal import Foundation
package import Model

extension Settings {
    private static let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    private static let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

    /// From `log.security_protocol` and those that belong to it; nil: plaintext. Settings that
    /// would have no effect are an error: whoever sets them believes that they have one.
    package func logSecurity() throws -> LogSecurity? {
        let word = try string("log.security_protocol", default: "plaintext").lowercased()
        guard Self.protocols.contains(word) else {
            throw SettingsError(
                "setting log.security_protocol: '\(word)' is not one of "
                    + Self.protocols.joined(separator: ", "))
        }
        let tls = try tls(isUsed: word.hasSuffix("ssl"), word)
        let login = try login(isUsed: word.hasPrefix("sasl"), word)
        return tls == nil && login == nil ? nil : LogSecurity(tls: tls, login: login)
    }

    private func tls(isUsed: Bool, _ word: String) throws -> LogSecurity.TLS? {
        let keys = ["log.tls_ca", "log.tls_certificate", "log.tls_key"]
        guard isUsed else {
            try refuse(keys, word)
            return nil
        }
        let values = try keys.map { try optionalString($0) }
        guard (values[1] == nil) == (values[2] == nil) else {
            throw SettingsError("settings log.tls_certificate and log.tls_key go together")
        }
        return LogSecurity.TLS(
            authorityFile: values[0], certificateFile: values[1], keyFile: values[2])
    }

    private func login(isUsed: Bool, _ word: String) throws -> LogSecurity.Login? {
        guard isUsed else {
            try refuse(
                [
                    "log.sasl_mechanism", "log.sasl_username", "log.sasl_password",
                    "log.sasl_password_file",
                ], word)
            return nil
        }
        return LogSecurity.Login(
            mechanism: try choice(
                "log.sasl_mechanism", default: "SCRAM-SHA-512", of: Self.mechanisms),
            username: try string("log.sasl_username"), password: try password())
    }

    private func password() throws -> String {
        if let text = try optionalString("log.sasl_password") { return text }
        let file = try string("log.sasl_password_file")
        guard let data = FileManager.default.contents(atPath: file),
            let text = String(data: data, encoding: .utf8)
        else { throw SettingsError("setting log.sasl_password_file: \(file) cannot be read") }
        return String(text.prefix { !$0.isNewline })
    }

    private func refuse(_ keys: [String], _ word: String) throws {
        for key in keys where try optionalString(key) != nil {
            throw SettingsError("setting \(key) has no effect with log.security_protocol \(word)")
        }
    }
}
