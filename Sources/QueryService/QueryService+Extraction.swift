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
        var pager = ExtractionPager(
            extraction.plan, pageEvents: configuration.extractionPageEvents)
        let first = try await page(&pager, context.time)
        if !pager.isDone {
            let count = try await inTurn(context.time) {
                try await cluster.scan(extraction.count, until: context.deadline)
            }
            try extraction.check(count)
        }
        var writer: any ExtractionWriter = JSONExtractionWriter(extraction: extraction)
        if case .csv = format {
            // After the first page: what its events have, the schema knows.
            let known = try await cluster.schema(
                project: project, collection: extraction.plan.collection.collection,
                until: context.deadline)
            writer = CSVExtractionWriter(
                table: EventTable(
                    extraction.plan, known: known.first?.properties.map(\.path) ?? []))
        }
        var bytes = try writer.begin() + writer.events(first)
        guard !pager.isDone else {
            bytes += writer.end(pager.statistics, elapsed: .now - context.started)
            if let key { results.put(ResultCache.Entry(body: bytes, made: made), key.name) }
            return HTTPResponse(status: 200, headers: writer.headers, body: bytes)
        }
        let stream = responder.stream(HTTPResponse(status: 200, headers: writer.headers))
        do {
            var isWanted = await stream.send(bytes)
            while isWanted, !pager.isDone {
                // Each page has the time of a query, and the client may take his own.
                let events = try await page(&pager, time(on: context.time.loop))
                isWanted = await stream.send(try writer.events(events))
            }
            _ = await stream.send(writer.end(pager.statistics, elapsed: .now - context.started))
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

    /// The next events.
    private func page(
        _ pager: inout ExtractionPager, _ time: QueryTime
    ) async throws -> [ExtractedEvent] {
        while true {
            let plan = pager.next
            let result: ExtractionResult
            do {
                result = try await inTurn(time) {
                    try await cluster.extract(plan, until: time.deadline)
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
