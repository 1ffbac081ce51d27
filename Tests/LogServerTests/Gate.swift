import Glibc

/// Holds a thread until it is opened.
final class Gate: @unchecked Sendable {
    // The kernel's semaphores are made for several threads.
    private let opened = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let held = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(opened, 0, 0)
        sem_init(held, 0, 0)
    }

    deinit {
        for semaphore in [opened, held] {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }

    /// Called by the thread that is to wait.
    func hold() {
        sem_post(held)
        while sem_wait(opened) != 0 {}
    }

    func waitUntilHeld() { while sem_wait(held) != 0 {} }
    func open() { sem_post(opened) }
}
