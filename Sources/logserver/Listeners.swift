// The settings about who gets in: addresses, certificates, users.

import Base
import Crypto
import EventLoop
import Foundation
import LogServer
import Logging
import Runtime

/// Where to listen, with or without TLS, or both.
struct Listeners {
    private var plain: HostPort?
    private var tls: (address: HostPort, offer: TLSOffer)?

    init(_ settings: Settings) throws {
        let isTLS = try settings.optionalString("log_server.tls_listen") != nil
        if isTLS {
            let address = try settings.hostPort("log_server.tls_listen")
            tls = (address, TLSOffer(try Self.context(settings)))
        } else {
            try Self.refuseUnused(settings)
        }
        if try settings.optionalString("log_server.listen") != nil || !isTLS {
            plain = try settings.hostPort("log_server.listen")
        }
    }

    private static func context(_ settings: Settings) throws -> TLSContext {
        let identity = TLSIdentity(
            certificateFile: try settings.string("log_server.tls_certificate"),
            keyFile: try settings.string("log_server.tls_key"))
        let authorities = try settings.optionalString("log_server.tls_client_ca")
        do { return try TLSContext.server(identity, clientAuthorities: authorities) } catch {
            throw SettingsError("settings log_server.tls_…: \(error.message)")
        }
    }

    /// Reads the certificate again whenever it may have changed; nil without TLS.
    func reload(_ settings: Settings, _ logger: Logger) -> CertificateReload? {
        tls.map { tls in
            CertificateReload(logger: logger) { tls.offer.context = try Self.context(settings) }
        }
    }

    /// Whoever sets these believes that there is TLS.
    private static func refuseUnused(_ settings: Settings) throws {
        for name in ["advertised", "certificate", "key", "client_ca"]
        where try settings.optionalString("log_server.tls_\(name)") != nil {
            throw SettingsError("setting log_server.tls_\(name) needs log_server.tls_listen")
        }
    }

    /// Begins to listen; the addresses are for the log.
    func start(_ server: LogServer) async throws -> Logger.Metadata {
        var addresses: Logger.Metadata = [:]
        if let plain {
            let port = try await server.start(host: plain.host, port: plain.port)
            addresses["listen.address"] = "\(plain.host):\(port)"
        }
        if let (address, offer) = tls {
            let port = try await server.startTLS(
                host: address.host, port: address.port, offer: offer)
            addresses["listen.tls_address"] = "\(address.host):\(port)"
        }
        return addresses
    }
}

/// The users of `log_server.users_file`; nil: everybody may use the server.
func users(_ settings: Settings) throws -> [LogUser]? {
    guard let file = try settings.optionalString("log_server.users_file") else { return nil }
    func wrong(_ what: String) -> SettingsError {
        SettingsError("setting log_server.users_file: \(file): \(what)")
    }
    guard let data = FileManager.default.contents(atPath: file),
        let text = String(data: data, encoding: .utf8),
        let attributes = try? FileManager.default.attributesOfItem(atPath: file),
        let permissions = attributes[.posixPermissions] as? Int
    else { throw wrong("it cannot be read as text") }
    guard permissions & 0o077 == 0 else {
        throw wrong("others may read or write it; chmod 600 it")
    }
    do throws(InvalidUsers) { return try LogUser.parse(text) } catch { throw wrong(error.message) }
}
