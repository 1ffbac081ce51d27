// The reading half of the HTTP API: analyses, schemas and projects. This file has what all of its
// routes share; each family of routes has a file of its own.

internal import Access
internal import Base
package import Catalog
internal import EventLoop
package import HTTP
package import Logging
package import Model
package import Query

/// How a query service behaves.
package struct QueryServiceConfiguration: Sendable {
    /// How long a request may take, waiting for its turn included. The Keen API had 300 s; ours is
    /// below the patience of every client but the shortest (a choice).
    package var timeout = Duration.seconds(60)
    package var runningMax = Limits.queriesRunningMax
    package var waitingMax = Limits.queriesWaitingMax
    /// Events that a long extraction reads at a time.
    package var extractionPageEvents = Limits.extractionPageEvents
    /// What relative timeframes count from.
    package var now: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: wallClockMilliseconds())
    }

    /// What a project may ask for in a minute, of this server; without an entry, anything.
    package var perMinute: [RequestKind: Int] = [:]

    /// Writes a control record into so many partitions and gives the offsets after them, when the
    /// log has them all; nil: the server cannot delete. Throws `LogError`.
    package var publishControl:
        (@Sendable (CollectionControl, _ partitionCount: Int32) async throws -> [ShardID: Int64])?

    /// Writes a change of the catalog; nil: the server cannot save. Throws `LogError`.
    package var publish: (@Sendable (CatalogRecord) async throws -> Void)?

    package init() {}
}

/// Answers queries and schema reads. Any thread.
package final class QueryService: Sendable {
    let cluster: StoreCluster
    let zones: ZoneLookup
    let configuration: QueryServiceConfiguration
    let gate: QueryGate
    let metrics = QueryMetrics()
    let results = ResultCache()
    let cachedQueries = CachedQueries()
    private let rates: RateCounter
    /// nil: extractions are answered at once, all of them.
    let files: ExtractionFiles?
    private let catalog: @Sendable () -> CatalogState?
    let logger: Logger

    /// `catalog` gives the catalog as it is, nil until it is current.
    package init(
        cluster: StoreCluster, catalog: @escaping @Sendable () -> CatalogState?,
        zones: @escaping ZoneLookup,
        configuration: QueryServiceConfiguration = QueryServiceConfiguration(),
        files: ExtractionFiles? = nil, logger: Logger
    ) {
        self.cluster = cluster
        self.catalog = catalog
        self.zones = zones
        self.configuration = configuration
        self.files = files
        self.logger = logger
        rates = RateCounter(limits: configuration.perMinute)
        gate = QueryGate(
            runningMax: configuration.runningMax, waitingMax: configuration.waitingMax)
    }

    /// Adds every route. `GET .../events/NAME` is ours only without `data`: with it, it writes.
    package func mount(on router: inout Router) {
        // Before the analyses: "saved" is none.
        mountSavedQueries(on: &router)
        mountAnalyses(on: &router)
        mountSchemas(on: &router)
        mountDeletes(on: &router)
        mountProjects(on: &router)
        mountAccessKeys(on: &router)
        mountDatasets(on: &router)
        mountFiles(on: &router)
    }
}

// MARK: What the routes share

/// The time that a query has, whoever asked it: a request, or a cached query that is due.
struct QueryTime: Sendable {
    let started: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    /// Keeps the time for waits.
    let loop: EventLoop
}

/// A request under way.
struct QueryContext: Sendable {
    let request: HTTPRequest
    let time: QueryTime

    var started: ContinuousClock.Instant { time.started }
    var deadline: ContinuousClock.Instant { time.deadline }

    /// A part of the path that the route's pattern names.
    func part(_ name: String) -> String { request.pathParameters[name] ?? "" }
}

extension QueryService {
    /// What answers one route; throws whatever `QueryFailure` knows.
    typealias Action = @Sendable (QueryService, QueryContext) async throws -> HTTPResponse

    /// The same of a route that may answer by itself, bit by bit; it gives nil then.
    typealias StreamingAction =
        @Sendable (QueryService, QueryContext, HTTPResponder) async throws -> HTTPResponse?

    func serve(
        _ method: HTTPMethod, _ pattern: String, on router: inout Router,
        where condition: (@Sendable (HTTPRequest) -> Bool)? = nil, _ action: @escaping Action
    ) {
        serve(method, pattern, on: &router, where: condition) { service, context, _ in
            try await action(service, context)
        }
    }

    func serve(
        _ method: HTTPMethod, _ pattern: String, on router: inout Router,
        where condition: (@Sendable (HTTPRequest) -> Bool)? = nil,
        _ action: @escaping StreamingAction
    ) {
        router.on(method, pattern, where: condition) { [self] request, responder in
            let context = QueryContext(request: request, time: time(on: responder.loop))
            // Not on the loop: to parse, merge and format may take long. The task ends with its
            // answer, and every wait in it with the request's deadline.
            Task {
                guard let response = await answer(context, responder, action) else { return }
                responder.respond(response)
            }
        }
    }

    /// The time of a query that begins now.
    func time(on loop: EventLoop) -> QueryTime {
        let started = ContinuousClock.now
        return QueryTime(
            started: started, deadline: started + configuration.timeout, loop: loop)
    }

    private func answer(
        _ context: QueryContext, _ responder: HTTPResponder, _ action: StreamingAction
    ) async -> HTTPResponse? {
        do { return try await action(self, context, responder) } catch {
            let failure = QueryFailure(error)
            if failure.status >= 500 { log(failure, error, context) }
            return failure.response
        }
    }

    private func log(_ failure: QueryFailure, _ error: any Error, _ context: QueryContext) {
        logger.log(
            level: failure.status == 500 ? .error : .info, "request not answered",
            metadata: [
                LogKeys.path: "\(context.request.path)", LogKeys.status: "\(failure.status)",
                LogKeys.reason: "\(error)",
            ])
    }

    /// The catalog; throws `CatalogUnknown` while it is not current.
    func catalogState() throws -> CatalogState {
        guard let state = catalog() else { throw CatalogUnknown() }
        return state
    }

    /// Throws if the project has asked for so much in this minute already.
    func admit(_ kind: RequestKind, _ project: ProjectID) throws {
        try rates.admit(kind, project, at: configuration.now())
    }

    /// What the request's key allows in the project that the path names.
    func grant(_ context: QueryContext, for need: AccessNeed) throws -> Grant {
        let grant = try authorize(
            project: context.part("project"), key: context.request.key, for: need,
            in: catalogState())
        if grant.isScoped {
            // Not what is wrong with them: see ScopedKey.
            do { try AccessKeyRequest.check(filters: grant.rules?.queryFilters ?? []) } catch {
                throw AccessError.undecipherable
            }
        }
        return grant
    }

    /// The project that the path names, if the request's key opens it.
    func project(_ context: QueryContext, for need: AccessNeed) throws -> Project {
        try grant(context, for: need).project
    }
}

extension HTTPRequest {
    /// The key that came with the request.
    var key: String? {
        apiKey(authorization: headers["authorization"], parameter: query.first(named: "api_key"))
    }
}
