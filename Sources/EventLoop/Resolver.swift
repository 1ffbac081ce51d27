// Host names to addresses.

internal import CUV
internal import Glibc

/// Looks names up on libuv's helper threads, so no loop waits for a name server.
enum Resolver {
    /// Every address of a host, numeric ones without any look-up.
    static func resolve(
        host: String, port: UInt16, on loop: EventLoop
    ) async throws -> [SocketAddress] {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                resolve(host: host, port: port, on: loop) { continuation.resume(with: $0) }
            }
        }
    }

    /// The same with a callback, on the loop, possibly before this returns.
    static func resolve(
        host: String, port: UInt16, on loop: EventLoop,
        then done: @escaping (Result<[SocketAddress], NetworkError>) -> Void
    ) {
        if let numeric = SocketAddress(numeric: host, port: port) {
            return done(.success([numeric]))
        }
        guard !loop.isClosing else {
            return done(
                .failure(NetworkError(.shutDown, "the loop \(loop.name) has been shut down")))
        }
        Lookup(host: host, port: port, loop: loop, done: done).start()
    }
}

/// One look-up in flight.
private final class Lookup {
    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private let done: (Result<[SocketAddress], NetworkError>) -> Void

    init(
        host: String, port: UInt16, loop: EventLoop,
        done: @escaping (Result<[SocketAddress], NetworkError>) -> Void
    ) {
        self.host = host
        self.port = port
        self.loop = loop
        self.done = done
    }

    func start() {
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var hints = unsafe millrace_stream_hints()
        loop.liveHandles += 1
        let result = unsafe uv_getaddrinfo(
            loop.raw, request,
            { request, status, list in
                guard let request = unsafe request, let data = unsafe request.pointee.data else {
                    return
                }
                let lookup = unsafe Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue()
                unsafe request.deallocate()
                unsafe lookup.finish(status: status, list: list)
            }, host, nil, &hints)
        guard result != 0 else { return }
        unsafe Unmanaged.passUnretained(self).release()
        unsafe request.deallocate()
        unsafe finish(status: result, list: nil)
    }

    private func finish(status: Int32, list: UnsafeMutablePointer<addrinfo>?) {
        loop.liveHandles -= 1
        defer { unsafe uv_freeaddrinfo(list) }
        guard status == 0 else {
            let text = unsafe String(cString: uv_strerror(status))
            return done(.failure(NetworkError(.unknownHost, "look up \(host): \(text)")))
        }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let raw = unsafe entry.pointee.ai_addr,
                let address = unsafe SocketAddress(copying: raw)
            {
                addresses.append(address.with(port: port))
            }
            unsafe next = entry.pointee.ai_next
        }
        done(.success(addresses))
    }
}
