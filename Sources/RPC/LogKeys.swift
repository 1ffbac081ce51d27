// The keys under which this library logs.

enum LogKeys {
    static let peerAddress = "peer.address"
    static let reason = "reason"
    static let failureCount = "attempt.count"
    static let retryAfter = "retry.after"
}
