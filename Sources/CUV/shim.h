// The one header of CUV; imported by one target only.
#pragma once
#include <fcntl.h>
#include <sys/socket.h>
#include <uv.h>

#if UV_VERSION_MAJOR != 1 || UV_VERSION_MINOR < 44
#error "libuv 1.44 or later is needed"
#endif

// GNU extension, hidden from Swift's view of the C library.
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

// Constants that are enumerators or macros Swift does not see.
enum { MILLRACE_SEND_FLAGS = MSG_NOSIGNAL };

/// A non-blocking TCP socket that child processes do not inherit; -1 on failure.
static inline int millrace_tcp_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/// One waiting connection, non-blocking and not inherited; -1 on failure.
static inline int millrace_tcp_accept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/// What a name look-up is asked for: stream sockets of any family.
static inline struct addrinfo millrace_stream_hints(void) {
    struct addrinfo hints = {0};
    hints.ai_socktype = SOCK_STREAM;
    return hints;
}
