// Timers of a loop.

internal import Base
internal import CUV
internal import Synchronization

/// A scheduled call; `cancel` stops it.
@safe package final class LoopTimer: LoopHandle, @unchecked Sendable {
    private let isCancelled = Atomic(false)
    // Loop only.
    private var body: (@Sendable () -> Void)?
    private var raw: UnsafeMutablePointer<uv_timer_t>?
    private let repeats: Bool

    init(loop: EventLoop, repeats: Bool, body: @escaping @Sendable () -> Void) {
        self.body = body
        self.repeats = repeats
        super.init(loop: loop)
    }

    /// After this the body does not start again; on the loop that is exact, on another thread it
    /// may be starting right now. Any thread, any number of times.
    package func cancel() {
        guard !isCancelled.exchange(true, ordering: .relaxed) else { return }
        if loop.isCurrent { close() } else { loop.execute { self.close() } }
    }

    func start(after delay: UInt64, every interval: UInt64) {
        guard !isCancelled.load(ordering: .relaxed), !loop.isClosing else {
            body = nil
            return
        }
        let raw = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        unsafe uv_timer_init(loop.raw, raw)
        unsafe raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe self.raw = raw
        loop.liveHandles += 1
        // The loop's clock stands still during a turn; a long one would shorten the delay.
        unsafe uv_update_time(loop.raw)
        unsafe uv_timer_start(
            raw,
            { raw in
                guard let data = unsafe raw?.pointee.data else { return }
                unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue().fire()
            }, delay, interval)
    }

    private func fire() {
        guard !isCancelled.load(ordering: .relaxed), let body else { return }
        if !repeats { close() }
        body()
    }

    private func close() {
        body = nil
        guard let raw = unsafe raw else { return }
        unsafe self.raw = nil
        let handle = unsafe UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_close(handle) { handle in
            guard let handle = unsafe handle, let data = unsafe handle.pointee.data else { return }
            let timer = unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeRetainedValue()
            timer.loop.liveHandles -= 1
            unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_timer_t.self)
                .deallocate()
        }
    }

    override func loopIsClosing() { close() }
}

extension EventLoop {
    /// Calls `body` on the loop after `delay`, then every `interval` if there is one. Any thread.
    @discardableResult
    package func schedule(
        after delay: Duration, repeating interval: Duration? = nil,
        _ body: @escaping @Sendable () -> Void
    ) -> LoopTimer {
        let timer = LoopTimer(loop: self, repeats: interval != nil, body: body)
        let first = delay.wholeMilliseconds
        // An interval of zero would mean "once" to libuv.
        let every = interval.map { max($0.wholeMilliseconds, 1) } ?? 0
        if isCurrent {
            timer.start(after: first, every: every)
        } else {
            execute { timer.start(after: first, every: every) }
        }
        return timer
    }
}

extension Duration {
    /// Rounded up, so that a timer never fires early; negative counts as zero.
    var wholeMilliseconds: UInt64 {
        guard self > .zero else { return 0 }
        let (seconds, attoseconds) = components
        let part = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? UInt64(Int64.max / 2) : UInt64(clamping: whole + part)
    }
}
