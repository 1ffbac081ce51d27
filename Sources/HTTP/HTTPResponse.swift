// An answer, and the one shape of every error: {"message", "error_code"}.

internal import JSON

/// What is sent back.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func json(status: Int = 200, _ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [(name: "Content-Type", value: "application/json")], body: body
        )
    }

    package static func text(status: Int = 200, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [(name: "Content-Type", value: "text/plain; charset=utf-8")],
            body: Array(text.utf8))
    }

    /// The error envelope that Keen's clients insist on.
    package static func error(status: Int, message: String, code: String) -> HTTPResponse {
        let body: JSONValue = ["message": .string(message), "error_code": .string(code)]
        return json(status: status, body.encoded)
    }

    /// The first header of that name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 302: "Found"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}

/// A request that breaks the protocol or a limit; the connection closes after the answer.
struct HTTPProtocolError: Error, Sendable, Equatable {
    var status: Int
    var code: String
    var message: String

    static func bad(_ message: String) -> Self {
        Self(status: 400, code: "BadRequestError", message: message)
    }

    static let noRequestLine = bad("the request line is not METHOD TARGET VERSION")

    /// The bodies that are arriving fill the memory that there is for them.
    static let serverFull = Self(
        status: 503, code: "ServiceUnavailableError",
        message: "too many long requests are arriving")

    var response: HTTPResponse {
        var response = HTTPResponse.error(status: status, message: message, code: code)
        switch status {
        case 415: response.headers.append((name: "Accept-Encoding", value: "gzip"))
        case 503: response.headers.append((name: "Retry-After", value: "1"))
        default: break
        }
        return response
    }
}
