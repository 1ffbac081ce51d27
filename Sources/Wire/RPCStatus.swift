// How a call ended. The numbers are on the wire and in docs/formats/rpc.md: never reuse one.

/// The outcome of a call, as a stable number.
package enum RPCStatus: UInt16, Sendable, Hashable, CaseIterable {
    case ok = 0
    /// The request's bytes or their meaning are wrong; sending them again changes nothing.
    case badRequest = 1
    /// The peer does not know the cluster secret, or called before it had shown that it does.
    case unauthenticated = 2
    case unknownMethod = 3
    /// The deadline passed before the answer was ready. The work may have been done all the same.
    case deadlineExceeded = 4
    /// Too many calls are in flight; nothing was done.
    case overloaded = 5
    /// What the call names does not exist here, such as a shard of another node.
    case notFound = 6
    /// The node is starting, draining or out of reach; nothing was done.
    case unavailable = 7
    /// Something went wrong that the caller can do nothing about.
    case `internal` = 8
    /// The call asks for more than a limit allows, such as too many groups.
    case resourceExhausted = 9
    /// The caller lost interest.
    case cancelled = 10
    /// The connection broke while the call was in flight: it may or may not have been done. Never
    /// on the wire.
    case connectionLost = 11
    /// The peer broke the protocol, or speaks another version of it.
    case protocolViolation = 12

    /// Whether the same call may succeed later. All our calls may be repeated without harm.
    package var isRetriable: Bool {
        switch self {
        case .deadlineExceeded, .overloaded, .unavailable, .connectionLost: true
        case .ok, .badRequest, .unauthenticated, .unknownMethod, .notFound, .internal,
            .resourceExhausted, .cancelled, .protocolViolation:
            false
        }
    }

    /// What the number means, in a few words.
    package var meaning: String {
        switch self {
        case .ok: "done"
        case .badRequest: "the request is malformed"
        case .unauthenticated: "the peer is not authenticated"
        case .unknownMethod: "the method is unknown"
        case .deadlineExceeded: "the deadline passed"
        case .overloaded: "too many calls are in flight"
        case .notFound: "what was asked for does not exist here"
        case .unavailable: "the node cannot serve now"
        case .internal: "the node failed"
        case .resourceExhausted: "a limit was exceeded"
        case .cancelled: "the call was cancelled"
        case .connectionLost: "the connection was lost"
        case .protocolViolation: "the peer broke the protocol"
        }
    }
}
