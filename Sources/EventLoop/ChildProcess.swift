// A process started and watched by a loop: for the supervisor of one machine, and for commands that
// operators name.
//
// libuv owns the handle from uv_spawn to its close callback; the exit callback comes at most once,
// on the loop. Everybody else sees this object, whose state is behind a lock.

internal import Base
internal import CUV
internal import Glibc
internal import Synchronization

/// How a process ended.
package enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    package var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signalled(let number): "signal \(number)"
        }
    }
}

/// A signal that one process sends to another.
package enum ProcessSignal: Sendable {
    case terminate
    case kill
}

/// A child process. Its standard input is a file or empty; output and errors go to a file.
@safe package final class ChildProcess: LoopHandle, @unchecked Sendable {
    /// The kernel's id; meaningful until the exit status is known.
    package private(set) var pid: Int32 = 0
    private let state = Mutex(State())
    // Loop only.
    private let raw = UnsafeMutablePointer<uv_process_t>.allocate(capacity: 1)

    private struct State {
        var status: ExitStatus?
        var waiters: [CheckedContinuation<ExitStatus, Never>] = []
    }

    /// Starts `executable` with this process's environment. `standardErrorFile` is created or
    /// appended to; one beyond 16 MiB is moved aside first, so that logs stay bounded.
    package static func spawn(
        executable: String, arguments: [String], standardInputFile: String = "/dev/null",
        standardErrorFile: String, on loop: EventLoop
    ) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                guard !loop.isClosing else {
                    let what = "the loop \(loop.name) has been shut down"
                    return continuation.resume(throwing: NetworkError(.shutDown, what))
                }
                let child = ChildProcess(loop: loop)
                continuation.resume(
                    with: Result {
                        try child.start(
                            executable, arguments, standardInputFile, standardErrorFile)
                        return child
                    })
            }
        }
    }

    /// Sends a signal; nothing happens if the process has ended. Any thread.
    package func signal(_ signal: ProcessSignal) { send(signal, to: pid) }

    /// The same to everything that it has started, too, as long as that stays in its session.
    package func signalGroup(_ signal: ProcessSignal) { send(signal, to: -pid) }

    private func send(_ signal: ProcessSignal, to target: Int32) {
        state.withLock { state in
            // Until the exit callback has run the pid is ours: libuv has not reaped it.
            guard state.status == nil else { return }
            _ = Glibc.kill(target, signal == .kill ? SIGKILL : SIGTERM)
        }
    }

    /// Waits for the end. Not cancellable: the process decides.
    package func exitStatus() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiters.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    private func start(
        _ executable: String, _ arguments: [String], _ inputFile: String, _ outputFile: String
    ) throws {
        let output = try Self.openLog(outputFile)
        defer { close(output) }
        let input = unsafe open(inputFile, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw NetworkError(errno: errno, "open \(inputFile)") }
        defer { close(input) }
        // The strings and the containers live until uv_spawn has copied them into the child.
        let words = unsafe ([executable] + arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        var argv = unsafe words + [nil]
        var stdio = unsafe [uv_stdio_container_t](repeating: uv_stdio_container_t(), count: 3)
        for (index, descriptor) in [input, output, output].enumerated() {
            unsafe stdio[index].flags = UV_INHERIT_FD
            unsafe stdio[index].data.fd = descriptor
        }
        unsafe raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
        loop.liveHandles += 1
        let result = unsafe argv.withUnsafeMutableBufferPointer { argv in
            unsafe stdio.withUnsafeMutableBufferPointer { stdio in
                var options = unsafe uv_process_options_t()
                unsafe options.file = UnsafePointer(words[0])
                unsafe options.args = argv.baseAddress
                unsafe options.stdio = stdio.baseAddress
                unsafe options.stdio_count = 3
                // A session of its own: Ctrl-C reaches the starter only, which stops in order.
                unsafe options.flags = UV_PROCESS_DETACHED.rawValue
                unsafe options.exit_cb = { raw, status, signal in
                    guard let data = unsafe raw?.pointee.data else { return }
                    // The reference that `start` gave to libuv outlives this callback.
                    unsafe Unmanaged<ChildProcess>.fromOpaque(data).takeUnretainedValue()
                        .ended(status, signal)
                }
                return unsafe uv_spawn(loop.raw, raw, &options)
            }
        }
        guard result == 0 else {
            closeHandle()
            throw NetworkError(errno: -result, "start \(executable)")
        }
        pid = unsafe raw.pointee.pid
    }

    private static func openLog(_ file: String) throws -> Int32 {
        var information = stat()
        if unsafe stat(file, &information) == 0, information.st_size > 16 << 20 {
            _ = unsafe rename(file, file + ".1")
        }
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw NetworkError(errno: errno, "open \(file)") }
        return descriptor
    }

    private func ended(_ status: Int64, _ signal: Int32) {
        let end =
            signal == 0 ? ExitStatus.exited(Int32(truncatingIfNeeded: status)) : .signalled(signal)
        let waiters = state.withLock { state in
            state.status = end
            defer { state.waiters = [] }
            return state.waiters
        }
        closeHandle()
        for waiter in waiters { waiter.resume(returning: end) }
    }

    private func closeHandle() {
        let handle = unsafe UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_close(handle) { handle in
            guard let handle = unsafe handle, let data = unsafe handle.pointee.data else { return }
            let child = unsafe Unmanaged<ChildProcess>.fromOpaque(data).takeRetainedValue()
            child.loop.liveHandles -= 1
            unsafe child.raw.deallocate()
        }
    }

    /// The loop cannot end before its children: they are killed.
    override func loopIsClosing() { signal(.kill) }
}
