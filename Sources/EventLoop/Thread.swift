// Threads of our own, for loops and pools.

internal import Glibc
internal import Synchronization

/// Runs `body` on a new detached thread.
func startThread(_ what: String, _ body: @escaping @Sendable () -> Void) throws {
    final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let start = unsafe Unmanaged.passRetained(Start(body))
    let result = unsafe pthread_create(
        &thread, &attributes,
        { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, start.toOpaque())
    guard result == 0 else {
        unsafe start.release()
        throw NetworkError(errno: result, "start the thread of \(what)")
    }
}

/// Calls `body` once with each number below `count`, on up to `threads` threads and the caller's,
/// and returns when all calls have. Blocks; for the start, when no loop runs yet.
package func concurrently(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Void
) {
    let work = SharedWork(count: count, body: body)
    work.begin()
    for _ in 1..<max(1, min(threads, count)) {
        work.begin()
        do { try startThread("shared work") { work.run() } } catch {
            // The caller's own thread does all there is to do.
            work.end()
        }
    }
    work.run()
    work.wait()
}

/// Numbered calls that several threads share. `@unchecked Sendable`: the semaphore is made for
/// several threads.
@safe private final class SharedWork: @unchecked Sendable {
    private let count: Int
    private let body: @Sendable (Int) -> Void
    private let next = Atomic(0)
    private let running = Atomic(0)
    private let ended = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(count: Int, body: @escaping @Sendable (Int) -> Void) {
        (self.count, self.body) = (count, body)
        unsafe sem_init(ended, 0, 0)
    }

    deinit {
        unsafe sem_destroy(ended)
        unsafe ended.deallocate()
    }

    func begin() { running.add(1, ordering: .relaxed) }

    /// The last one to end wakes the caller, who waits only once its own share is done.
    func end() {
        let left = running.subtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0 { unsafe sem_post(ended) }
    }

    func run() {
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < count else { return end() }
            body(index)
        }
    }

    func wait() { while unsafe sem_wait(ended) != 0 {} }
}
