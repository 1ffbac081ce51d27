// Whether a request comes fast enough, asked at regular times. It may be as slow as it likes while
// there is room for all; when others wait for what it has taken, it must not be slow for long.

internal import Base

/// Looks at the request that a connection is receiving.
struct RequestPace: Sendable {
    private var last: (receivedBytes: Int, milliseconds: UInt64)?

    /// The request is another one, or had to wait: it is given time anew.
    mutating func begin() { last = nil }

    /// Whether, since the last call or `begin`, less has come than has to. `receivedBytes` only
    /// grows.
    mutating func isSlow(
        receivedBytes: Int, hasReserve: Bool, isScarce: Bool, now: UInt64
    ) -> Bool {
        defer { last = (receivedBytes, now) }
        guard isScarce, let last else { return false }
        let rate =
            hasReserve
            ? Limits.logReserveBytesPerSecondMin : Limits.logRequestBytesPerSecondMin
        let seconds = Int((now - last.milliseconds) / 1000)
        return receivedBytes - last.receivedBytes < rate * seconds
    }
}
