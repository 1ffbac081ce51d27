// One loop's share of the ingest: its parser, its ids, and the requests of its connections that
// wait for the log. Everything here runs on the loop.

internal import Base
internal import EventLoop
internal import HTTP
internal import JSON
internal import LogClient
internal import Logging
internal import Metrics
internal import Model

/// A write request that may be carried out.
struct WriteRequest {
    let project: ProjectID
    let body: [UInt8]
    let responder: HTTPResponder
    let log: EventTopic
    let received: Timestamp
    let form: ReplyForm
    /// The client's name for the request, by which it is recognised when it is sent again.
    let idempotencyKey: String?
    let caller: Caller

    /// The token of an event that has none of its own; `position` counts within its collection.
    func token(position: Int) -> [UInt8]? {
        idempotencyKey.map { Array("idempotency:\($0):\(position)".utf8) }
    }
}

/// What the log said about one event.
struct EventReport: Sendable {
    let slot: Int
    let event: Int
    let isDelivered: Bool
}

/// A loop's requests, from parsing to their answers.
final class IngestLane: @unchecked Sendable {
    // Constants, or the loop's own.
    let loop: EventLoop
    private let number: Int
    private let budget: IngestBudget
    private let metrics: IngestMetrics
    private let parser = JSONParser()
    private var ids: EventIDs
    private var pending = PendingRequests<Waiting>()
    /// The record being made; kept for its memory.
    private var value: [UInt8] = []
    /// Why the log client did not take an event of the current request.
    private var refusal: LogError?

    /// Bytes that an event grows by on its way into a record, roughly.
    private static let recordOverheadBytes = 256

    private struct Waiting {
        var responder: HTTPResponder
        var form: ReplyForm
        /// Nil for a single event.
        var bulk: BulkResults?
        var publishedEvents: Int
        var reserved: (events: Int, bytes: Int)
        var bodyBytes: Int
        var startedAt: UInt64
    }

    init(
        number: Int, loop: EventLoop, budget: IngestBudget, metrics: IngestMetrics, seed: UInt64
    ) {
        self.number = number
        self.loop = loop
        self.budget = budget
        self.metrics = metrics
        ids = EventIDs(seed: seed)
    }

    // MARK: Writing

    /// Publishes one event. Returns the answer if it is known at once; otherwise it comes later.
    func single(
        _ request: WriteRequest, collection: CollectionName
    ) -> (HTTPResponse?, refusal: LogError?) {
        var event: EventLayout
        do throws(EventError) {
            let tape = try parse(request.body)
            var checker = EventChecker(tape: tape, getsToken: request.idempotencyKey != nil)
            event = try checker.event(tape.root)
            event.token = event.token ?? request.token(position: 0)
        } catch {
            metrics.rejected.increment()
            return (IngestAnswers.refused(error), nil)
        }
        let reserved = (events: 1, bytes: request.body.count + Self.recordOverheadBytes)
        switch budget.reserve(events: reserved.events, bytes: reserved.bytes) {
        case .full: return (IngestAnswers.bufferFull, nil)
        case .closed: return (IngestAnswers.draining, nil)
        case .granted: break
        }
        refusal = nil
        let slot = pending.open()
        publish(
            event, request, key: key(request.project, collection.name),
            splicer: EventSplicer(received: request.received, caller: request.caller), slot: slot,
            number: 0)
        let waiting = waiting(request, nil, published: 1, reserved)
        return (close(slot, waiting), refusal)
    }

    /// Publishes the events of several collections, as `single` does one.
    func bulk(_ request: WriteRequest) -> (HTTPResponse?, refusal: LogError?) {
        let tape: JSONTape
        let eventCount: Int
        do throws(EventError) {
            tape = try parse(request.body)
            guard let count = try countEvents(of: tape.root) else {
                return (
                    IngestAnswers.tooLarge(
                        "a bulk has at most \(Limits.bulkEventsMax) events and collections"), nil
                )
            }
            eventCount = count
        } catch { return (IngestAnswers.refused(error), nil) }
        guard eventCount <= budget.eventsMax else {
            return (
                IngestAnswers.tooLarge(
                    "the bulk has \(eventCount) events, this collector takes at most "
                        + "\(budget.eventsMax) at a time"), nil
            )
        }
        let reserved = (
            events: eventCount, bytes: request.body.count + eventCount * Self.recordOverheadBytes
        )
        switch budget.reserve(events: reserved.events, bytes: reserved.bytes) {
        case .full: return (IngestAnswers.bufferFull, nil)
        case .closed: return (IngestAnswers.draining, nil)
        case .granted: break
        }
        refusal = nil
        let slot = pending.open()
        let results = publishAll(of: tape, request, slot: slot)
        metrics.rejected.increment(by: results.refused.count)
        let waiting = waiting(
            request, results, published: eventCount - results.refused.count, reserved)
        return (close(slot, waiting), refusal)
    }

    private func parse(_ body: [UInt8]) throws(EventError) -> JSONTape {
        do throws(JSONError) { return try parser.parse(body) } catch { throw .notJSON(error) }
    }

    /// Checks the envelope: nothing is published of a bulk whose envelope is wrong. Nil means too
    /// many.
    private func countEvents(of root: JSONNode) throws(EventError) -> Int? {
        guard root.kind == .object else {
            throw .batch("a bulk is an object of collections, each an array of events")
        }
        guard root.childCount <= Limits.bulkEventsMax else { return nil }
        var count = 0
        var names = Set<String>()
        for member in root.members {
            let name = member.key.text
            guard member.value.kind == .array else {
                throw .batch("collection '\(name)' is no array of events")
            }
            guard names.insert(name).inserted else {
                throw .batch("collection '\(name)' is given twice")
            }
            count += member.value.childCount
            guard count <= Limits.bulkEventsMax else { return nil }
        }
        return count
    }

    private func publishAll(
        of tape: JSONTape, _ request: WriteRequest, slot: Int
    ) -> BulkResults {
        let splicer = EventSplicer(received: request.received, caller: request.caller)
        var checker = EventChecker(
            tape: tape, token: 1, getsToken: request.idempotencyKey != nil)
        var results = BulkResults()
        var number = 0
        for member in tape.root.members {
            let name = member.key.text
            results.collections.append(
                .init(name: name, eventCount: member.value.childCount))
            let wrongName = wrongName(name)
            let key = key(request.project, name)
            // The name, the colon and the opening bracket.
            checker.advance(3)
            for (position, element) in member.value.elements.enumerated() {
                do throws(EventError) {
                    var event = try checker.event(element)
                    if let wrongName { throw wrongName }
                    event.token = event.token ?? request.token(position: position)
                    publish(
                        event, request, key: key, splicer: splicer, slot: slot, number: number)
                } catch { results.refuse(number, error) }
                number += 1
                checker.advance(1)
            }
            // The closing bracket of an empty array, and the comma or the end.
            checker.advance(member.value.childCount == 0 ? 2 : 1)
        }
        return results
    }

    private func wrongName(_ name: String) -> EventError? {
        do throws(InvalidName) { _ = try CollectionName(name) } catch {
            return .collection(error.message)
        }
        return nil
    }

    private func key(_ project: ProjectID, _ collection: String) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(project.name.utf8.count + 1 + collection.utf8.count)
        key.append(contentsOf: project.name.utf8)
        key.append(UInt8(ascii: "/"))
        key.append(contentsOf: collection.utf8)
        return key
    }

    private func publish(
        _ event: EventLayout, _ request: WriteRequest, key: [UInt8], splicer: EventSplicer,
        slot: Int, number: Int
    ) {
        let id = ids.next(milliseconds: request.received.milliseconds)
        value.removeAll(keepingCapacity: true)
        splicer.append(event, of: request.body, id: id, to: &value)
        let token = EventToken(lane: self.number, slot: slot, event: number)
        let count = request.log.partitionCount
        let outcome = request.log.topic.publish(
            partition: event.token.map { partition(ofToken: $0, key: key, count: count) }
                ?? id.partition(of: count),
            key: key, value: value, token: token.raw)
        switch outcome {
        case .queued: pending.add(event: number, to: slot, isPublished: true)
        case .queueFull: pending.add(event: number, to: slot, isPublished: false)
        case .refused(let error):
            refusal = error
            pending.add(event: number, to: slot, isPublished: false)
        }
    }

    private func waiting(
        _ request: WriteRequest, _ bulk: BulkResults?, published: Int,
        _ reserved: (events: Int, bytes: Int)
    ) -> Waiting {
        Waiting(
            responder: request.responder, form: request.form, bulk: bulk,
            publishedEvents: published,
            reserved: reserved, bodyBytes: request.body.count, startedAt: monotonicNanoseconds())
    }

    private func close(_ slot: Int, _ waiting: Waiting) -> HTTPResponse? {
        pending.close(slot, waiting).map { finish(waiting, failed: $0) }
    }

    // MARK: Reports

    /// Takes what the log said in, and answers the requests of which that was the last.
    func settle(_ reports: [EventReport]) {
        for report in reports {
            let done = pending.settle(
                slot: report.slot, event: report.event, isDelivered: report.isDelivered)
            guard let (waiting, failed) = done else { continue }
            metrics.publishTime.recordNanoseconds(
                Int64(clamping: monotonicNanoseconds() - waiting.startedAt))
            waiting.responder.respond(waiting.form.shape(finish(waiting, failed: failed)))
        }
    }

    private func finish(_ waiting: Waiting, failed: [Int]) -> HTTPResponse {
        budget.release(events: waiting.reserved.events, bytes: waiting.reserved.bytes)
        let delivered = waiting.publishedEvents - failed.count
        metrics.accepted.increment(by: delivered)
        metrics.failed.increment(by: failed.count)
        if delivered == 0, !failed.isEmpty { return IngestAnswers.logFailed }
        metrics.bytes.increment(by: waiting.bodyBytes)
        guard let bulk = waiting.bulk else { return IngestAnswers.created }
        return .json(bulk.encoded(failed: failed))
    }
}
