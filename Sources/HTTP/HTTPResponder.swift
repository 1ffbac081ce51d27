// The handle by which a handler answers, from whatever thread its answer comes.

package import EventLoop
internal import Logging

/// Answers one request, once. Small and Sendable; if the connection is gone the answer is dropped.
package struct HTTPResponder: Sendable {
    let connection: ServerConnection
    let sequence: UInt64

    /// The connection's loop.
    package var loop: EventLoop { connection.loop }

    /// How long a decoded body may be.
    var bodyBytesMax: Int { connection.bodyBytesMax }

    /// Sends the answer. Answers of one connection leave in the order of its requests.
    package func respond(_ response: HTTPResponse) {
        if loop.isCurrent {
            connection.respond(response, to: sequence)
        } else {
            loop.execute { [connection, sequence] in connection.respond(response, to: sequence) }
        }
    }

    /// Sends the head of an answer whose body follows in parts; the head's own body is not sent.
    package func stream(_ head: HTTPResponse) -> HTTPBodyStream {
        loop.execute { [connection, sequence] in connection.beginStream(head, of: sequence) }
        return HTTPBodyStream(connection: connection, sequence: sequence)
    }

    /// Answers 500 and logs why. For errors that no handler turned into an answer.
    package func fail(_ error: any Error) {
        connection.logger.error("request failed", error: error)
        respond(
            .error(
                status: 500, message: "an internal error occurred", code: "InternalServerError"))
    }
}
