// One TCP stream on one loop, for life.
//
//   open --close()--> flushing --all sent--> lingering --peer closed or time is up--> closed
//     \------------------ abort(), error, shutdown of the loop -----------------------^
//
// Writes gather and leave once per callback: after the handler's own callback, or when the loop has
// run its work. So a handler may write piece by piece, and answers that become ready together
// leave in one system call. Nothing here calls the handler from inside the handler's own calls.

internal import Base
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
    /// The peer has sent something since lingering looked last.
    private var hasDropped = false
    private var failure: NetworkError?

    private static let lastID = Atomic<UInt64>(0)

    /// Takes over a connected socket; the handler's first callback comes before this returns.
    @discardableResult
    static func open(
        _ socket: Socket, peer: SocketAddress, on loop: EventLoop,
        whenClosed: (@Sendable (Connection) -> Void)? = nil,
        handler: (Connection) -> any ConnectionHandler
    ) throws(NetworkError) -> Connection {
        let connection = Connection(socket, peer: peer, loop: loop, whenClosed: whenClosed)
        connection.poll = try PollHandle(loop: loop, socket: socket, owner: connection)
        let handler = handler(connection)
        connection.handler = handler
        connection.call { $0.connectionOpened(connection) }
        connection.afterCallback()
        return connection
    }

    private init(
        _ socket: Socket, peer: SocketAddress, loop: EventLoop,
        whenClosed: (@Sendable (Connection) -> Void)?
    ) {
        self.socket = socket
        self.loop = loop
        self.whenClosed = whenClosed
        id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        peerAddress = peer.host
        peerPort = peer.port
    }

    // MARK: Writing

    /// Written and not yet taken by the kernel.
    package var unsentBytes: Int { output.count }

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
    package var takesFiles: Bool { true }

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
        if output.isEmpty { lastProgressMilliseconds = loop.nowMilliseconds }
        return true
    }

    private func endWrite() {
        if output.count >= Limits.connectionHighMarkBytes { isAboveHigh = true }
        mark()
    }

    /// Has the loop look after this connection once its work is done.
    private func mark() {
        guard !isInCallback, !isMarked, !isBlocked else { return }
        isMarked = true
        loop.unsent.append(self)
    }

    func sendMarked() {
        isMarked = false
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
        } else if state == .flushing, output.isEmpty {
            beginLingering()
        }
        updateInterest()
    }

    private func sendOutput() {
        while !output.isEmpty, !isBlocked, state != .closed {
            switch output.send(to: socket) {
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
        if !isInCallback { updateInterest() }
    }

    private var wantsRead: Bool {
        switch state {
        // A flush goes on reading, and drops it: a peer may read only once it has written all.
        case .open: !sawEnd && !isReadingPaused
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
                    call { unsafe $0.received(bytes, on: self) }
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

    private func readEnd() {
        sawEnd = true
        switch state {
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
        failure = error
        closeTimer?.cancel()
        closeTimer = nil
        output.removeAll()
        poll?.close()
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
