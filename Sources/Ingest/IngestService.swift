// The write half of the Keen API: who may write is checked here, what is written in the loop's
// lane. The collector and the query server both mount these routes.

internal import Access
internal import Base
package import Catalog
package import HTTP
internal import JSON
package import LogClient
package import Logging
internal import Model

/// How much the ingest holds and how long it waits.
package struct IngestConfiguration: Sendable {
    /// Events of requests that wait for the log, at most.
    package var bufferEventsMax = 200_000
    /// Bytes of requests that wait for the log, at most.
    package var bufferBytesMax = 256 << 20
    /// How long a record may wait for company.
    package var linger = Duration.milliseconds(3)
    /// Whether a proxy says in X-Forwarded-For who the caller is.
    package var trustsForwardedFor = false
    /// After this time without the log's word an event has failed.
    package var deliveryTimeout = Duration.seconds(10)

    package init() {}
}

/// Takes events in and answers when the log has them. Any thread.
package final class IngestService: Sendable {
    private let catalog: CatalogFollower
    private let logger: Logger
    private let budget: IngestBudget
    private let trustsForwardedFor: Bool
    private let lanes: LaneDirectory
    private let publisher: EventPublisher

    /// Starts a producer of its own, which connects by itself. Throws a `LogError` if the
    /// connection's properties are wrong.
    package init(
        connection: LogConnection, catalog: CatalogFollower,
        configuration: IngestConfiguration = IngestConfiguration(), logger: Logger
    ) throws {
        let metrics = IngestMetrics()
        let budget = IngestBudget(
            eventsMax: configuration.bufferEventsMax, bytesMax: configuration.bufferBytesMax,
            metrics: metrics)
        let lanes = LaneDirectory(budget: budget, metrics: metrics, logger: logger)
        var producer = LogProducerConfiguration(connection: connection)
        producer.linger = configuration.linger
        producer.deliveryTimeout = configuration.deliveryTimeout
        // The budget is what bounds; the producer's own buffer must not be the tighter one.
        producer.bufferedRecordsMax = configuration.bufferEventsMax + 1000
        producer.bufferedBytesMax = configuration.bufferBytesMax * 2
        self.catalog = catalog
        self.logger = logger
        self.budget = budget
        trustsForwardedFor = configuration.trustsForwardedFor
        self.lanes = lanes
        publisher = try EventPublisher(
            configuration: producer, logger: logger, deliveries: lanes.settle)
    }

    /// Waits until the log can be reached and has the events topic. Not needed before serving:
    /// until then writes get 503. Throws the last `LogError` after `timeout`.
    package func waitUntilReady(timeout: Duration) async throws {
        try await publisher.waitUntilReady(timeout: timeout)
    }

    /// Events of requests that wait for the log now.
    package var waitingEvents: Int { budget.events }

    /// Adds the write routes to a server's own.
    package func mount(on router: inout Router) {
        router.on(.post, "/3.0/projects/:project/events") { [self] request, responder in
            serve(request, responder, isBulk: true) { lane, write throws(Refusal) in
                lane.bulk(write)
            }
        }
        router.on(.post, "/3.0/projects/:project/events/*collection") {
            [self] request, responder in
            serve(request, responder) { lane, write throws(Refusal) in
                lane.single(write, collection: try Self.collection(of: request))
            }
        }
        // A HEAD, which routes like a GET, must not write.
        router.on(
            .get, "/3.0/projects/:project/events/*collection",
            where: { $0.method == .get && $0.query.first(named: "data") != nil }
        ) { [self] request, responder in servePixel(request, responder) }
    }

    /// Refuses further writes, waits up to `deadline` until all that were accepted are answered,
    /// and closes the producer; what the log has not taken by then is answered 503.
    package func drain(deadline: Duration) async {
        budget.close()
        let end = ContinuousClock.now + deadline
        while budget.events > 0, ContinuousClock.now < end {
            await publisher.flush(timeout: end - ContinuousClock.now)
            // Reported, but perhaps not answered yet by the loops.
            if budget.events > 0 { try? await Task.sleep(for: .milliseconds(1)) }
        }
        await publisher.close()
    }

    // MARK: Requests

    private struct Refusal: Error { var response: HTTPResponse }

    /// A write by GET: the event is in the address, and the answer what the page can use.
    private func servePixel(_ request: HTTPRequest, _ responder: HTTPResponder) {
        let form: ReplyForm
        do throws(EventError) { form = try ReplyForm.asked(by: request) } catch {
            return responder.respond(IngestAnswers.refused(error))
        }
        let data = request.query.first(named: "data") ?? ""
        guard let body = decodeBase64(anyForm: data.utf8) else {
            return responder.respond(
                form.shape(IngestAnswers.refused(.parameter("data is not base64"))))
        }
        serve(request, responder, body: body, form: form) { lane, write throws(Refusal) in
            lane.single(write, collection: try Self.collection(of: request))
        }
    }

    private func serve(
        _ request: HTTPRequest, _ responder: HTTPResponder, body: [UInt8]? = nil,
        form: ReplyForm = .json, isBulk: Bool = false,
        _ write: (IngestLane, WriteRequest) throws(Refusal) -> (HTTPResponse?, refusal: LogError?)
    ) {
        do throws(Refusal) {
            let admitted = try admit(
                request, responder, body: body ?? request.body, form: form, isBulk: isBulk)
            let (response, refusal) = try write(lanes.lane(of: responder.loop), admitted)
            if let refusal { report(refusal) }
            if let response { responder.respond(form.shape(response)) }
        } catch { responder.respond(form.shape(error.response)) }
    }

    /// The project before the key, the key before everything else.
    private func admit(
        _ request: HTTPRequest, _ responder: HTTPResponder, body: [UInt8], form: ReplyForm,
        isBulk: Bool
    ) throws(Refusal) -> WriteRequest {
        guard catalog.isCurrent else { throw Refusal(response: IngestAnswers.starting) }
        let grant: Grant
        do throws(AccessError) {
            let header = request.headers["authorization"]
            let isGiven = header.map { !$0.isEmpty } ?? false
            grant = try authorize(
                project: request.pathParameters["project"] ?? "",
                key: apiKey(
                    authorization: header,
                    parameter: isGiven ? nil : request.query.first(named: "api_key")),
                for: .write, in: catalog.state)
        } catch {
            throw Refusal(
                response: .error(
                    status: error.status, message: error.message, code: error.code))
        }
        let idempotencyKey = request.headers["idempotency-key"]
        guard idempotencyKey.map(Self.isIdempotencyKey) ?? true else {
            throw Refusal(response: IngestAnswers.refused(.idempotencyKey))
        }
        guard let log = publisher.current() else {
            throw Refusal(response: IngestAnswers.logUnknown)
        }
        return WriteRequest(
            project: grant.project.id, body: try Self.filled(body, grant, isBulk: isBulk),
            responder: responder, log: log,
            received: Timestamp(milliseconds: wallClockMilliseconds()), form: form,
            idempotencyKey: idempotencyKey,
            caller: Caller(
                headers: request.headers, peer: request.peerAddress,
                trustsForwardedFor: trustsForwardedFor))
    }

    /// The body with what the key fills in.
    private static func filled(
        _ body: [UInt8], _ grant: Grant, isBulk: Bool
    ) throws(Refusal) -> [UInt8] {
        guard let members = grant.rules?.autofill, !members.isEmpty else { return body }
        let autofill = Autofill(members: members)
        guard isBulk else { return autofill.single(body) }
        do throws(Autofill.TooLarge) { return try autofill.bulk(body) } catch {
            throw Refusal(
                response: IngestAnswers.tooLarge(
                    "with what the key fills in, the body would have more than "
                        + "\(Limits.httpBodyBytesMax) bytes"))
        }
    }

    private static func isIdempotencyKey(_ text: String) -> Bool {
        (1...Limits.idempotencyKeyBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func collection(of request: HTTPRequest) throws(Refusal) -> CollectionName {
        let name = request.pathParameters["collection"] ?? ""
        do throws(InvalidName) { return try CollectionName(name) } catch {
            throw Refusal(response: IngestAnswers.refused(.collection(error.message)))
        }
    }

    private func report(_ error: LogError) {
        logger.warning("log client refused events", metadata: ["error": "\(error)"])
        if error.isUnknownTopic { publisher.forgetPartitions() }
    }
}
