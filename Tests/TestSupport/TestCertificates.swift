// Certificates for one test run, made by the openssl command: an authority, a server on 127.0.0.1,
// a client, and a client of nobody's. Never checked in, so that no test fails on the day one ends.

import Foundation

/// PEM files in a directory of their own, removed with this object.
public final class TestCertificates: Sendable {
    public let directory: String

    /// Shared by all tests of a process.
    public static let shared = Result { try TestCertificates() }

    public init() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "millrace-certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = url.path
        try make("authority", [])
        let signed = ["-CA", path("authority.pem"), "-CAkey", path("authority.key")]
        let address = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        try make("server", signed + address)
        try make("client", signed)
        try make("stranger", [])
        try make("locked", signed, key: ["-passout", "pass:secret"])
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// `authority.pem`, `server.pem`, `server.key`, `client.pem` and so on. The key of `locked` has
    /// a passphrase.
    public func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func make(_ name: String, _ options: [String], key: [String] = ["-nodes"]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-days", "2", "-subj", "/CN=\(name)",
                "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
            ] + key + options
        let output = Pipe()
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: String(decoding: text, as: UTF8.self))
        }
    }

    struct Failure: Error { let description: String }
}
