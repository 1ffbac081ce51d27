// One Fetch on its way. It waits on the connection's loop until there is enough, something is
// wrong, or time is up; then a reading thread reads and answers.
//
// Everything here happens on the loop except `wake`, which only sends a note there.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Synchronization

/// What one partition of a fetch is to get.
struct FetchPart: Sendable {
    var topicIndex: Int
    var request: FetchRequest.Partition
    /// Nil if the partition cannot be read; then `error` says why.
    var log: PartitionLog?
    var error = KafkaErrorCode.none
}

/// A fetch that waits. `@unchecked Sendable`: the mutable fields are for the loop only.
final class FetchCall: LogWaiter, @unchecked Sendable {
    private let parts: [FetchPart]
    private let loop: EventLoop
    private let minBytes: Int
    private let committedOnly: Bool
    private let ready: () -> Void
    private var timer: LoopTimer?
    private var isDone = false
    /// A note to look again is on its way to the loop.
    private let isNoted = Atomic(false)

    /// `ready` is called on the loop, once, unless the call is cancelled.
    init(
        _ parts: [FetchPart], minBytes: Int, committedOnly: Bool, loop: EventLoop,
        ready: @escaping () -> Void
    ) {
        self.parts = parts
        self.minBytes = minBytes
        self.committedOnly = committedOnly
        self.loop = loop
        self.ready = ready
    }

    /// Waits at most for `limit`.
    func start(limit: Duration) {
        // Signed up before looking, so that nothing can happen in between unseen.
        for part in parts { part.log?.add(self) }
        if limit <= .zero || isEnough { return finish() }
        timer = loop.schedule(after: limit) { self.finish() }
    }

    /// Any thread.
    func wake() {
        guard !isNoted.exchange(true, ordering: .acquiringAndReleasing) else { return }
        loop.execute {
            self.isNoted.store(false, ordering: .releasing)
            if !self.isDone, self.isEnough { self.finish() }
        }
    }

    private var isEnough: Bool {
        guard !parts.isEmpty else { return true }
        var bytes = 0
        for part in parts {
            guard part.error == .none, let log = part.log,
                let available = log.bytesAvailable(
                    from: part.request.fetchOffset, committedOnly: committedOnly)
            else { return true }
            bytes += available
        }
        return bytes >= minBytes
    }

    private func finish() {
        guard !isDone else { return }
        end()
        ready()
    }

    /// Forgets the call; false if it is too late, and `ready` has been or will be called.
    func cancel() -> Bool {
        guard !isDone else { return false }
        end()
        return true
    }

    private func end() {
        isDone = true
        timer?.cancel()
        timer = nil
        for part in parts { part.log?.remove(self) }
    }
}
