// Extractions. What fits one page is answered whole; a larger one is sent while it is read, page by
// page, so that neither this server nor a storage node ever holds more than a page of it.

internal import Base
internal import HTTP
internal import Logging
internal import Model
internal import Plan
internal import Query
internal import RPC
internal import Wire

extension QueryService {
    /// One answer as a whole, for what keeps it: a saved query's result.
    func extract(
        _ parameters: Parameters, _ project: ProjectID, _ time: QueryTime
    ) async throws -> [UInt8] {
        let extraction = try PreparedExtraction(
            project: project, parameters: parameters, now: configuration.now(), zones: zones)
        let result = try await cluster.extract(extraction.plan, until: time.deadline)
        return extraction.finish(result, elapsed: .now - time.started)
    }

    /// Answers an extraction; nil: through `responder`, bit by bit.
    func extract(
        _ parameters: Parameters, _ format: AnswerFormat, _ project: ProjectID,
        _ context: QueryContext, _ responder: HTTPResponder
    ) async throws -> HTTPResponse? {
        let extraction = try PreparedExtraction(
            project: project, parameters: parameters, now: configuration.now(), zones: zones,
            eventsMax: Limits.extractionStreamedEventsMax)
        var key: KeptKey?
        if case .json = format { key = try Self.key(.extraction, parameters, project) }
        if let key, let kept = kept(key) { return .json(kept) }
        let made = configuration.now()
        var run = ExtractionRun(self, extraction, format)
        let first = try await run.next(context.time)
        guard !run.isDone else {
            if let key { results.put(ResultCache.Entry(body: first.bytes, made: made), key.name) }
            return HTTPResponse(status: 200, headers: run.headers, body: first.bytes)
        }
        let stream = responder.stream(HTTPResponse(status: 200, headers: run.headers))
        do {
            var isWanted = await stream.send(first.bytes)
            while isWanted, !run.isDone {
                // Each page has the time of a query, and the client may take his own.
                isWanted = await stream.send(
                    try await run.next(time(on: context.time.loop)).bytes)
            }
            stream.finish()
        } catch {
            stream.abort()
            logger.notice(
                "an extraction broke off",
                metadata: [
                    LogKeys.path: "\(context.request.path)",
                    LogKeys.reason: "\(QueryFailure(error).message)",
                ])
        }
        return nil
    }
}

/// An extraction under way: its answer in parts, whoever takes them.
struct ExtractionRun {
    private let service: QueryService
    private let extraction: PreparedExtraction
    private let format: AnswerFormat
    private let began = ContinuousClock.now
    private var pager: ExtractionPager
    /// nil before the first part.
    private var writer: (any ExtractionWriter)?

    init(_ service: QueryService, _ extraction: PreparedExtraction, _ format: AnswerFormat) {
        self.service = service
        self.extraction = extraction
        self.format = format
        pager = ExtractionPager(
            extraction.plan, pageEvents: service.configuration.extractionPageEvents)
    }

    /// Whether the last part has been given.
    var isDone: Bool { pager.isDone }

    /// Of the answer, known with its first part.
    var headers: [(name: String, value: String)] { writer?.headers ?? [] }

    /// The next part. What turns out too large is said before the first.
    mutating func next(_ time: QueryTime) async throws -> (bytes: [UInt8], eventCount: Int) {
        let events = try await page(time)
        var bytes: [UInt8] = []
        var writer: any ExtractionWriter
        if let begun = self.writer {
            writer = begun
        } else {
            if !pager.isDone { try await checkCount(time) }
            writer = try await makeWriter(time)
            bytes = writer.begin()
        }
        bytes += try writer.events(events)
        if pager.isDone { bytes += writer.end(pager.statistics, elapsed: .now - began) }
        self.writer = writer
        return (bytes, events.count)
    }

    private func checkCount(_ time: QueryTime) async throws {
        let count = try await service.inTurn(time) {
            try await service.cluster.scan(extraction.count, until: time.deadline)
        }
        try extraction.check(count)
    }

    private func makeWriter(_ time: QueryTime) async throws -> any ExtractionWriter {
        guard case .csv = format else { return JSONExtractionWriter(extraction: extraction) }
        // After the first page: what its events have, the schema knows.
        let known = try await service.cluster.schema(
            project: extraction.plan.collection.project,
            collection: extraction.plan.collection.collection, until: time.deadline)
        return CSVExtractionWriter(
            table: EventTable(extraction.plan, known: known.first?.properties.map(\.path) ?? []))
    }

    /// The next events.
    private mutating func page(_ time: QueryTime) async throws -> [ExtractedEvent] {
        while true {
            let plan = pager.next
            let result: ExtractionResult
            do {
                result = try await service.inTurn(time) {
                    try await service.cluster.extract(plan, until: time.deadline)
                }
            } catch let error as ExtractionTooLarge {
                guard pager.shrink() else { throw error }
                continue
            } catch let error as StoreFailure where error.cause.status == .resourceExhausted {
                guard pager.shrink() else { throw error }
                continue
            }
            return try pager.add(result)
        }
    }
}

/// Writes events as they come.
private protocol ExtractionWriter {
    var headers: [(name: String, value: String)] { get }
    func begin() -> [UInt8]
    mutating func events(_ events: [ExtractedEvent]) throws -> [UInt8]
    func end(_ statistics: ScanStatistics, elapsed: Duration) -> [UInt8]
}

private struct JSONExtractionWriter: ExtractionWriter {
    let extraction: PreparedExtraction
    private var isFirst = true

    init(extraction: PreparedExtraction) { self.extraction = extraction }

    var headers: [(name: String, value: String)] {
        [(name: "Content-Type", value: "application/json")]
    }

    func begin() -> [UInt8] { extraction.head }

    mutating func events(_ events: [ExtractedEvent]) -> [UInt8] {
        defer { isFirst = isFirst && events.isEmpty }
        return extraction.events(events, isFirst: isFirst)
    }

    func end(_ statistics: ScanStatistics, elapsed: Duration) -> [UInt8] {
        extraction.tail(statistics, elapsed: elapsed)
    }
}

private struct CSVExtractionWriter: ExtractionWriter {
    let table: EventTable

    var headers: [(name: String, value: String)] { HTTPResponse.csv([]).headers }

    func begin() -> [UInt8] { table.header }
    func events(_ events: [ExtractedEvent]) throws -> [UInt8] { try table.rows(events) }
    func end(_ statistics: ScanStatistics, elapsed: Duration) -> [UInt8] { [] }
}

extension HTTPResponse {
    static func csv(_ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(
            status: 200, headers: [(name: "Content-Type", value: "text/csv; charset=utf-8")],
            body: body)
    }
}
