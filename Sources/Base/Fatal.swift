// The end of a process whose surroundings are hopeless. Bad input never comes here.

internal import Glibc

/// Why a process gave up; the raw value is its exit status (docs/operations.md).
package enum FatalReason: Int32, Sendable {
    /// The command line or the configuration is wrong (EX_USAGE).
    case usage = 64
    /// Data on the disk is damaged beyond what may be repaired silently (EX_DATAERR).
    case damagedData = 65
    /// An address cannot be listened on, or a needed service does not exist (EX_UNAVAILABLE).
    case unavailable = 69
    /// The operating system refused something basic: a thread, a pipe, memory (EX_OSERR).
    case system = 71
    /// The disk refused a write or a sync, so nothing later could be trusted (EX_IOERR).
    case disk = 74
}

/// Says why on standard error in one line and exits with the reason's status.
package func fatal(_ reason: FatalReason, _ message: String) -> Never {
    let line = "fatal: \(message)\n"
    // write(2) reads exactly the bytes of the string's own storage.
    _ = unsafe Array(line.utf8).withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    exit(reason.rawValue)
}
