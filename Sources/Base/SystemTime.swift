// The clocks. Pure code takes time as a value; only executables, loops and C owners read it here.

internal import Glibc

/// Milliseconds since 1970-01-01T00:00:00Z by the machine's wall clock, which may jump.
package func wallClockMilliseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// Nanoseconds of a clock that never goes back. Only differences mean anything.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
