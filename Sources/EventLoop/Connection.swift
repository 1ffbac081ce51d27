// One TCP stream on one loop, for life.
//
//   open --close()--> flushing --all sent--> lingering --peer closed or time is up--> closed
//     \------------------ abort(), error, shutdown of the loop -----------------------^
//
// Writes gather and leave once per callback: after the handler's own callback, or when the loop has
// run its work. So a handler may write piece by piece, and answers that become ready together
// leave in one system call. Nothing here calls the handler from inside the handler's own calls.

// With TLS a layer sits between this and the socket, and the handler notices nothing: it writes
// whenever it likes, and what it gets is decrypted. A handshake that fails, or takes too long, ends
// the connection with the error code `.insecure`.

internal import Base
internal import Crypto
internal import Synchronization

/// One TCP connection. Everything but the constants is for its loop only, and traps elsewhere.
@safe package final class Connection: @unchecked Sendable {
    package let loop: EventLoop
    /// Distinct in this process.
    package let id: UInt64
    /// The other side's IP address as text.
    package let peerAddress: String
    package let peerPort: UInt16

    private enum State { case open, flushing, lingering, closed }

    private let socket: Socket
    private let tls: TLSLayer?
    private var poll: PollHandle?
    private var handler: (any ConnectionHandler)?
    private let whenClosed: (@Sendable (Connection) -> Void)?
    private var state = State.open
    private var output = OutputQueue()
    private var isReadingPaused = false
    private var sawEnd = false
    /// The kernel takes no more until it says so.
    private var isBlocked = false
    /// The high mark was reached and the handler has not been told otherwise.
    private var isAboveHigh = false
    /// On the loop's list of connections to send from.
    private var isMarked = false
    private var isInCallback = false
    private var closeTimer: LoopTimer?
    private var handshakeTimer: LoopTimer?
    /// The peer has sent something since lingering looked last.
    private var hasDropped = false
    private var failure: NetworkError?

    private static let lastID = Atomic<UInt64>(0)

    /// Takes over a connected socket; the handler's first callback comes before this returns.
    @discardableResult
    static func open(
        _ socket: Socket, peer: SocketAddress, on loop: EventLoop, tls offer: TLSOffer? = nil,
        whenClosed: (@Sendable (Connection) -> Void)? = nil,
        handler: (Connection) -> any ConnectionHandler
    ) throws(NetworkError) -> Connection {
        let tls = try offer.map { offer throws(NetworkError) in try layer(offer.context) }
        let connection = Connection(
            socket, peer: peer, loop: loop, tls: tls, whenClosed: whenClosed)
        connection.poll = try PollHandle(loop: loop, socket: socket, owner: connection)
        let handler = handler(connection)
        connection.handler = handler
        if let offer { connection.limitHandshake(to: offer.handshakeDeadline) }
        connection.call { $0.connectionOpened(connection) }
        connection.afterCallback()
        return connection
    }

    private init(
        _ socket: Socket, peer: SocketAddress, loop: EventLoop, tls: TLSLayer?,
        whenClosed: (@Sendable (Connection) -> Void)?
    ) {
        self.socket = socket
        self.tls = tls
        self.loop = loop
        self.whenClosed = whenClosed
        id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        peerAddress = peer.host
        peerPort = peer.port
    }

    // MARK: Writing

    /// Written and not yet taken by the kernel.
    package var unsentBytes: Int { output.count + (tls?.unsentBytes ?? 0) }

    /// Whether unsent bytes are below the high mark. Writing goes on working above it: whoever
    /// produces without bound has to look, and to wait for `becameWritable`.
    package var isWritable: Bool { state == .open && output.count < Limits.connectionHighMarkBytes }

    /// Loop time at which bytes last left, or began to wait; for deadlines on peers that do not
    /// read.
    package private(set) var lastProgressMilliseconds: UInt64 = 0

    /// Queues bytes; after `close` or `abort` they are dropped.
    package func write(_ bytes: consuming [UInt8]) {
        guard beginWrite() else { return }
        output.append(bytes)
        endWrite()
    }

    /// Queues pieces that leave in one system call where the kernel takes them.
    package func write(_ pieces: [[UInt8]]) {
        guard beginWrite() else { return }
        for piece in pieces { output.append(piece) }
        endWrite()
    }

    /// Lets `body` append to the bytes to be sent, without an array of its own. For small writes.
    package func write(appending body: (inout [UInt8]) -> Void) {
        guard beginWrite() else { return }
        output.append(with: body)
        endWrite()
    }

    /// Whether `write` of a file's part will do; what goes over the wire must then be the bytes as
    /// they are.
    package var takesFiles: Bool { tls == nil }

    /// Queues a part of a file, which is read when the socket takes it. The process must ignore
    /// SIGPIPE. A part that is not in the kernel's cache holds up the loop for as long as the disk
    /// takes.
    package func write(_ part: FilePart) {
        guard beginWrite() else { return }
        output.append(part)
        endWrite()
    }

    private func beginWrite() -> Bool {
        loop.preconditionCurrent()
        guard state == .open else { return false }
        if unsentBytes == 0 { lastProgressMilliseconds = loop.nowMilliseconds }
        return true
    }

    private func endWrite() {
        if output.count >= Limits.connectionHighMarkBytes { isAboveHigh = true }
        mark()
    }

    /// Has the loop look after this connection once its work is done.
    private func mark() {
        guard !isInCallback, !isMarked, !isBlocked || hasDecryptable else { return }
        isMarked = true
        loop.unsent.append(self)
    }

    func sendMarked() {
        isMarked = false
        if hasDecryptable {
            isInCallback = true
            unsafe decrypt(UnsafeRawBufferPointer(start: nil, count: 0))
            isInCallback = false
        }
        afterCallback()
    }

    /// Sends what there is, tells the handler of the low mark, moves a closing connection on.
    private func afterCallback() {
        guard state != .closed else { return }
        sendOutput()
        if isAboveHigh, output.count <= Limits.connectionLowMarkBytes, state == .open {
            isAboveHigh = false
            call { $0.becameWritable(self) }
            // What it wrote waits for the loop, so that one fast reader cannot hold the thread.
            if !output.isEmpty || state == .flushing { mark() }
        } else if state == .flushing, unsentBytes == 0 {
            beginLingering()
        }
        if hasDecryptable { mark() }
        updateInterest()
    }

    private var canSend: Bool {
        guard let tls else { return !output.isEmpty }
        return state != .lingering && tls.hasOutput(output)
    }

    private func sendOutput() {
        while canSend, !isBlocked, state != .closed {
            switch tls?.send(&output, to: socket) ?? output.send(to: socket) {
            case .moved: lastProgressMilliseconds = loop.nowMilliseconds
            case .wouldBlock: isBlocked = true
            case .failed(let number): finish(NetworkError(errno: number, "send to \(peerAddress)"))
            case .endOfStream: preconditionFailure("a send reported the end of the stream")
            }
        }
    }

    private func updateInterest() {
        guard state != .closed else { return }
        var interest: PollHandle.Interest = wantsRead ? .read : []
        if isBlocked { interest.insert(.write) }
        poll?.watch(for: interest)
    }

    // MARK: Reading

    /// Stops `received` until `resumeReading`; the peer is slowed down by TCP itself.
    package func pauseReading() {
        loop.preconditionCurrent()
        isReadingPaused = true
        if !isInCallback { updateInterest() }
    }

    package func resumeReading() {
        loop.preconditionCurrent()
        isReadingPaused = false
        if hasDecryptable { mark() }
        if !isInCallback { updateInterest() }
    }

    private var wantsRead: Bool {
        switch state {
        // A flush goes on reading, and drops it: a peer may read only once it has written all.
        case .open: !sawEnd && !isReadingPaused && tls?.isChoked != true
        case .flushing, .lingering: !sawEnd
        case .closed: false
        }
    }

    private func readAvailable() {
        var reads = Limits.readsPerTurnMax
        while wantsRead, reads > 0 {
            reads -= 1
            switch unsafe socket.receive(into: loop.readBuffer) {
            case .moved(let count):
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count])
                if state == .open {
                    unsafe deliver(bytes)
                } else {
                    hasDropped = true
                }
                // A short read has emptied the socket; asking again would only say so.
                if count < Limits.readBufferBytes { return }
            case .wouldBlock: return
            case .endOfStream: readEnd()
            case .failed(let number): readFailed(number)
            }
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        if tls == nil {
            call { unsafe $0.received(bytes, on: self) }
        } else {
            unsafe decrypt(bytes)
        }
    }

    private func readEnd() {
        sawEnd = true
        switch state {
        case .open where tls?.isEstablished == false:
            finish(NetworkError(.insecure, "tls handshake: the peer closed"))
        case .open: call { $0.peerClosedWrite(self) }
        case .lingering: finish(nil)
        case .flushing, .closed: break
        }
    }

    private func readFailed(_ number: Int32) {
        // Once all is sent, how the peer goes away is its own business.
        finish(state == .lingering ? nil : NetworkError(errno: number, "read from \(peerAddress)"))
    }

    private func call(_ body: (any ConnectionHandler) -> Void) {
        guard let handler else { return }
        let outer = isInCallback
        isInCallback = true
        body(handler)
        isInCallback = outer
    }

    // MARK: Closing

    /// Sends what was written, then closes; reading ends at once. Gives up when the peer takes not
    /// a byte for `deadline`.
    package func close(
        deadline: Duration = .milliseconds(Limits.connectionFlushMilliseconds)
    ) {
        loop.preconditionCurrent()
        guard state == .open else { return }
        // A peer that has not said who it is gets nothing.
        if let tls, !tls.isEstablished { return finish(nil) }
        state = .flushing
        limitFlush(to: deadline, from: loop.nowMilliseconds)
        mark()
        // Reading may have been paused, and a peer that cannot write on may not read either.
        if isBlocked, !isInCallback { updateInterest() }
    }

    /// Looks again `deadline` after `start`, and gives up if no byte has left in between.
    private func limitFlush(to deadline: Duration, from start: UInt64) {
        let passed = Duration.milliseconds(loop.nowMilliseconds - start)
        closeTimer = loop.schedule(after: deadline - passed) { [self] in
            if lastProgressMilliseconds > start {
                limitFlush(to: deadline, from: lastProgressMilliseconds)
            } else {
                finish(NetworkError(.timedOut, "\(peerAddress) did not take the last bytes"))
            }
        }
    }

    private func beginLingering() {
        closeTimer?.cancel()
        if let tls, failure == nil {
            tls.sayEnd()
            // A peer that does not take these few bytes now has its own reasons.
            _ = tls.send(&output, to: socket)
        }
        guard !sawEnd else { return finish(nil) }
        state = .lingering
        socket.shutdownWrite()
        hasDropped = false
        linger(until: loop.nowMilliseconds + UInt64(Limits.connectionLingerTotalMilliseconds))
    }

    /// Waits for the peer to close, longer while it still sends: closing then would reset the
    /// connection before the peer has read the last answer.
    private func linger(until end: UInt64) {
        closeTimer = loop.schedule(after: .milliseconds(Limits.connectionLingerMilliseconds)) {
            [self] in
            guard hasDropped, loop.nowMilliseconds < end else { return finish(nil) }
            hasDropped = false
            linger(until: end)
        }
    }

    /// Closes at once; what was not sent is lost and the peer sees a reset.
    package func abort() {
        loop.preconditionCurrent()
        guard state != .closed else { return }
        socket.resetOnClose()
        finish(NetworkError(.aborted, "connection to \(peerAddress) aborted"))
    }

    private func finish(_ error: NetworkError?) {
        guard state != .closed else { return }
        state = .closed
        failure = failure ?? error
        closeTimer?.cancel()
        closeTimer = nil
        handshakeTimer?.cancel()
        handshakeTimer = nil
        output.removeAll()
        poll?.close()
    }
}

// MARK: TLS

extension Connection {
    private static func layer(_ context: TLSContext) throws(NetworkError) -> TLSLayer {
        do { return try TLSLayer(context) } catch {
            throw NetworkError(.insecure, error.message)
        }
    }

    private func limitHandshake(to deadline: Duration) {
        handshakeTimer = loop.schedule(after: deadline) { [self] in
            guard tls?.isEstablished == false else { return }
            finish(NetworkError(.insecure, "tls handshake: not done in time"))
        }
    }

    /// Plaintext may be had without reading from the socket, and is wanted.
    private var hasDecryptable: Bool {
        guard let tls else { return false }
        return tls.hasInput && state == .open && !isReadingPaused && !tls.isChoked
    }

    /// Gives the handler what was kept and `ciphertext`; keeps what is left when it pauses.
    private func decrypt(_ ciphertext: UnsafeRawBufferPointer) {
        guard let tls else { return }
        var rest = unsafe ciphertext
        while state == .open, !isReadingPaused, !tls.isChoked {
            let input = unsafe tls.read(&rest, into: loop.plaintextBuffer)
            if tls.isEstablished { handshakeTimer?.cancel() }
            switch input {
            case .moved(let count):
                let bytes = unsafe UnsafeRawBufferPointer(
                    rebasing: loop.plaintextBuffer[..<count])
                call { unsafe $0.received(bytes, on: self) }
            case .needsInput: return
            // Anything after it would be no part of the conversation.
            case .ended: return readEnd()
            case .failed(let error): return fail(error)
            }
        }
        if rest.count > 0, state == .open { unsafe tls.keep(rest) }
    }

    /// Sends the alert if the socket takes it, and closes as after an answer, so that it arrives.
    private func fail(_ error: TLSError) {
        failure = NetworkError(.insecure, error.message)
        output.removeAll()
        handshakeTimer?.cancel()
        if let tls, tls.unsentBytes > 0 { _ = tls.send(&output, to: socket) }
        beginLingering()
    }
}

extension Connection: PollOwner {
    func socketReady(readable: Bool, writable: Bool) {
        if writable { isBlocked = false }
        isInCallback = true
        if readable { readAvailable() }
        isInCallback = false
        afterCallback()
    }

    func loopIsClosing() {
        finish(NetworkError(.shutDown, "the loop \(loop.name) has been shut down"))
    }

    func pollClosed() {
        poll = nil
        socket.close()
        let last = handler
        // The handler usually holds the connection; letting go here ends the cycle.
        handler = nil
        last?.closed(self, error: failure)
        whenClosed?(self)
    }
}
