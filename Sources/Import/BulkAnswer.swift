// What a collector's answer to a bulk request means for the events in it. Pure.

internal import HTTP
internal import JSON

/// What became of one event.
enum EventResult: Equatable {
    case accepted
    case rejected(String)
    /// The collector could not say; the event is sent again.
    case again(String)
}

/// What became of a request.
enum BulkAnswer: Equatable {
    /// One result an event, in the order of the request.
    case results([EventResult])
    /// Try again later; after this many seconds if the collector said so.
    case again(String, afterSeconds: Int?)
    /// Something in the request is not acceptable: smaller requests find out what.
    case unacceptable(String)
    /// No request of this import can succeed.
    case refused(String)

    /// Reads an answer to `eventCount` events of one collection.
    init(_ response: HTTPResponse, collection: String, eventCount: Int) {
        let body = try? JSONValue(parsing: response.body)
        let reason =
            "status \(response.status)" + (body?["message"]?.string.map { ": \($0)" } ?? "")
        switch response.status {
        case 200:
            let list = body?[collection]?.array?.map(Self.result) ?? []
            // An answer of another shape is not a collector's; sending on would lose count.
            self =
                list.count == eventCount
                ? .results(list) : .refused("the answer is not that of a collector")
        case 401, 403, 404, 405: self = .refused(reason)
        case 408, 429, 500...: self = .again(reason, afterSeconds: Self.retryAfter(response))
        case 400..<500: self = .unacceptable(reason)
        default: self = .refused(reason)
        }
    }

    private static func result(_ value: JSONValue) -> EventResult {
        if value["success"]?.bool == true { return .accepted }
        let name = value["error"]?["name"]?.string ?? "no reason was given"
        let text = value["error"]?["description"]?.string.map { "\(name): \($0)" } ?? name
        return retriable.contains(name) ? .again(text) : .rejected(text)
    }

    /// Errors of an event that are not the event's fault.
    private static let retriable: Set<String> = [
        "InternalServerError", "LogUnavailableError", "ServiceUnavailableError",
    ]

    private static func retryAfter(_ response: HTTPResponse) -> Int? {
        response.header("retry-after").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
