// TLS between a connection and its socket: what is read is decrypted before the handler sees it,
// what was written is encrypted as the socket takes it.
//
// Bounds: of the peer's ciphertext at most one read of the loop is held, while the handler has
// paused reading; of ours at most `tlsOutputBytes`, for more plaintext is encrypted only when that
// has left. So the marks and pauses of the connection hold for TLS as they do without it.

internal import Base
package import Crypto
internal import Synchronization

/// What a listener's connections begin with.
package final class TLSOffer: Sendable {
    private let current: Mutex<TLSContext>
    let handshakeDeadline: Duration

    /// A client that has not done its part of the handshake by the deadline is closed.
    package init(
        _ context: TLSContext,
        handshakeDeadline: Duration = .milliseconds(Limits.tlsHandshakeMilliseconds)
    ) {
        current = Mutex(context)
        self.handshakeDeadline = handshakeDeadline
    }

    /// What the next connection begins with; those that are open keep what they have.
    package var context: TLSContext {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// The TLS session of one connection. Loop only.
final class TLSLayer {
    /// What looking for plaintext came to.
    enum Input {
        case moved(Int)
        case needsInput
        case ended
        case failed(TLSError)
    }

    private var session: TLSSession
    /// Ciphertext on its way to the socket.
    private var output: [UInt8] = []
    private var sent = 0
    /// Whether plaintext may be had without more ciphertext.
    private(set) var hasInput = false
    private(set) var isEstablished = false
    /// How the conversation ended, to be told behind the plaintext before it.
    private var end: Input?

    init(_ context: TLSContext) throws(TLSError) { session = try TLSSession(context) }

    /// Ciphertext that the socket has not taken.
    var unsentBytes: Int { output.count - sent }

    /// A peer that asks for answers (key updates) and does not read them is not read from.
    var isChoked: Bool { unsentBytes >= 2 * Limits.tlsOutputBytes }

    // MARK: Reading

    /// Takes what is left of a read; `read` then finds it.
    func keep(_ ciphertext: UnsafeRawBufferPointer) {
        unsafe session.take(ciphertext)
        hasInput = true
    }

    /// Decrypts into `buffer` until it is full or the ciphertext, kept and given, is used up.
    /// `ciphertext` shrinks by what was taken.
    func read(
        _ ciphertext: inout UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> Input {
        if let end { return end }
        defer { session.drain(into: &output) }
        var filled = 0
        while filled < buffer.count {
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            switch unsafe session.read(into: free) {
            case .moved(let count):
                isEstablished = true
                filled += count
            case .needsInput:
                guard unsafe takeSome(&ciphertext) else {
                    hasInput = false
                    // The handshake may have ended without a byte for the handler.
                    isEstablished = session.isEstablished
                    return filled > 0 ? .moved(filled) : .needsInput
                }
            case .ended: return finish(.ended, after: filled)
            case .failed(let error): return finish(.failed(error), after: filled)
            }
        }
        hasInput = true
        return .moved(filled)
    }

    private func finish(_ end: Input, after filled: Int) -> Input {
        self.end = end
        hasInput = filled > 0
        return filled > 0 ? .moved(filled) : end
    }

    /// In pieces of a record, so that the session's own memory stays small.
    private func takeSome(_ ciphertext: inout UnsafeRawBufferPointer) -> Bool {
        guard ciphertext.count > 0 else { return false }
        let count = min(ciphertext.count, Limits.tlsRecordBytes)
        unsafe session.take(UnsafeRawBufferPointer(rebasing: ciphertext[..<count]))
        unsafe ciphertext = UnsafeRawBufferPointer(rebasing: ciphertext[count...])
        return true
    }

    // MARK: Writing

    /// Whether there is something that the socket could take.
    func hasOutput(_ plaintext: borrowing OutputQueue) -> Bool {
        unsentBytes > 0 || (isEstablished && !plaintext.isEmpty)
    }

    /// Encrypts some of `plaintext` if all before it has left, and sends once.
    func send(_ plaintext: inout OutputQueue, to socket: Socket) -> Socket.Outcome {
        if unsentBytes == 0, isEstablished { encrypt(&plaintext) }
        let outcome = unsafe output.withUnsafeBytes {
            unsafe socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...]))
        }
        if case .moved(let count) = outcome {
            sent += count
            if sent == output.count { forgetSent() }
        }
        return outcome
    }

    private func encrypt(_ plaintext: inout OutputQueue) {
        while !plaintext.isEmpty, output.count < Limits.tlsOutputBytes {
            unsafe plaintext.take(bytesMax: Limits.tlsRecordBytes) { bytes in
                // An established session takes what it is given, short of memory running out; then
                // the peer's next read or ours finds the session failed.
                _ = unsafe session.write(bytes)
            }
            session.drain(into: &output)
        }
    }

    private func forgetSent() {
        sent = 0
        // What grew large is not kept: thousands of idle connections may each have it.
        output.removeAll(keepingCapacity: output.capacity <= Limits.gatherBytesMax)
    }

    /// Says that nothing more will come, behind everything that was encrypted.
    func sayEnd() {
        session.end()
        session.drain(into: &output)
    }
}
