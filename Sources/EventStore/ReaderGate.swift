// Keeps a segment file as long as some reader's snapshot may name it. Readers draw a ticket before
// they take their snapshot; a segment that the manifest has stopped naming may go when everybody
// who drew a ticket before that has finished.

internal import Synchronization

/// The readers under way, and the segments that wait for them. Any thread.
final class ReaderGate: Sendable {
    private struct State {
        var nextTicket: UInt64 = 0
        var active: Set<UInt64> = []
        var retired: [(ticket: UInt64, segment: UInt64)] = []
    }
    private let state = Mutex(State())

    /// A ticket. Must come before the snapshot that it is for.
    func enter() -> UInt64 {
        state.withLock { state in
            defer { state.nextTicket += 1 }
            state.active.insert(state.nextTicket)
            return state.nextTicket
        }
    }

    func leave(_ ticket: UInt64) {
        state.withLock { _ = $0.active.remove(ticket) }
    }

    /// Says that no later snapshot names the segments.
    func retire(_ segments: some Sequence<UInt64>) {
        state.withLock { state in
            for segment in segments { state.retired.append((state.nextTicket, segment)) }
        }
    }

    /// The retired segments that nobody can be reading, each once.
    func takeUnused() -> [UInt64] {
        state.withLock { state in
            let oldest = state.active.min() ?? .max
            let unused = state.retired.filter { $0.ticket <= oldest }
            state.retired.removeAll { $0.ticket <= oldest }
            return unused.map(\.segment)
        }
    }
}

/// How many blocks of each segment the manifest names. Any thread.
final class SegmentUses: Sendable {
    private let counts: Mutex<[UInt64: Int]>

    init(_ counts: [UInt64: Int]) { self.counts = Mutex(counts) }

    func add(_ segment: UInt64, blocks: Int) {
        counts.withLock { $0[segment, default: 0] += blocks }
    }

    /// Takes uses away, one for each time that a segment is listed. Returns the segments that have
    /// none left.
    func release(_ segments: some Sequence<UInt64>) -> [UInt64] {
        counts.withLock { counts in
            segments.filter { segment in
                guard let count = counts[segment] else { return false }
                counts[segment] = count > 1 ? count - 1 : nil
                return count == 1
            }
        }
    }
}
