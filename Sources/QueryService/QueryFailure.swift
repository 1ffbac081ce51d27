// The one place where errors of a request become answers: status, `error_code`, message.

internal import Access
internal import Aggregate
internal import HTTP
internal import Plan
internal import Query
internal import RPC
internal import Wire

/// The catalog has not been read to its end yet, so nobody can say which projects exist.
struct CatalogUnknown: Error {}

/// How a request fails.
struct QueryFailure: Error {
    var status: Int
    /// The answer's `error_code`.
    var code: String
    var message: String
    var outcome: QueryOutcome
    /// When trying again may help.
    var retryAfterSeconds: Int?

    var response: HTTPResponse {
        var response = HTTPResponse.error(status: status, message: message, code: code)
        if let retryAfterSeconds {
            response.headers.append((name: "Retry-After", value: "\(retryAfterSeconds)"))
        }
        return response
    }
}

extension QueryFailure {
    init(_ error: any Error) {
        switch error {
        case let failure as QueryFailure: self = failure
        case let error as AccessError:
            self.init(
                status: error.status, code: error.code, message: error.message, outcome: .invalid)
        case let error as QueryError: self.init(error)
        case let error as GateRefusal: self.init(error)
        case let error as StoreFailure: self.init(error)
        case let error as PartialError: self.init(error)
        case let error as ExtractionTooLarge: self = .tooLarge(error.description)
        case is PartitionsUnknown:
            self = .unavailable("the log has not said yet how many shards there are")
        case is CatalogUnknown: self = .unavailable("the catalog has not been read yet")
        default: self = .failed("an internal error occurred")
        }
    }

    private static func unavailable(_ message: String) -> QueryFailure {
        // A second: a process that died is back by then, mostly.
        QueryFailure(
            status: 503, code: "ServiceUnavailableError", message: message, outcome: .unavailable,
            retryAfterSeconds: 1)
    }

    static func logUnavailable(_ message: String) -> QueryFailure {
        QueryFailure(
            status: 503, code: "LogUnavailableError", message: message, outcome: .unavailable,
            retryAfterSeconds: 1)
    }

    private static func failed(_ message: String) -> QueryFailure {
        QueryFailure(
            status: 500, code: QueryError.Code.internalError.rawValue, message: message,
            outcome: .failed)
    }

    private static func tooLarge(_ message: String) -> QueryFailure {
        QueryFailure(
            status: 400, code: QueryError.Code.tooLarge.rawValue, message: message,
            outcome: .tooLarge)
    }

    private init(_ error: QueryError) {
        let outcome: QueryOutcome =
            switch error.code {
            case .tooLarge: .tooLarge
            case .internalError: .failed
            default: .invalid
            }
        self.init(
            status: error.status, code: error.code.rawValue, message: error.message,
            outcome: outcome)
    }

    private init(_ error: GateRefusal) {
        let message =
            switch error {
            case .tooManyWait: "too many queries are waiting"
            case .waitedTooLong: "too many queries are running: this one had no turn in its time"
            }
        self.init(
            status: 503, code: "TooManyQueriesError", message: message, outcome: .refused,
            retryAfterSeconds: 1)
    }

    private init(_ error: StoreFailure) {
        switch error.cause.status {
        case .resourceExhausted: self = .tooLarge(error.cause.message)
        case .deadlineExceeded:
            self.init(
                status: 504, code: "QueryTimeoutError",
                message: "the query was not done in its time: \(error)", outcome: .timedOut,
                retryAfterSeconds: 1)
        case .unavailable, .connectionLost, .overloaded, .cancelled:
            self = .unavailable("a storage node does not answer: \(error)")
        case .ok, .badRequest, .unauthenticated, .unknownMethod, .notFound, .internal,
            .protocolViolation:
            self = .failed("a storage node failed: \(error)")
        }
    }

    private init(_ error: PartialError) {
        switch error {
        case .tooManyGroups, .aggregate(.tooManyDistinctValues):
            self = .tooLarge(error.description)
        case .mismatch, .aggregate:
            self = .failed("the answers of the storage nodes do not fit together: \(error)")
        }
    }
}
