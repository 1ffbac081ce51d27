// An answer whose body is made while it is sent. Whoever makes it waits for the client, so no more
// of it is ever in memory than one part and what the connection holds.

internal import EventLoop

/// The body of one answer. Small and Sendable; from any thread, one call after the other.
package struct HTTPBodyStream: Sendable {
    let connection: ServerConnection
    let sequence: UInt64

    /// Sends a part and returns when the connection has room for another. False: nobody wants
    /// more, because the client has gone or asked for the head only.
    package func send(_ bytes: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            connection.loop.execute { [connection, sequence] in
                connection.send(bytes, of: sequence, continuation)
            }
        }
    }

    /// The body is complete.
    package func finish() {
        connection.loop.execute { [connection, sequence] in connection.finish(sequence) }
    }

    /// The body cannot be completed: the connection is cut, which is the only way to say so.
    package func abort() {
        connection.loop.execute { [connection, sequence] in connection.abort(sequence) }
    }
}

/// What of a body has been made and not yet been written, because earlier answers come first.
struct StreamedBody {
    var parts: [[UInt8]] = []
    var isFinished = false
    var isHeadWritten = false
    /// Who waits for room.
    var waiting: CheckedContinuation<Bool, Never>?
}

/// A part as it is sent: by its length, its bytes and a line's end.
func appendChunk(_ part: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(contentsOf: String(part.count, radix: 16).utf8)
    bytes.append(contentsOf: "\r\n".utf8)
    bytes.append(contentsOf: part)
    bytes.append(contentsOf: "\r\n".utf8)
}
