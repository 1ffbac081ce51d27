// The two kinds of libuv handle that come and go: socket readiness and timers. A handle's memory
// belongs to libuv from init to its close callback, and keeps its Swift owner alive that long.

internal import Base
internal import CUV

/// What the loop's shutdown needs to know of a handle.
package class LoopHandle {
    package let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    /// The loop is shutting down: close at once.
    func loopIsClosing() {}
}

/// Who is told about a socket's readiness.
protocol PollOwner: AnyObject {
    func socketReady(readable: Bool, writable: Bool)
    func loopIsClosing()
    /// The handle is gone and the socket may be closed; comes last, once.
    func pollClosed()
}

/// Watches one socket. Loop only.
@safe final class PollHandle: LoopHandle {
    /// What is waited for.
    struct Interest: OptionSet {
        let rawValue: Int32
        static let read = Interest(rawValue: Int32(UV_READABLE.rawValue))
        static let write = Interest(rawValue: Int32(UV_WRITABLE.rawValue))
    }

    private let raw = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
    private var owner: (any PollOwner)?
    private var interest: Interest = []
    private(set) var isClosing = false

    /// Begins watching for nothing; `owner` is held until `pollClosed`.
    init(loop: EventLoop, socket: Socket, owner: any PollOwner) throws(NetworkError) {
        loop.preconditionCurrent()
        self.owner = owner
        super.init(loop: loop)
        guard !loop.isClosing else {
            unsafe raw.deallocate()
            throw NetworkError(.shutDown, "the loop \(loop.name) has been shut down")
        }
        let result = unsafe uv_poll_init(loop.raw, raw, socket.descriptor)
        guard result == 0 else {
            unsafe raw.deallocate()
            throw NetworkError(errno: -result, "watch a socket")
        }
        unsafe raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
        loop.liveHandles += 1
    }

    func watch(for wanted: Interest) {
        guard !isClosing, wanted != interest else { return }
        interest = wanted
        guard !wanted.isEmpty else {
            unsafe uv_poll_stop(raw)
            return
        }
        unsafe uv_poll_start(raw, wanted.rawValue) { raw, status, events in
            guard let data = unsafe raw?.pointee.data else { return }
            // The reference that `init` gave to libuv outlives this callback.
            unsafe Unmanaged<PollHandle>.fromOpaque(data).takeUnretainedValue()
                .ready(status: status, events: events)
        }
    }

    private func ready(status: Int32, events: Int32) {
        guard !isClosing, let owner else { return }
        if status < 0 {
            // libuv stops watching on an error; the read or write that follows names the error.
            interest = []
            owner.socketReady(readable: true, writable: true)
        } else {
            let got = Interest(rawValue: events)
            owner.socketReady(readable: got.contains(.read), writable: got.contains(.write))
        }
    }

    func close() {
        guard !isClosing else { return }
        isClosing = true
        let handle = unsafe UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_close(handle) { handle in
            guard let data = unsafe handle?.pointee.data else { return }
            unsafe Unmanaged<PollHandle>.fromOpaque(data).takeRetainedValue().closed()
        }
    }

    private func closed() {
        loop.liveHandles -= 1
        unsafe raw.deallocate()
        let last = owner
        owner = nil
        last?.pollClosed()
    }

    override func loopIsClosing() { owner?.loopIsClosing() }
}
