// What a failed call throws, and the one place where other errors become it.

package import Base
internal import EventLoop
package import Wire

/// A call that did not succeed, whichever side found out.
package struct RPCError: Error, Sendable, CustomStringConvertible {
    package var status: RPCStatus
    /// What was tried, where, and what came of it.
    package var message: String
    package var cause: (any Error)?

    package init(_ status: RPCStatus, _ message: String, cause: (any Error)? = nil) {
        self.status = status
        self.message = message
        self.cause = cause
    }

    /// Whether the same call may succeed later. All our calls may be repeated without harm.
    package var isRetriable: Bool { status.isRetriable }

    package var description: String { "\(status): \(message)" }
}

extension RPCError {
    /// The error that an answer other than `ok` carries.
    init(response: ResponseFrame, to method: RPCMethod, at peer: HostPort) {
        let reason = String(decoding: response.body, as: UTF8.self)
        if let status = RPCStatus(rawValue: response.status), status != .ok {
            self.init(status, "\(method) at \(peer): \(reason)")
        } else {
            // A newer peer may know more numbers; what they mean for a retry is unknown.
            self.init(.internal, "\(method) at \(peer): status \(response.status): \(reason)")
        }
    }

    /// The error behind a refusal during the handshake.
    init(refusal status: UInt16, reason: String) {
        let known = RPCStatus(rawValue: status).flatMap { $0 == .ok ? nil : $0 }
        self.init(known ?? .protocolViolation, reason)
    }

    /// A body that does not read as the message it should be.
    package init(malformed what: String, _ error: ByteReaderError) {
        self.init(.badRequest, "malformed \(what): \(error)", cause: error)
    }
}
