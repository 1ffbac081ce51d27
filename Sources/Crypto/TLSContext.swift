// What all TLS sessions of a listener, or of a client, share: certificate, key, whom to trust.

internal import Base
internal import COpenSSL

/// Why TLS could not be set up, or a session ended.
package struct TLSError: Error, Sendable, CustomStringConvertible {
    /// What was tried and what came of it.
    package let message: String
    package var description: String { message }

    init(_ message: String) { self.message = message }

    /// With what OpenSSL noted on this thread. It notes the root cause first.
    static func noted(_ action: String) -> TLSError {
        let code = ERR_get_error()
        ERR_clear_error()
        // A constant of the library; null for codes of the operating system.
        let reason = unsafe code == 0 ? nil : ERR_reason_error_string(code)
        guard let reason = unsafe reason else { return TLSError(action) }
        return TLSError("\(action): \(unsafe String(cString: reason))")
    }
}

/// A certificate chain and its key, as PEM files. The key has no passphrase.
package struct TLSIdentity: Sendable, Equatable {
    /// The certificate first, then those that signed it.
    package var certificateFile: String
    package var keyFile: String

    package init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// The settings of one side. Any thread; sessions keep what they need of it.
@safe package final class TLSContext: @unchecked Sendable {
    // Sendable: OpenSSL counts references to it atomically, and nothing changes after the start.
    let raw: OpaquePointer
    let isServer: Bool

    /// A server's side. With `clientAuthorities`, a PEM file, only clients with a certificate that
    /// is signed by one of them get in. Reads the files.
    package static func server(
        _ identity: TLSIdentity, clientAuthorities: String? = nil
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(isServer: true)
        try context.use(identity)
        if let clientAuthorities { try context.demandCertificates(signedBy: clientAuthorities) }
        return context
    }

    /// A client's side, which trusts the signers in `authorities`, a PEM file. Reads the files.
    package static func client(
        authorities: String, identity: TLSIdentity? = nil
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(isServer: false)
        try context.trust(authorities)
        unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
        if let identity { try context.use(identity) }
        return context
    }

    private init(isServer: Bool) throws(TLSError) {
        ERR_clear_error()
        let method = unsafe isServer ? TLS_server_method() : TLS_client_method()
        guard let made = unsafe SSL_CTX_new(method) else { throw .noted("set up tls") }
        unsafe raw = made
        self.isServer = isServer
        guard unsafe millrace_tls_set_up(raw) == 1 else { throw .noted("set up tls") }
        unsafe millrace_tls_ask_nobody(raw)
    }

    deinit { unsafe SSL_CTX_free(raw) }

    private func use(_ identity: TLSIdentity) throws(TLSError) {
        let (certificate, key) = (identity.certificateFile, identity.keyFile)
        guard unsafe SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
            throw .noted("read the certificate in '\(certificate)'")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) == 1 else {
            throw .noted("read the key in '\(key)'")
        }
        guard unsafe SSL_CTX_check_private_key(raw) == 1 else {
            throw .noted("use the key in '\(key)' with '\(certificate)'")
        }
    }

    private func trust(_ file: String) throws(TLSError) {
        guard unsafe SSL_CTX_load_verify_file(raw, file) == 1 else {
            throw .noted("read the authorities in '\(file)'")
        }
    }

    private func demandCertificates(signedBy file: String) throws(TLSError) {
        try trust(file)
        // Clients are told whose signatures count; the context owns the list.
        guard let names = unsafe SSL_load_client_CA_file(file) else {
            throw .noted("read the authorities in '\(file)'")
        }
        unsafe SSL_CTX_set_client_CA_list(raw, names)
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        // A resumed session counts only where it was begun; OpenSSL insists on a name for it.
        let name = secureRandomBytes(16)
        // Copies the 16 bytes.
        let isSet = unsafe name.withUnsafeBufferPointer {
            unsafe SSL_CTX_set_session_id_context(raw, $0.baseAddress, UInt32($0.count))
        }
        guard isSet == 1 else { throw .noted("set up tls") }
    }
}
