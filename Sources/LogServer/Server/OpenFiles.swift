// Every segment and every connection is an open file.

internal import Glibc

/// Raises this process's limit of open files as far as it may; what is refused stays as it was, and
/// shows as an error of the first file that cannot be opened.
func raiseOpenFilesLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
        limit.rlim_cur < limit.rlim_max
    else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// A client that goes away while a file is being sent to it is an error to handle, not a signal.
func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
