// One client. Everything here happens on the connection's loop.
//
//   reading --request--> serving --answer sent--> reading
//      \--no request, unknown key or version, stalled--> closed
//
// Answers are in the order of requests, and a client that does not read its answers is not read
// from. One request is served at a time, as Kafka does, except that several Produce requests in a
// row are: their batches are appended in the order of the requests, and share a sync.

internal import Base
internal import DequeModule
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// What a connection needs of its server.
protocol ConnectionOwner: AnyObject, Sendable {
    var broker: Broker { get }
    var budget: ByteBudget { get }
    /// Called on the connection's loop.
    func opened(_ connection: KafkaConnection)
    /// The client has shown who it is.
    func known(_ connection: KafkaConnection)
    func closed(_ connection: KafkaConnection)
}

/// `@unchecked Sendable`: the mutable fields are for the loop only.
final class KafkaConnection: ConnectionHandler, @unchecked Sendable {
    /// Requests up to this size are read without asking for room.
    private static let smallRequestBytes = Limits.readBufferBytes

    let broker: Broker
    private let owner: any ConnectionOwner
    private let listener: KafkaListener
    private var connection: Connection?
    /// The connection's loop; set before anybody else knows of this object.
    private(set) var loop: EventLoop?
    /// Nil where clients are not asked who they are.
    var authentication: Authentication?
    /// Nothing is known of the client yet, so it counts among those of which there are few.
    private(set) var isUnknown: Bool
    /// Address and port of the client, for the log.
    private(set) var peer = ""
    private var assembler = RequestAssembler()
    /// Received and not yet looked at; at most what one read gave.
    private var input: ArraySlice<UInt8> = []
    /// Received whole, and waits until those before it are answered.
    private var next: [UInt8]?
    /// Taken from the budget for the request that is being received, or waits as `next`.
    private var room = RequestRoom()
    private var pace = RequestPace()
    private var receivedBytes = 0
    /// What is being served, oldest first.
    private var open: Deque<OpenRequest> = []
    private var isWaitingForRoom = false
    /// What the broker has been told of unsent answers.
    private var unsentBytes = 0
    private var isPumping = false
    private var isDraining = false
    private var timer: LoopTimer?
    private var authenticationTimer: LoopTimer?
    private var lastReceived: UInt64 = 0

    init(owner: any ConnectionOwner, listener: KafkaListener) {
        self.owner = owner
        self.listener = listener
        broker = owner.broker
        authentication = owner.broker.asksForUsers ? Authentication() : nil
        isUnknown = listener.isTLS || owner.broker.asksForUsers
    }

    // MARK: The connection's life

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        loop = connection.loop
        peer = "\(connection.peerAddress):\(connection.peerPort)"
        lastReceived = connection.loop.nowMilliseconds
        broker.metrics.opened()
        owner.opened(self)
        authenticationTimer = limitAuthentication(on: connection.loop)
        timer = connection.loop.schedule(after: .seconds(10), repeating: .seconds(10)) {
            [weak self] in
            self?.checkProgress()
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        lastReceived = connection.loop.nowMilliseconds
        receivedBytes += bytes.count
        // Bytes come only after a handshake that went well.
        if authentication == nil { becomeKnown() }
        let taken = input.isEmpty && next == nil ? assembler.take(bytes) : 0
        input.append(contentsOf: bytes[taken...])
        pump()
    }

    func becameWritable(_ connection: Connection) { pump() }

    /// A client that has no more to ask gets the answers that are due.
    func peerClosedWrite(_ connection: Connection) { drain() }

    func closed(_ connection: Connection, error: NetworkError?) {
        self.connection = nil
        timer?.cancel()
        authenticationTimer?.cancel()
        noteEnd(error)
        broker.metrics.closed()
        // What is being served gives its room back with its answer.
        for request in open { request.interest.lose() }
        dropNext()
        noteUnsent(0)
        owner.closed(self)
    }

    /// Runs `body` on the loop. Any thread.
    func onLoop(_ body: @escaping @Sendable (KafkaConnection) -> Void) {
        loop?.execute { body(self) }
    }

    /// Closes after the answers that are due; at once if none is, or if the request only waits for
    /// records to come.
    func drain() {
        isDraining = true
        if open.isEmpty || open.first?.interest.isWaiting == true { connection?.close() }
    }

    func abort() { connection?.abort() }

    /// The client is no stranger any more.
    func becomeKnown() {
        guard isUnknown else { return }
        isUnknown = false
        authenticationTimer?.cancel()
        owner.known(self)
    }

    private func checkProgress() {
        guard let connection else { return }
        let now = connection.loop.nowMilliseconds
        let stall = UInt64(Limits.logConnectionStallSeconds) * 1000
        if connection.unsentBytes > 0 {
            if now - connection.lastProgressMilliseconds > stall { connection.abort() }
        } else if open.isEmpty, !isWaitingForRoom {
            let idle = UInt64(Limits.logConnectionIdleSeconds) * 1000
            let limit = assembler.isBetweenRequests ? idle : stall
            if now - lastReceived > limit { return connection.close() }
        }
        guard room.byteCount > 0, next == nil, !isWaitingForRoom else { return }
        let isSlow = pace.isSlow(
            receivedBytes: receivedBytes, hasReserve: room.reserved > 0,
            isScarce: owner.budget.isScarce, now: now)
        if isSlow { reject("a request that comes slowly while others wait for room") }
    }

    private func reject(_ reason: String) {
        guard let connection else { return }
        broker.metrics.closedForCause()
        broker.logger.info(
            "kafka connection closed",
            metadata: [
                LogKeys.peerAddress: "\(peer)",
                LogKeys.reason: "\(reason)",
            ])
        connection.close()
        input = []
        dropNext()
    }

    // MARK: Receiving

    /// Serves what has been received as far as possible, then reads on or not.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        while let connection, connection.isWritable, !isDraining, !isWaitingForRoom, step() {}
        isPumping = false
        guard let connection else { return }
        noteUnsent(connection.isWritable ? 0 : connection.unsentBytes)
        // While a request is served one more read is taken, so that a client that goes away is
        // noticed; what it holds waits.
        if input.isEmpty, next == nil, connection.isWritable {
            connection.resumeReading()
        } else {
            connection.pauseReading()
        }
    }

    /// Whether there may be more to do.
    private func step() -> Bool {
        if let request = next {
            guard mayServe(request) else { return false }
            next = nil
            serve(request)
            return true
        }
        guard mayReceive else { return false }
        switch assembler.next(&input, lengths: requestLengths) {
        case .needsMore:
            input = []
            return false
        case .needsRoom(let byteCount):
            makeRoom(for: byteCount)
            return true
        case .request(let content):
            pace.begin()
            next = content
            return true
        case .invalid(let length):
            // What a handshake begins with, read as a length.
            let isTLS = length >> 16 == 0x1603
            begin(isProduce: false).end = .close(
                isTLS ? "tls on a port without it" : "a request of \(length) bytes")
            sendAnswers()
            return false
        }
    }

    /// Whether one more request may join those that are served.
    private var mayReceive: Bool {
        guard let last = open.last else { return true }
        return last.isProduce && open.count < Limits.logRequestsInFlightMax
    }

    private func mayServe(_ request: [UInt8]) -> Bool {
        open.isEmpty || (mayReceive && isProduce(request))
    }

    /// Every request begins with its key, an int16; a message of a SASL mechanism does not.
    private func isProduce(_ request: [UInt8]) -> Bool {
        guard authentication == nil || authentication?.user != nil else { return false }
        return Int16(request[0]) << 8 | Int16(request[1]) == APIKey.produce.rawValue
    }

    /// Admits bytes of the request that is being received, of which so many are missing.
    private func makeRoom(for byteCount: Int) {
        let isBegun = room.byteCount > 0
        // A small request alone needs no room, so that a full budget does not stop everything.
        guard isBegun || byteCount > Self.smallRequestBytes || !open.isEmpty,
            let loop = connection?.loop
        else { return assembler.admit(byteCount) }
        isWaitingForRoom = true
        let step = min(byteCount, Limits.logRequestRoomBytes)
        let given = owner.budget.take(step, orWhole: byteCount) { [self] room in
            loop.execute {
                self.granted(room)
                self.pace.begin()
                self.pump()
            }
        }
        if let given { granted(given) }
    }

    private func granted(_ given: RequestRoom) {
        isWaitingForRoom = false
        room += given
        if connection == nil { dropNext() } else { assembler.admit(given.byteCount) }
    }

    /// Gives back the room of what is not going to be served.
    private func dropNext() {
        next = nil
        owner.budget.release(room)
        room = RequestRoom()
    }

    // MARK: Serving

    /// Puts a request in line.
    private func begin(isProduce: Bool) -> OpenRequest {
        let request = OpenRequest(isProduce: isProduce, room: room)
        room = RequestRoom()
        open.append(request)
        return request
    }

    private func serve(_ content: [UInt8]) {
        let request = begin(isProduce: isProduce(content))
        if authentication?.isRaw == true { return answerToken(content, request) }
        do {
            let frame = try RequestFrame(content[...])
            guard authentication?.allows(frame.header.key) != false else {
                return finish(request, .close("a request before authentication"))
            }
            try dispatch(frame, request)
        } catch {
            finish(request, .close("\(error)"))
        }
    }

    /// Reads a request, gives it to its handler and sends the answer.
    func answer<Request: KafkaRequest>(
        _ frame: RequestFrame, _ open: OpenRequest, _ type: Request.Type,
        _ handler: (Request, RequestContext, @escaping Reply<Request.Response>) -> Void
    ) throws {
        guard let connection else { return }
        let request = try frame.body(type)
        let (header, loop) = (frame.header, connection.loop)
        let context = RequestContext(
            version: header.version,
            client: GroupClient(clientID: header.clientID ?? "", host: connection.peerAddress),
            loop: loop, takesFiles: connection.takesFiles, interest: open.interest,
            advertised: listener.advertised)
        handler(request, context) { answer in
            // Encoded on the loop: the writer's thread has better things to do.
            if loop.isCurrent {
                self.finish(open, answer, Request.self, header)
            } else {
                loop.execute { self.finish(open, answer, Request.self, header) }
            }
        }
    }

    /// Ends a request whose answer may be in another version than the request.
    func finish<Request: KafkaRequest>(
        _ request: OpenRequest, _ answer: Answer<Request.Response>, _ type: Request.Type,
        _ header: RequestHeader
    ) {
        switch answer {
        case .silence: finish(request, .silence)
        case .close: finish(request, .close("the request could not be served"))
        case .response(let response): finish(request, response, [], type, header)
        case .withFiles(let response, let parts):
            finish(request, response, parts, type, header)
        }
    }

    private func finish<Request: KafkaRequest>(
        _ request: OpenRequest, _ response: Request.Response, _ parts: [FilePart],
        _ type: Request.Type, _ header: RequestHeader
    ) {
        do {
            let pieces = try encodeResponse(
                response, to: type, version: header.version, correlationID: header.correlationID)
            finish(request, .answer(pieces, parts))
        } catch {
            finish(request, .close("the answer cannot be written: \(error)"))
        }
    }

    func finish(_ request: OpenRequest, _ end: OpenRequest.End) {
        request.interest.fulfil()
        owner.budget.release(request.room)
        request.end = end
        sendAnswers()
    }

    /// Sends what is next in line as far as it is there, and goes on.
    private func sendAnswers() {
        guard let connection else { return }
        // The client may have waited long for this, and only now goes on.
        lastReceived = connection.loop.nowMilliseconds
        while let end = open.first?.end {
            open.removeFirst()
            switch end {
            case .silence: break
            case .answer(let pieces, let parts): write(pieces, parts, to: connection)
            case .close(let reason): return reject(reason)
            }
        }
        if isDraining || authentication?.hasFailed == true, open.isEmpty {
            return connection.close()
        }
        pump()
    }

    /// Empty pieces stand for parts of files, in order.
    private func write(_ pieces: [[UInt8]], _ parts: [FilePart], to connection: Connection) {
        guard !parts.isEmpty else { return connection.write(pieces) }
        var parts = parts[...]
        for piece in pieces {
            if piece.isEmpty, let part = parts.popFirst() {
                connection.write(part)
            } else {
                connection.write(piece)
            }
        }
    }

    private func noteUnsent(_ byteCount: Int) {
        guard byteCount != unsentBytes else { return }
        broker.unsentBytes.add(byteCount - unsentBytes, ordering: .relaxed)
        unsentBytes = byteCount
    }
}

/// A request that is being served, and how it ended. For the connection's loop only, except
/// `interest`.
final class OpenRequest: @unchecked Sendable {
    enum End {
        case answer([[UInt8]], [FilePart])
        case silence
        /// Closes the connection, for this reason.
        case close(String)
    }

    let isProduce: Bool
    let room: RequestRoom
    let interest = RequestInterest()
    var end: End?

    init(isProduce: Bool, room: RequestRoom) {
        self.isProduce = isProduce
        self.room = room
    }
}
