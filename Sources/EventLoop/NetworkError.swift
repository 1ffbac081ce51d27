// What goes wrong between two machines, or between this process and its own loops and threads.

internal import Glibc

/// A failed network operation.
package struct NetworkError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure, for code that decides.
    package enum Code: Sendable, Equatable {
        /// Nobody listens there.
        case refused
        /// The peer went away without closing properly.
        case reset
        /// A deadline passed.
        case timedOut
        /// The name has no address.
        case unknownHost
        /// Somebody else listens there, or the address is not one of this machine.
        case addressUnavailable
        /// A bounded queue is full.
        case backpressure
        /// The loop or the pool has been shut down.
        case shutDown
        /// We ended it ourselves, at once.
        case aborted
        /// TLS could not be agreed on, or was broken by the peer.
        case insecure
        /// Anything else the operating system says.
        case system
    }

    package var code: Code
    /// What was tried, with what, and what came of it.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The error of a system call.
    init(errno number: Int32, _ what: String) {
        code = Self.code(of: number)
        message = "\(what): \(Self.text(of: number))"
    }

    package var description: String { message }

    /// Whether trying again later can help.
    package var isRetriable: Bool {
        switch code {
        case .refused, .reset, .timedOut, .backpressure, .unknownHost: true
        case .addressUnavailable, .shutDown, .aborted, .insecure, .system: false
        }
    }

    private static func code(of number: Int32) -> Code {
        switch number {
        case ECONNREFUSED: .refused
        case ECONNRESET, EPIPE, ENOTCONN: .reset
        case ETIMEDOUT: .timedOut
        case EADDRINUSE, EADDRNOTAVAIL, EACCES: .addressUnavailable
        default: .system
        }
    }

    private static func text(of number: Int32) -> String {
        // strerror answers a NUL-terminated text for every number.
        unsafe String(cString: strerror(number))
    }
}
