// One libuv loop on one thread. libuv says which sockets are ready, keeps the timers and is woken
// by
// other threads; reading and writing are our own system calls (Socket.swift), so no pointer into a
// Swift array ever outlives a call.
//
// A turn of the loop, in libuv's order: timers; prepare (run jobs, send what was written, decide
// whether to sleep); wait for sockets; check (run jobs, send what was written); closed handles.

internal import Base
internal import CUV
internal import Glibc
internal import Synchronization

/// One libuv loop on a thread of its own. Also a serial executor and a task executor, so actors and
/// tasks can live on it.
@safe package final class EventLoop: @unchecked Sendable {
    /// For thread listings and error texts.
    package let name: String

    // What other threads touch.
    let inbox = Mutex(Inbox())
    private let threadID = Atomic<Int32>(0)
    private let life = Mutex(Life())

    // What only the loop's thread touches. The handles belong to libuv until their close callbacks.
    let raw: UnsafeMutablePointer<uv_loop_t>
    private let wakeUp = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
    private let idle = UnsafeMutablePointer<uv_idle_t>.allocate(capacity: 1)
    private let prepare = UnsafeMutablePointer<uv_prepare_t>.allocate(capacity: 1)
    private let check = UnsafeMutablePointer<uv_check_t>.allocate(capacity: 1)
    var localWork: [Work] = []
    var runningWork: [Work] = []
    /// Connections that were written to and not yet sent.
    var unsent: [Connection] = []
    private var sending: [Connection] = []
    /// Handles and requests whose last callback is still to come, without the loop's own four.
    var liveHandles = 0
    private(set) var isClosing = false
    private var ownHandlesClosed = false
    /// Where every read of this loop lands; handlers see it during the call only.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Limits.readBufferBytes, alignment: 64)
    /// Where connections with TLS decrypt what they read; likewise.
    let plaintextBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Limits.readBufferBytes, alignment: 64)

    /// Starts the loop's thread.
    package init(name: String) throws {
        self.name = name
        unsafe raw = .allocate(capacity: 1)
        // A peer that closed early is an error of the write, not the end of the process.
        _ = signal(SIGPIPE, SIG_IGN)
        let initialised = unsafe uv_loop_init(raw)
        guard initialised == 0 else {
            throw NetworkError(errno: -initialised, "set up the loop \(name)")
        }
        let results = unsafe [
            // The wake-up itself does nothing: the check phase that follows looks into the inbox.
            uv_async_init(raw, wakeUp) { _ in },
            uv_idle_init(raw, idle), uv_prepare_init(raw, prepare), uv_check_init(raw, check),
        ]
        guard results.allSatisfy({ $0 == 0 }) else {
            throw NetworkError(errno: -(results.first { $0 != 0 } ?? 0), "set up the loop \(name)")
        }
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe prepare.pointee.data = context
        unsafe check.pointee.data = context
        unsafe uv_prepare_start(prepare) { unsafe EventLoop.of($0?.pointee.data).beforeWaiting() }
        unsafe uv_check_start(check) { unsafe EventLoop.of($0?.pointee.data).afterWaiting() }
        try startThread("loop \(name)") { self.run() }
    }

    deinit {
        // Only a loop whose thread has ended, or never started, gets here: the thread holds it.
        unsafe wakeUp.deallocate()
        unsafe idle.deallocate()
        unsafe prepare.deallocate()
        unsafe check.deallocate()
        unsafe raw.deallocate()
        unsafe readBuffer.deallocate()
        unsafe plaintextBuffer.deallocate()
    }

    private static func of(_ data: UnsafeMutableRawPointer?) -> EventLoop {
        guard let data = unsafe data else { preconditionFailure("a loop handle without its loop") }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }

    /// Whether the caller runs on this loop's thread.
    package var isCurrent: Bool { threadID.load(ordering: .relaxed) == currentThreadID() }

    /// Traps unless the caller runs on this loop's thread.
    package func preconditionCurrent() {
        precondition(isCurrent, "loop \(name) entered from another thread")
    }

    /// Milliseconds of a clock that never goes back, read once a turn of the loop. Loop only.
    package var nowMilliseconds: UInt64 { unsafe uv_now(raw) }

    // MARK: The thread

    private func run() {
        nameCurrentThread(name)
        adoptCurrentThread()
        unsafe uv_run(raw, UV_RUN_DEFAULT)
        let closed = unsafe uv_loop_close(raw)
        precondition(closed == 0, "loop \(name) ended with open handles")
        retire()
        let waiters = life.withLock { life in
            life.hasEnded = true
            defer { life.waiters = [] }
            return life.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Makes the calling thread the one that `isCurrent` means.
    func adoptCurrentThread() { threadID.store(currentThreadID(), ordering: .relaxed) }

    /// No thread is the loop's any more.
    func leaveThread() { threadID.store(0, ordering: .relaxed) }

    private func beforeWaiting() {
        runWork()
        if isClosing, liveHandles == 0, localWork.isEmpty, unsent.isEmpty { closeOwnHandles() }
        guard !ownHandlesClosed else { return }
        if mayWait() {
            unsafe uv_idle_stop(idle)
        } else {
            // An active idle handle makes libuv look at the sockets without waiting for them.
            unsafe uv_idle_start(idle) { _ in }
        }
    }

    private func afterWaiting() { runWork() }

    /// Sends what was written outside a connection's own callbacks. A low mark passed here may
    /// write again; that waits for the next turn, so sockets get their share.
    func sendUnsent() {
        guard !unsent.isEmpty else { return }
        swap(&unsent, &sending)
        for connection in sending { connection.sendMarked() }
        sending.removeAll(keepingCapacity: true)
    }

    /// Wakes the loop; called with the inbox locked, which keeps the handle open meanwhile.
    func wake() { _ = unsafe uv_async_send(wakeUp) }

    // MARK: The end

    /// The end of the thread, and who waits for it.
    private struct Life {
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Closes every connection, listener and timer at once, then ends the thread. Work that arrives
    /// later still runs, one piece at a time, on a thread of the global pool.
    package func shutdown() async {
        execute { self.beginClosing() }
        await withCheckedContinuation { continuation in
            let ended = life.withLock { life in
                if !life.hasEnded { life.waiters.append(continuation) }
                return life.hasEnded
            }
            if ended { continuation.resume() }
        }
    }

    private func beginClosing() {
        guard !isClosing else { return }
        isClosing = true
        unsafe uv_walk(
            raw,
            { handle, _ in
                guard let handle = unsafe handle,
                    unsafe handle.pointee.type == UV_POLL || handle.pointee.type == UV_TIMER
                        || handle.pointee.type == UV_PROCESS,
                    unsafe uv_is_closing(handle) == 0, let data = unsafe handle.pointee.data
                else { return }
                unsafe Unmanaged<LoopHandle>.fromOpaque(data).takeUnretainedValue().loopIsClosing()
            }, nil)
    }

    /// The last step: with these closed nothing is alive and `uv_run` returns.
    private func closeOwnHandles() {
        guard !ownHandlesClosed, stopTakingWork() else { return }
        ownHandlesClosed = true
        let handles = unsafe [
            UnsafeMutableRawPointer(wakeUp), UnsafeMutableRawPointer(idle),
            UnsafeMutableRawPointer(prepare), UnsafeMutableRawPointer(check),
        ]
        unsafe handles.forEach {
            unsafe uv_close($0.assumingMemoryBound(to: uv_handle_t.self), nil)
        }
    }
}
