// One TLS conversation without a socket: ciphertext comes in and goes out through memory, and
// whoever owns the socket moves it.
//
//     socket -> take(ciphertext) -> read(into: plaintext)
//     write(plaintext) -> drain(into: ciphertext) -> socket
//
// Every call may leave ciphertext to be sent: handshake messages, alerts, answers to key updates.
// `drain` after it. Nothing here waits, and nothing calls back.

internal import Base
internal import COpenSSL

/// One side of a TLS conversation. One thread at a time.
@safe package struct TLSSession: ~Copyable {
    /// What asking the session for something came to.
    package enum Outcome {
        /// So many bytes were read or written; in a handshake 0: it is complete.
        case moved(Int)
        /// Ciphertext of the peer is needed first.
        case needsInput
        /// The peer has ended the conversation in order.
        case ended
        /// The conversation is over; an alert may wait to be sent.
        case failed(TLSError)
    }

    private let raw: OpaquePointer
    // Both belong to the session.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    // Keeps the trusted certificates and the key.
    private let context: TLSContext

    /// Begins a conversation. A client names the host, or the numeric address, that the server's
    /// certificate has to be for.
    package init(_ context: TLSContext, serverName: String? = nil) throws(TLSError) {
        let made = unsafe try Self.make(context, serverName)
        unsafe (raw, incoming, outgoing) = (made.session, made.incoming, made.outgoing)
        self.context = context
    }

    deinit { unsafe SSL_free(raw) }

    private static func make(_ context: TLSContext, _ serverName: String?) throws(TLSError) -> (
        session: OpaquePointer, incoming: OpaquePointer, outgoing: OpaquePointer
    ) {
        ERR_clear_error()
        guard let session = unsafe SSL_new(context.raw) else { throw .noted("begin tls") }
        guard let incoming = unsafe BIO_new(BIO_s_mem()), let outgoing = unsafe BIO_new(BIO_s_mem())
        else { fatal(.system, "no memory for tls") }
        unsafe SSL_set_bio(session, incoming, outgoing)
        if context.isServer {
            unsafe SSL_set_accept_state(session)
        } else {
            unsafe SSL_set_connect_state(session)
            guard unsafe expect(serverName ?? "", session) else {
                unsafe SSL_free(session)
                throw .noted("expect a certificate of '\(serverName ?? "")'")
            }
        }
        return unsafe (session, incoming, outgoing)
    }

    private static func expect(_ name: String, _ session: OpaquePointer) -> Bool {
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) == 1 { return true }
        ERR_clear_error()
        // An empty name would be any name.
        return unsafe !name.isEmpty && SSL_set1_host(session, name) == 1
            && millrace_tls_set_server_name(session, name) == 1
    }

    /// Whether plaintext may be written.
    package var isEstablished: Bool { unsafe SSL_is_init_finished(raw) == 1 }

    /// The version that was agreed on: "TLSv1.3".
    package var version: String { unsafe String(cString: SSL_get_version(raw)) }

    /// Adds ciphertext from the peer. Bounding it is the owner's business: read until more is
    /// needed before taking more.
    package mutating func take(_ ciphertext: UnsafeRawBufferPointer) {
        guard ciphertext.count > 0 else { return }
        // Copies all bytes, or the process is out of memory.
        let count = unsafe BIO_write(
            incoming, ciphertext.baseAddress, Int32(ciphertext.count))
        guard count == ciphertext.count else { fatal(.system, "no memory for tls") }
    }

    /// Moves the handshake on; a client's first call begins it.
    package mutating func handshake() -> Outcome {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(raw)
        return result == 1 ? .moved(0) : outcome(of: result, "tls handshake")
    }

    /// Reads plaintext, of one record at most. Completes the handshake first.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        ERR_clear_error()
        var count = 0
        let result = unsafe SSL_read_ex(raw, buffer.baseAddress, buffer.count, &count)
        return result == 1 ? .moved(count) : outcome(of: result, "tls")
    }

    /// Encrypts all of `plaintext`, at most 1 GiB; only once the session is established.
    package mutating func write(_ plaintext: UnsafeRawBufferPointer) -> Outcome {
        guard plaintext.count > 0 else { return .moved(0) }
        ERR_clear_error()
        var count = 0
        let result = unsafe SSL_write_ex(raw, plaintext.baseAddress, plaintext.count, &count)
        return result == 1 ? .moved(count) : outcome(of: result, "tls")
    }

    /// Tells the peer that nothing more will come.
    package mutating func end() {
        ERR_clear_error()
        // Before the handshake is done there is nothing to end; that it fails then is no matter.
        _ = unsafe SSL_shutdown(raw)
        ERR_clear_error()
    }

    /// Ciphertext that waits for `drain`.
    package var pendingBytes: Int { unsafe BIO_ctrl_pending(outgoing) }

    /// Appends the ciphertext that has to be sent.
    package mutating func drain(into bytes: inout [UInt8]) {
        let waiting = pendingBytes
        guard waiting > 0 else { return }
        let taken = unsafe [UInt8](unsafeUninitializedCapacity: waiting) { buffer, count in
            // Writes at most the bytes that the buffer has.
            count = unsafe max(Int(BIO_read(outgoing, buffer.baseAddress, Int32(waiting))), 0)
        }
        precondition(taken.count == waiting, "openssl gave back less than it had")
        bytes += taken
    }

    private func outcome(of result: Int32, _ action: String) -> Outcome {
        switch unsafe SSL_get_error(raw, result) {
        case SSL_ERROR_WANT_READ: .needsInput
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed(failure(action))
        }
    }

    private func failure(_ action: String) -> TLSError {
        let verified = unsafe SSL_get_verify_result(raw)
        guard verified != Int(X509_V_OK) else { return .noted(action) }
        ERR_clear_error()
        // A constant of the library.
        let reason = unsafe String(cString: X509_verify_cert_error_string(verified))
        return TLSError("\(action): the peer's certificate: \(reason)")
    }
}
