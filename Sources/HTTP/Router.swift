// From method and path to a handler, and what every path answers besides: CORS preflights, HEAD,
// 404 and 405.

internal import EventLoop
internal import Logging

/// Serves one request; answers through the responder, now or later, on any thread.
package typealias HTTPHandler = @Sendable (HTTPRequest, HTTPResponder) -> Void

/// The routes of a server. Built once, before the server starts.
package struct Router: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        case parameter(String)
        /// The whole rest of the path, at least one character.
        case tail(String)
    }

    private struct Route: Sendable {
        var method: HTTPMethod
        var segments: [Segment]
        var condition: (@Sendable (HTTPRequest) -> Bool)?
        var handler: HTTPHandler
    }

    private var routes: [Route] = []

    package init() {}

    /// Adds a route. In `pattern`, `:name` matches one segment and `*name`, at the end, the rest of
    /// the path, slashes included. Routes are tried in the order in which they were added; one
    /// whose `condition` does not hold is passed over.
    package mutating func on(
        _ method: HTTPMethod, _ pattern: String,
        where condition: (@Sendable (HTTPRequest) -> Bool)? = nil,
        _ handler: @escaping HTTPHandler
    ) {
        let segments = pattern.split(separator: "/").map { part -> Segment in
            switch part.first {
            case ":": .parameter(String(part.dropFirst()))
            case "*": .tail(String(part.dropFirst()))
            default: .literal(String(part))
            }
        }
        routes.append(
            Route(method: method, segments: segments, condition: condition, handler: handler))
    }

    /// Adds a route whose handler runs as a task on the connection's loop. An error it throws
    /// becomes a 500 and a log line.
    package mutating func onAsync(
        _ method: HTTPMethod, _ pattern: String,
        _ handler: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        on(method, pattern) { request, responder in
            // Ends with its answer; the connection's own deadline is the caller's, not the task's.
            Task(executorPreference: responder.loop) {
                do { responder.respond(try await handler(request)) } catch {
                    responder.fail(error)
                }
            }
        }
    }

    /// Finds the handler and calls it, or answers by itself.
    func dispatch(_ request: HTTPRequest, _ responder: HTTPResponder) {
        if request.method == .options { return responder.respond(Self.preflight) }
        guard let path = decodedSegments(request.path) else {
            return responder.respond(
                .error(
                    status: 400, message: "the path is not percent-encoded UTF-8",
                    code: "BadRequestError"))
        }
        if let coding = request.headers["content-encoding"], coding.lowercased() != "identity" {
            return responder.respond(
                .error(
                    status: 415, message: "content coding '\(coding)' is not served",
                    code: "UnsupportedMediaTypeError"))
        }
        var allowed: [HTTPMethod] = []
        var matched = request
        for method in request.method == .head ? [HTTPMethod.head, .get] : [request.method] {
            for route in routes {
                guard let parameters = match(route.segments, path) else { continue }
                guard route.method == method else {
                    allowed.append(route.method)
                    continue
                }
                guard route.condition?(request) ?? true else { continue }
                matched.pathParameters = parameters
                return route.handler(matched, responder)
            }
        }
        responder.respond(allowed.isEmpty ? Self.notFound : Self.notAllowed(allowed))
    }

    private func match(_ segments: [Segment], _ path: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            guard index < path.count else { return nil }
            switch segment {
            case .literal(let text):
                guard path[index] == text else { return nil }
            case .parameter(let name):
                guard !path[index].isEmpty else { return nil }
                parameters[name] = path[index]
            case .tail(let name):
                let rest = path[index...].joined(separator: "/")
                guard !rest.isEmpty else { return nil }
                parameters[name] = rest
                return parameters
            }
        }
        // A single slash at the end changes nothing.
        let isWhole =
            path.count == segments.count
            || (path.count == segments.count + 1 && path.last == "")
        return isWhole ? parameters : nil
    }

    private func decodedSegments(_ path: String) -> [String]? {
        var segments: [String] = []
        for part in path.utf8.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let decoded = percentDecoded(Array(part)) else { return nil }
            segments.append(decoded)
        }
        return segments == [""] ? [] : segments
    }

    private static let notFound = HTTPResponse.error(
        status: 404, message: "Resource not found", code: "ResourceNotFoundError")

    private static func notAllowed(_ methods: [HTTPMethod]) -> HTTPResponse {
        let names = Set(methods.map(\.description) + ["OPTIONS"]).sorted().joined(separator: ", ")
        var response = HTTPResponse.error(
            status: 405, message: "this path serves \(names)", code: "MethodNotAllowedError")
        response.headers.append((name: "Allow", value: names))
        return response
    }

    private static let preflight = HTTPResponse(
        status: 204,
        headers: [
            (name: "Access-Control-Allow-Methods", value: "GET, POST, PUT, DELETE, HEAD, OPTIONS"),
            (
                name: "Access-Control-Allow-Headers",
                value: "authorization, content-type, keen-sdk, origin, accept"
            ),
            (name: "Access-Control-Max-Age", value: "86400"),
        ])
}
