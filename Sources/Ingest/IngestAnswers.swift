// The answers of write requests that are always the same.

internal import HTTP

enum IngestAnswers {
    static let created = HTTPResponse.json(status: 201, Array(#"{"created":true}"#.utf8))

    static func refused(_ error: EventError) -> HTTPResponse {
        .error(status: 400, message: error.message, code: error.code)
    }

    static func tooLarge(_ message: String) -> HTTPResponse {
        .error(status: 413, message: message, code: "RequestTooLargeError")
    }

    /// Nothing of the request was published.
    static let bufferFull = unavailable(
        "BufferFullError", "too many events wait for the log; send the request again later", 1)
    static let draining = unavailable(
        "ServiceUnavailableError", "this collector is stopping; send the request again", 1)
    static let starting = unavailable(
        "ServiceUnavailableError", "this collector does not know the projects yet", 1)
    static let logUnknown = unavailable(
        "LogUnavailableError", "the log cannot be reached; nothing was stored", 2)
    /// None of the request's events is known to be in the log.
    static let logFailed = unavailable(
        "LogUnavailableError", "the log did not take the events in time; send them again", 2)

    private static func unavailable(
        _ code: String, _ message: String, _ seconds: Int
    ) -> HTTPResponse {
        var response = HTTPResponse.error(status: 503, message: message, code: code)
        response.headers.append((name: "Retry-After", value: String(seconds)))
        return response
    }
}
