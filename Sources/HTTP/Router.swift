// From method and path to a handler, and what every path answers besides: CORS preflights, HEAD,
// 404 and 405. Finding the route allocates nothing but the path's list of segments.

internal import EventLoop
internal import Logging

/// Serves one request; answers through the responder, now or later, on any thread.
package typealias HTTPHandler = @Sendable (HTTPRequest, HTTPResponder) -> Void

/// The routes of a server. Built once, before the server starts.
package struct Router: Sendable {
    private struct Route: Sendable {
        var method: HTTPMethod
        var pattern: RoutePattern
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
        routes.append(
            Route(
                method: method, pattern: RoutePattern(pattern), condition: condition,
                handler: handler))
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
        guard let path = RequestPath(request.headers.bytes, request.pathRange) else {
            return responder.respond(
                .error(
                    status: 400, message: "the path is not percent-encoded UTF-8",
                    code: "BadRequestError"))
        }
        guard let route = route(for: request.method, path, request) else {
            return responder.respond(refusal(of: request.method, path))
        }
        var matched = request
        matched.pathParameters = HTTPPathParameters(pattern: route.pattern, path: path)
        do throws(HTTPProtocolError) {
            try matched.decodeBody(bytesMax: responder.bodyBytesMax)
        } catch {
            return responder.respond(error.response)
        }
        route.handler(matched, responder)
    }

    private func route(
        for method: HTTPMethod, _ path: RequestPath, _ request: HTTPRequest
    ) -> Route? {
        for route in routes where route.method == method && route.pattern.matches(path) {
            if route.condition?(request) ?? true { return route }
        }
        return method == .head ? self.route(for: .get, path, request) : nil
    }

    /// 405 if the path is served with other methods only, else 404.
    private func refusal(of method: HTTPMethod, _ path: RequestPath) -> HTTPResponse {
        let methods = routes.filter { $0.pattern.matches(path) }.map(\.method)
        guard !methods.isEmpty, !methods.contains(method) else { return Self.notFound }
        let names = Set(methods.map(\.description) + ["OPTIONS"]).sorted()
            .joined(separator: ", ")
        var response = HTTPResponse.error(
            status: 405, message: "this path serves \(names)", code: "MethodNotAllowedError")
        response.headers.append((name: "Allow", value: names))
        return response
    }

    private static let notFound = HTTPResponse.error(
        status: 404, message: "Resource not found", code: "ResourceNotFoundError")

    private static let preflight = HTTPResponse(
        status: 204,
        headers: [
            (name: "Access-Control-Allow-Methods", value: "GET, POST, PUT, DELETE, HEAD, OPTIONS"),
            (
                name: "Access-Control-Allow-Headers",
                value:
                    "authorization, content-type, content-encoding, idempotency-key, keen-sdk, "
                    + "origin, accept"
            ),
            (name: "Access-Control-Max-Age", value: "86400"),
        ])
}
