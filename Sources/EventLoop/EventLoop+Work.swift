// What a loop runs besides callbacks of sockets: closures from any thread, and jobs of tasks and
// actors that live on it.

internal import Base
internal import Synchronization

extension EventLoop {
    /// One thing to run on the loop.
    enum Work {
        case closure(@Sendable () -> Void)
        case job(UnownedJob)
    }

    /// Work from other threads, under the lock.
    struct Inbox {
        var work: [Work] = []
        /// The loop waits for sockets, so the next arrival has to wake it; later ones need not.
        var isAsleep = false
        /// The loop's thread has ended.
        var isRetired = false
        var isDrainedByTask = false
    }

    /// Runs `body` on the loop, after everything this thread handed over before. Any thread.
    package func execute(_ body: @escaping @Sendable () -> Void) { add(.closure(body)) }

    private func add(_ work: Work) {
        if isCurrent {
            localWork.append(work)
            return
        }
        let needsTask = inbox.withLock { inbox in
            inbox.work.append(work)
            guard !inbox.isRetired else {
                defer { inbox.isDrainedByTask = true }
                return !inbox.isDrainedByTask
            }
            if inbox.isAsleep {
                inbox.isAsleep = false
                wake()
            }
            return false
        }
        // A task nobody awaits: it ends when the late work is done, and there is no one to tell.
        if needsTask { Task { @concurrent in self.drainAfterEnd() } }
    }

    /// Runs what has come in. Work that work adds gets a few rounds, then sockets get their turn.
    func runWork() {
        var rounds = 8
        repeat {
            inbox.withLock { inbox in
                inbox.isAsleep = false
                if !inbox.work.isEmpty { swap(&inbox.work, &runningWork) }
            }
            runBatch()
            swap(&localWork, &runningWork)
            runBatch()
            sendUnsent()
            rounds -= 1
        } while rounds > 0 && !localWork.isEmpty
    }

    private func runBatch() {
        guard !runningWork.isEmpty else { return }
        // By index: a copy of the array would cost a new buffer every turn.
        for index in runningWork.indices { run(runningWork[index]) }
        runningWork.removeAll(keepingCapacity: true)
    }

    private func run(_ work: Work) {
        switch work {
        case .closure(let body): body()
        case .job(let job):
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    /// Whether there is nothing to do; from then on an arrival wakes the loop.
    func mayWait() -> Bool {
        guard localWork.isEmpty, unsent.isEmpty else { return false }
        return inbox.withLock { inbox in
            inbox.isAsleep = inbox.work.isEmpty
            return inbox.isAsleep
        }
    }

    // MARK: The end

    /// From here on arrivals do not wake the loop, whose wake-up handle is about to close; false if
    /// there is work left to do first.
    func stopTakingWork() -> Bool {
        inbox.withLock { inbox in
            guard inbox.work.isEmpty else { return false }
            inbox.isAsleep = false
            return true
        }
    }

    /// The thread is about to end; hands what came in during the last turn to the global pool.
    func retire() {
        leaveThread()
        let needsTask = inbox.withLock { inbox in
            inbox.isRetired = true
            inbox.isDrainedByTask = !inbox.work.isEmpty || !localWork.isEmpty
            return inbox.isDrainedByTask
        }
        // As in `add`.
        if needsTask { Task { @concurrent in self.drainAfterEnd() } }
    }

    /// Runs late work so that no task hangs and no continuation leaks: one drain at a time, so
    /// everything that lives on the loop still runs serially.
    private func drainAfterEnd() {
        adoptCurrentThread()
        while takeLateWork() {
            for index in runningWork.indices { run(runningWork[index]) }
            runningWork.removeAll()
        }
    }

    private func takeLateWork() -> Bool {
        inbox.withLock { inbox in
            runningWork = localWork + inbox.work
            localWork = []
            inbox.work = []
            inbox.isDrainedByTask = !runningWork.isEmpty
            // Before the lock opens, or this pool thread would pass for the loop's for ever.
            if runningWork.isEmpty { leaveThread() }
            return inbox.isDrainedByTask
        }
    }
}

extension EventLoop: SerialExecutor, TaskExecutor {
    package func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

    package func checkIsolated() { preconditionCurrent() }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
