import Foundation
import Model
import Testing

@testable import Runtime

/// How processes are told to talk to a secured log.
@Suite struct LogSecuritySettingsTests {
    private func security(_ values: [String: String]) throws -> LogSecurity? {
        let settings = try Settings(
            flags: Dictionary(uniqueKeysWithValues: values.map { ("log.\($0)", $1) }),
            environment: [:], file: nil)
        return try settings.logSecurity()
    }

    @Test func nothingSaidIsPlaintext() throws {
        #expect(try security([:]) == nil)
        #expect(try security(["security_protocol": "PLAINTEXT"]) == nil)
    }

    @Test func tlsAndLogin() throws {
        let both = try #require(
            try security([
                "security_protocol": "SASL_SSL", "sasl_username": "alice", "sasl_password": "w",
                "tls_ca": "/ca", "tls_certificate": "/c", "tls_key": "/k",
            ]))
        #expect(both.description == "sasl_ssl")
        #expect(both.tls?.authorityFile == "/ca" && both.tls?.keyFile == "/k")
        #expect(both.login?.mechanism == "SCRAM-SHA-512" && both.login?.password == "w")
        #expect(!"\(both) \(String(reflecting: both))".contains("alice"))
        #expect(try security(["security_protocol": "ssl"])?.description == "ssl")
        let login = try security([
            "security_protocol": "sasl_plaintext", "sasl_username": "alice", "sasl_password": "w",
            "sasl_mechanism": "PLAIN",
        ])
        #expect(login?.description == "sasl_plaintext" && login?.login?.mechanism == "PLAIN")
    }

    /// The first line of the file, whatever its end.
    @Test func thePasswordMayBeInAFile() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        for text in ["a b ", "a b \n", "a b \r\nmore\n"] {
            try Data(text.utf8).write(to: file)
            let security = try security([
                "security_protocol": "sasl_ssl", "sasl_username": "alice",
                "sasl_password_file": file.path,
            ])
            #expect(security?.login?.password == "a b ")
        }
    }

    /// A setting that would do nothing is an error: whoever made it thinks otherwise.
    @Test(arguments: [
        ["security_protocol": "tls"], ["security_protocol": "sasl_ssl"],
        ["security_protocol": "sasl_ssl", "sasl_username": "a"],
        ["security_protocol": "sasl_ssl", "sasl_username": "a", "sasl_password_file": "/none"],
        [
            "security_protocol": "sasl_ssl", "sasl_username": "a", "sasl_password": "b",
            "sasl_mechanism": "GSSAPI",
        ],
        ["tls_ca": "/ca"], ["sasl_password": "x"], ["sasl_username": "x"],
        ["security_protocol": "ssl", "tls_key": "/k"],
        ["security_protocol": "sasl_plaintext", "tls_ca": "/ca"],
        ["security_protocol": "ssl", "sasl_mechanism": "PLAIN"],
    ])
    func whatIsRefused(_ values: [String: String]) {
        let error = #expect(throws: SettingsError.self) { try security(values) }
        #expect(error?.description.contains("log.") == true)
    }

    @Test func thePasswordIsNotShown() throws {
        let settings = try Settings(
            flags: [:], environment: ["MILLRACE_LOG_SASL_PASSWORD": "wonder"], file: nil)
        #expect(settings.effective.map(\.value) == ["<redacted>"])
    }
}
