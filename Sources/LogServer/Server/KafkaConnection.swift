// One client. Everything here happens on the connection's loop.
//
//   reading --request--> serving --answer sent--> reading
//      \--no request, unknown key or version, stalled--> closed
//
// One request is served at a time, as Kafka does: answers are in the order of requests, and a
// client that does not read its answers is not read from.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging

/// What a connection needs of its server.
protocol ConnectionOwner: AnyObject, Sendable {
    var broker: Broker { get }
    var budget: ByteBudget { get }
    /// Called on the connection's loop.
    func opened(_ connection: KafkaConnection)
    func closed(_ connection: KafkaConnection)
}

/// `@unchecked Sendable`: the mutable fields are for the loop only.
final class KafkaConnection: ConnectionHandler, @unchecked Sendable {
    /// Requests up to this size are read without asking for room.
    private static let smallRequestBytes = Limits.readBufferBytes

    let broker: Broker
    private let owner: any ConnectionOwner
    private var connection: Connection?
    /// The connection's loop; set before anybody else knows of this object.
    private var loop: EventLoop?
    private var assembler = RequestAssembler()
    /// Received and not yet looked at; at most what one read gave.
    private var input: ArraySlice<UInt8> = []
    private var reservedBytes = 0
    private var isWaitingForRoom = false
    private var isServing = false
    private var isPumping = false
    private var isDraining = false
    private var interest: RequestInterest?
    private var timer: LoopTimer?
    private var lastReceived: UInt64 = 0

    init(owner: any ConnectionOwner) {
        self.owner = owner
        broker = owner.broker
    }

    // MARK: The connection's life

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        loop = connection.loop
        lastReceived = connection.loop.nowMilliseconds
        broker.metrics.opened()
        owner.opened(self)
        timer = connection.loop.schedule(after: .seconds(10), repeating: .seconds(10)) {
            [weak self] in
            self?.checkProgress()
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
        lastReceived = connection.loop.nowMilliseconds
        input.append(contentsOf: bytes)
        pump()
    }

    func becameWritable(_ connection: Connection) { pump() }

    /// A client that has no more to ask gets the answer that is due.
    func peerClosedWrite(_ connection: Connection) { drain() }

    func closed(_ connection: Connection, error: NetworkError?) {
        self.connection = nil
        timer?.cancel()
        broker.metrics.closed()
        interest?.lose()
        interest = nil
        // While a request waits for room, the room comes to `granted`, which gives it back; while
        // one is served, its answer does.
        if !isWaitingForRoom, !isServing { releaseRoom() }
        owner.closed(self)
    }

    /// Runs `body` on the loop. Any thread.
    func onLoop(_ body: @escaping @Sendable (KafkaConnection) -> Void) {
        loop?.execute { body(self) }
    }

    /// Closes after the answer that is due; at once if none is, or if the request only waits for
    /// records to come.
    func drain() {
        isDraining = true
        if !isServing || interest?.isWaiting == true { connection?.close() }
    }

    func abort() { connection?.abort() }

    private func checkProgress() {
        guard let connection else { return }
        let now = connection.loop.nowMilliseconds
        let stall = UInt64(Limits.logConnectionStallSeconds) * 1000
        if connection.unsentBytes > 0 {
            if now - connection.lastProgressMilliseconds > stall { connection.abort() }
        } else if !isServing, !isWaitingForRoom {
            let idle = UInt64(Limits.logConnectionIdleSeconds) * 1000
            let limit = assembler.isBetweenRequests ? idle : stall
            if now - lastReceived > limit { connection.close() }
        }
    }

    private func reject(_ reason: String) {
        guard let connection else { return }
        broker.metrics.closedForCause()
        broker.logger.info(
            "kafka connection closed",
            metadata: [
                LogKeys.peerAddress: "\(connection.peerAddress):\(connection.peerPort)",
                LogKeys.reason: "\(reason)",
            ])
        input = []
        connection.close()
    }

    // MARK: Requests

    /// Serves what has been received as far as possible, then reads on or not.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        while let connection, connection.isWritable, !isServing, !isWaitingForRoom, step() {}
        isPumping = false
        guard let connection else { return }
        // While a request is served one more read is taken, so that a client that goes away is
        // noticed; what it holds waits.
        if input.isEmpty, connection.isWritable {
            connection.resumeReading()
        } else {
            connection.pauseReading()
        }
    }

    /// Whether there may be more to do.
    private func step() -> Bool {
        switch assembler.next(&input) {
        case .needsMore:
            input = []
            return false
        case .announced(let byteCount):
            makeRoom(for: byteCount)
            return true
        case .request(let content):
            serve(content)
            return true
        case .invalid(let length):
            reject("a request of \(length) bytes")
            return false
        }
    }

    private func makeRoom(for byteCount: Int) {
        guard byteCount > Self.smallRequestBytes, let loop = connection?.loop else {
            return assembler.admit()
        }
        isWaitingForRoom = true
        let isGranted = owner.budget.reserve(byteCount) { [self] in
            loop.execute { self.granted(byteCount) }
        }
        if isGranted { granted(byteCount) }
    }

    private func granted(_ byteCount: Int) {
        isWaitingForRoom = false
        reservedBytes = byteCount
        guard connection != nil else { return releaseRoom() }
        assembler.admit()
        pump()
    }

    private func releaseRoom() {
        owner.budget.release(reservedBytes)
        reservedBytes = 0
    }

    private func serve(_ content: [UInt8]) {
        do {
            let frame = try RequestFrame(content[...])
            isServing = true
            try dispatch(frame)
        } catch {
            isServing = false
            releaseRoom()
            reject("\(error)")
        }
    }

    /// Reads a request, gives it to its handler and sends the answer.
    func answer<Request: KafkaRequest>(
        _ frame: RequestFrame, _ type: Request.Type,
        _ handler: (Request, RequestContext, @escaping Reply<Request.Response>) -> Void
    ) throws {
        guard let connection else { return }
        let request = try frame.body(type)
        let (header, loop) = (frame.header, connection.loop)
        let interest = RequestInterest()
        self.interest = interest
        let context = RequestContext(
            version: header.version,
            client: GroupClient(clientID: header.clientID ?? "", host: connection.peerAddress),
            loop: loop, interest: interest)
        handler(request, context) { answer in
            // Encoded on the loop: the writer's thread has better things to do.
            if loop.isCurrent {
                self.finish(answer, Request.self, header)
            } else {
                loop.execute { self.finish(answer, Request.self, header) }
            }
        }
    }

    /// Sends an answer whose version is not the request's.
    func answer<Request: KafkaRequest>(
        _ response: Request.Response, to type: Request.Type, _ header: RequestHeader
    ) {
        finish(.response(response), type, header)
    }

    private func finish<Request: KafkaRequest>(
        _ answer: Answer<Request.Response>, _ type: Request.Type, _ header: RequestHeader
    ) {
        interest?.fulfil()
        interest = nil
        isServing = false
        releaseRoom()
        guard let connection else { return }
        switch answer {
        case .silence: break
        case .close: return reject("the request could not be served")
        case .response(let response):
            do {
                connection.write(
                    try encodeResponse(
                        response, to: type, version: header.version,
                        correlationID: header.correlationID))
            } catch {
                return reject("the answer cannot be written: \(error)")
            }
        }
        if isDraining { return connection.close() }
        pump()
    }
}
