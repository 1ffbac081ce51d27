// One partition of a spout over a log, without the log: where it stands, what is buffered, when the
// consumer has to pause, seek and commit. Time comes in, actions come out.
//
//      locating ──located──> seeking ──sought──> reading
//         ^                     ^                   │
//         └── failed (unknown) ─┴─ failed (known) ──┘
//
// Kept at all times:
// - Batches are contiguous: each begins at the `position` where the one before it ended, although
//   the log's own offsets may have gaps. A hole that retention tore is so covered by the next
//   batch.
// - Records count only while `reading`. A consumer may still deliver what it fetched before a seek;
//   such a record, taken for the first one after the seek, would hide a hole that nothing could
//   find later. So the caller reports `sought` only when nothing older can arrive any more.

package import Base

/// A record as far as a spout has to know it.
package protocol SpoutRecord: Sendable {
    var offset: Int64 { get }
    /// About what it takes in memory.
    var byteCount: Int { get }
}

/// Sizes of a spout's batches and buffers.
package struct SpoutLimits: Sendable {
    /// A batch is cut at whichever comes first; one record may be larger.
    package var batchRecordsMax: Int
    package var batchBytesMax: Int
    /// The consumer of the partition pauses above the high mark and goes on below the low mark.
    package var bufferHighBytes: Int
    package var bufferLowBytes: Int
    package var commitEvery: Duration
    package var retry: Backoff

    /// 8,192 records and 4 MiB keep an apply at a few tens of milliseconds; twice that in the
    /// buffer
    /// keeps the next batch at hand. Choices.
    package init(
        batchRecordsMax: Int = 8192, batchBytesMax: Int = 4 << 20,
        bufferHighBytes: Int = 8 << 20, bufferLowBytes: Int = 2 << 20,
        commitEvery: Duration = .seconds(1),
        retry: Backoff = Backoff(first: .milliseconds(20), limit: .seconds(2))
    ) {
        precondition(batchRecordsMax > 0 && batchBytesMax > 0, "empty batches")
        precondition(bufferLowBytes < bufferHighBytes, "low mark above high mark")
        self.batchRecordsMax = batchRecordsMax
        self.batchBytesMax = batchBytesMax
        self.bufferHighBytes = bufferHighBytes
        self.bufferLowBytes = bufferLowBytes
        self.commitEvery = commitEvery
        self.retry = retry
    }
}

/// What the caller has to do. A ticket goes back with the answer; an answer to an old one is
/// ignored.
package enum SpoutAction: Sendable, Equatable {
    /// Ask who applies the batches for the applied offset and the log for its ends; then `located`
    /// or `cannotLocate`.
    case locate(ticket: UInt64, after: Duration)
    /// Make the consumer go on at `offset`; then `sought` or `cannotSeek`.
    case seek(ticket: UInt64, to: Int64, after: Duration)
    case pause
    case resume
    /// Tell the runtime that there is a batch.
    case wake
    /// The log no longer holds these offsets, and they were never applied.
    case lost(Range<Int64>)
    /// The log ends before what was already applied: it is not the log that was read before.
    case logEndsEarly(applied: Int64, end: Int64)
}

/// The state of one partition.
package struct SpoutPartition<Record: SpoutRecord>: Sendable {
    private enum State: Equatable {
        case locating(UInt64)
        case seeking(UInt64)
        case reading
    }

    /// One batch's records.
    package typealias Batch = SpoutBatch<[Record]>

    private let limits: SpoutLimits
    private var state: State
    /// The highest ticket given out.
    package private(set) var lastTicket: UInt64
    private var retry: Backoff
    private var random: PRNG
    /// Where the next batch begins.
    package private(set) var position: Int64 = 0
    /// The offset after the last record that was buffered.
    private var receivedTo: Int64 = 0
    private var buffer: [Record] = []
    /// Records of `buffer` before this index are handed out.
    private var head = 0
    private var bufferedBytes = 0
    package private(set) var isPaused = false
    /// Everything below it is applied, as far as this spout has seen.
    package private(set) var applied: Int64?
    private var committed: Int64?
    private var lastCommit: Duration?

    /// `ticketsAfter`: the last ticket of this partition's assignment before, whose answers may
    /// still come and must mean nothing here.
    package init(limits: SpoutLimits, seed: UInt64, ticketsAfter: UInt64 = 0) {
        self.limits = limits
        lastTicket = ticketsAfter
        state = .locating(ticketsAfter)
        retry = limits.retry
        random = PRNG(seed: seed)
    }

    package var isReading: Bool { state == .reading }
    /// The offset that the consumer should deliver next; nil while that is not known.
    package var wanted: Int64? { state == .reading ? receivedTo : nil }
    package var bufferedRecords: Int { buffer.count - head }

    /// The partition was assigned.
    package mutating func begin() -> [SpoutAction] { locate(after: .zero) }

    /// The answer to `locate`: the applied offset, and the log's first and end offset.
    package mutating func located(
        ticket: UInt64, applied: Int64, earliest: Int64, end: Int64
    ) -> [SpoutAction] {
        guard state == .locating(ticket) else { return [] }
        guard applied <= end else {
            return [.logEndsEarly(applied: applied, end: end)] + locate(after: nextWait())
        }
        self.applied = applied
        position = applied
        receivedTo = max(applied, earliest)
        let lost: [SpoutAction] = earliest > applied ? [.lost(applied..<earliest)] : []
        return lost + seek(to: receivedTo, after: .zero)
    }

    package mutating func cannotLocate(ticket: UInt64) -> [SpoutAction] {
        guard state == .locating(ticket) else { return [] }
        return locate(after: nextWait())
    }

    /// The consumer delivers from the wanted offset on, and nothing older.
    package mutating func sought(ticket: UInt64) -> [SpoutAction] {
        guard state == .seeking(ticket) else { return [] }
        state = .reading
        return []
    }

    package mutating func cannotSeek(ticket: UInt64) -> [SpoutAction] {
        guard state == .seeking(ticket) else { return [] }
        return locate(after: nextWait())
    }

    /// The log does not hold the offset that the consumer wants.
    package mutating func outOfRange() -> [SpoutAction] {
        if case .locating = state { return [] }
        return locate(after: nextWait())
    }

    /// The consumer delivered records, in order.
    package mutating func received(_ records: [Record]) -> [SpoutAction] {
        guard state == .reading else { return [] }
        let fresh = records.drop { $0.offset < receivedTo }
        guard let last = fresh.last else { return [] }
        receivedTo = last.offset + 1
        buffer.append(contentsOf: fresh)
        bufferedBytes += fresh.reduce(0) { $0 + $1.byteCount }
        guard bufferedBytes >= limits.bufferHighBytes, !isPaused else { return [.wake] }
        isPaused = true
        return [.pause, .wake]
    }

    /// The consumer has delivered everything below `offset`: the end of the log at that moment.
    /// Offsets between the last record and it hold none, and are covered all the same.
    package mutating func reachedEnd(_ offset: Int64) -> [SpoutAction] {
        guard state == .reading, offset > receivedTo else { return [] }
        receivedTo = offset
        return [.wake]
    }

    /// The next batch, if there is one, and whether the consumer may go on.
    package mutating func nextBatch() -> (batch: Batch?, actions: [SpoutAction]) {
        guard state == .reading else { return (nil, []) }
        guard head < buffer.count else { return (emptyBatch(), []) }
        let count = batchCount()
        let records = Array(buffer[head..<head + count])
        let toOffset = (records.last?.offset ?? position) + 1
        let batch = Batch(fromOffset: position, toOffset: toOffset, payload: records)
        position = toOffset
        dropFirst(count, bytes: records.reduce(0) { $0 + $1.byteCount })
        guard isPaused, bufferedBytes <= limits.bufferLowBytes else { return (batch, []) }
        isPaused = false
        return (batch, [.resume])
    }

    /// A batch is done, and with it everything below `toOffset`.
    package mutating func acked(toOffset: Int64) {
        applied = toOffset
        retry.reset()
    }

    /// A batch failed, and what was handed out behind it was dropped.
    package mutating func failed(replayFrom: Int64?) -> [SpoutAction] {
        // The first time at once: a gap is the ordinary answer after a store was restarted.
        let wait = retry.attempts == 0 ? .zero : nextWait()
        if retry.attempts == 0 { _ = nextWait() }
        guard let offset = replayFrom else { return locate(after: wait) }
        applied = offset
        position = offset
        receivedTo = offset
        return seek(to: offset, after: wait)
    }

    /// The offset to commit for the group now, if any. `force` when the partition is being given
    /// up.
    package mutating func takeCommit(now: Duration, force: Bool = false) -> Int64? {
        guard let applied, applied != committed else { return nil }
        if !force, let lastCommit, now < lastCommit + limits.commitEvery { return nil }
        committed = applied
        lastCommit = now
        return applied
    }

    /// Covers offsets that hold no records, at the end of the log.
    private mutating func emptyBatch() -> Batch? {
        guard position < receivedTo else { return nil }
        defer { position = receivedTo }
        return Batch(fromOffset: position, toOffset: receivedTo, payload: [])
    }

    /// How many buffered records make up the next batch.
    private func batchCount() -> Int {
        var bytes = 0
        var count = 0
        for record in buffer[head...].prefix(limits.batchRecordsMax) {
            bytes += record.byteCount
            if count > 0, bytes > limits.batchBytesMax { break }
            count += 1
        }
        return count
    }

    private mutating func dropFirst(_ count: Int, bytes: Int) {
        head += count
        bufferedBytes -= bytes
        if head == buffer.count {
            buffer.removeAll(keepingCapacity: head <= limits.batchRecordsMax)
            head = 0
        } else if head > limits.batchRecordsMax {
            buffer.removeFirst(head)
            head = 0
        }
    }

    private mutating func nextWait() -> Duration { retry.next(using: &random) }

    private mutating func locate(after wait: Duration) -> [SpoutAction] {
        let resume = clear()
        state = .locating(lastTicket)
        return resume + [.locate(ticket: lastTicket, after: wait)]
    }

    private mutating func seek(to offset: Int64, after wait: Duration) -> [SpoutAction] {
        let resume = clear()
        state = .seeking(lastTicket)
        return resume + [.seek(ticket: lastTicket, to: offset, after: wait)]
    }

    /// Forgets what is buffered and outdates every ticket.
    private mutating func clear() -> [SpoutAction] {
        lastTicket += 1
        buffer = []
        head = 0
        bufferedBytes = 0
        defer { isPaused = false }
        return isPaused ? [.resume] : []
    }
}
