// Every socket system call of the project, each in its non-blocking form and with EINTR handled.

internal import CUV
internal import Glibc

/// A non-blocking TCP socket. Whoever holds it closes it: connection, listener or connector.
struct Socket: Sendable, Equatable {
    let descriptor: Int32

    /// What a read or a write came to.
    enum Outcome {
        case moved(Int)
        case wouldBlock
        case endOfStream
        case failed(Int32)
    }

    /// A listening socket. SO_REUSEADDR only lets a restart bind while old connections linger.
    static func listening(on address: SocketAddress, backlog: Int32) throws(NetworkError) -> Socket
    {
        let socket = try make(family: address.family)
        do throws(NetworkError) {
            try socket.enable(SO_REUSEADDR, level: SOL_SOCKET)
            // Otherwise `::` would also take the IPv4 port, depending on a system setting.
            if address.family == AF_INET6 {
                try socket.enable(Int32(IPV6_V6ONLY), level: Int32(IPPROTO_IPV6))
            }
            let what = "listen on \(address.host) port \(address.port)"
            let bound = unsafe address.withPointer { unsafe bind(socket.descriptor, $0, $1) }
            guard bound == 0 else { throw NetworkError(errno: errno, what) }
            guard listen(socket.descriptor, backlog) == 0 else {
                throw NetworkError(errno: errno, what)
            }
            return socket
        } catch {
            socket.close()
            throw error
        }
    }

    /// A socket whose connection attempt has begun; writable means decided.
    static func connecting(to address: SocketAddress) throws(NetworkError) -> Socket {
        let socket = try make(family: address.family)
        let result = unsafe address.withPointer { unsafe connect(socket.descriptor, $0, $1) }
        if result != 0, errno != EINPROGRESS, errno != EINTR {
            let error = NetworkError(
                errno: errno, "connect to \(address.host) port \(address.port)")
            socket.close()
            throw error
        }
        socket.tune()
        return socket
    }

    private static func make(family: Int32) throws(NetworkError) -> Socket {
        let descriptor = millrace_tcp_socket(family)
        guard descriptor >= 0 else { throw NetworkError(errno: errno, "open a socket") }
        return Socket(descriptor: descriptor)
    }

    private func enable(_ option: Int32, level: Int32) throws(NetworkError) {
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(descriptor, level, option, &one, size) == 0 else {
            throw NetworkError(errno: errno, "set socket option \(option)")
        }
    }

    /// Small answers leave at once; a peer whose machine vanished is noticed in the end.
    private func tune() {
        // A refused option costs speed, not correctness.
        try? enable(TCP_NODELAY, level: Int32(IPPROTO_TCP))
        try? enable(SO_KEEPALIVE, level: SOL_SOCKET)
    }

    /// One waiting connection and where it comes from, or the error number.
    func accept() -> Result<(Socket, SocketAddress), AcceptFailure> {
        while true {
            var peer = SocketAddress()
            let accepted = unsafe peer.withMutablePointer {
                unsafe millrace_tcp_accept(descriptor, $0, $1)
            }
            if accepted >= 0 {
                let socket = Socket(descriptor: accepted)
                socket.tune()
                return .success((socket, peer))
            }
            // An attempt that the client gave up meanwhile is not the listener's trouble.
            if errno != EINTR, errno != ECONNABORTED {
                return .failure(AcceptFailure(number: errno))
            }
        }
    }

    struct AcceptFailure: Error {
        let number: Int32
        var isWouldBlock: Bool { number == EAGAIN || number == EWOULDBLOCK }
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .moved(count) }
            if count == 0 { return .endOfStream }
            if errno != EINTR { return Self.outcome(of: errno) }
        }
    }

    /// A closed peer is a result here, not a signal.
    private static let sendFlags = Int32(MILLRACE_SEND_FLAGS)

    func send(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            let count = unsafe Glibc.send(
                descriptor, bytes.baseAddress, bytes.count, Self.sendFlags)
            if count >= 0 { return .moved(count) }
            if errno != EINTR { return Self.outcome(of: errno) }
        }
    }

    func send(_ pieces: UnsafeMutableBufferPointer<iovec>) -> Outcome {
        var message = unsafe msghdr()
        unsafe message.msg_iov = pieces.baseAddress
        unsafe message.msg_iovlen = pieces.count
        while true {
            let count = unsafe sendmsg(descriptor, &message, Self.sendFlags)
            if count >= 0 { return .moved(count) }
            if errno != EINTR { return Self.outcome(of: errno) }
        }
    }

    /// Sends from a file, out of the kernel's cache. A peer that is gone costs a SIGPIPE.
    func send(_ file: Int32, _ range: Range<Int>) -> Outcome {
        var position = off_t(range.lowerBound)
        while true {
            let count = unsafe sendfile(descriptor, file, &position, range.count)
            if count > 0 { return .moved(count) }
            // The file has lost its end.
            if count == 0 { return .failed(EIO) }
            if errno != EINTR { return Self.outcome(of: errno) }
        }
    }

    private static func outcome(of number: Int32) -> Outcome {
        number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(number)
    }

    /// Tells the peer that nothing more will come; reading goes on.
    func shutdownWrite() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the coming close a reset, so that an aborted peer learns of it at once.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
    }

    /// The pending error, 0 if there is none; reading it clears it.
    func takeError() -> Int32 {
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
        return result == 0 ? number : errno
    }

    var localAddress: SocketAddress {
        var address = SocketAddress()
        _ = unsafe address.withMutablePointer { unsafe getsockname(descriptor, $0, $1) }
        return address
    }

    func close() { _ = Glibc.close(descriptor) }
}
