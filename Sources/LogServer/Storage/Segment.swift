// One file of a partition: batches back to back, exactly as they travel. The file's name is the
// offset of its first record, with twenty digits.
//
// Invariants: visibleByteCount <= byteCount; bytes below the visible count never change again, so
// they may be read without a lock while the writer appends behind them. Only what this process has
// written or checked is handed out; `verified` says which part that is.

internal import Base
internal import KafkaWire
internal import Synchronization

/// What is known of a segment's contents.
struct SegmentContent: Sendable, Equatable {
    var index: SegmentIndex
    var appendTimes = AppendTimes()
    /// Bytes of whole batches.
    var byteCount = 0
    /// Bytes that readers may see.
    var visibleByteCount = 0
    /// The offset after the last record.
    var nextOffset: Int64
    var timestampMax = Int64.min
    /// When the first and the last batch came, by the server's clock; nil while there is none.
    var arrivals: ClosedRange<Int64>?
    /// The largest timestamp of the first batch.
    private var timestampFirst: Int64?

    init(baseOffset: Int64) {
        index = SegmentIndex(baseOffset: baseOffset)
        nextOffset = baseOffset
    }

    /// Takes note of a batch that was written, or found, at the end.
    mutating func append(_ header: RecordBatchHeader, time: Int64? = nil) {
        index.note(
            baseOffset: header.baseOffset, position: byteCount, timestampBefore: timestampMax)
        if let time {
            appendTimes.note(
                offset: header.baseOffset, byteCount: header.totalByteCount, time: time)
        }
        byteCount += header.totalByteCount
        nextOffset = header.nextOffset
        // A batch that compaction has emptied has no time any more.
        guard header.recordCount > 0 else { return }
        timestampMax = max(timestampMax, header.maxTimestamp)
        if timestampFirst == nil { timestampFirst = header.maxTimestamp }
    }

    /// Takes note of when a batch came.
    mutating func arrived(at now: Int64) {
        arrivals = (arrivals?.lowerBound ?? now)...max(arrivals?.lowerBound ?? now, now)
    }

    /// The batches were there already; the last one came when the file was last changed. Without
    /// that time the segment counts as old, as its records say.
    mutating func findArrivals(in file: any LogFile) {
        guard byteCount > 0, arrivals == nil else { return }
        let last = file.modifiedMilliseconds() ?? max(timestampMax, 0)
        let first = timestampFirst.flatMap { $0 >= 0 ? $0 : nil } ?? last
        arrivals = min(first, last)...last
    }
}

/// A closed segment in a few numbers, so that a start need not read more of it.
struct SegmentSummary: Sendable, Equatable {
    var baseOffset: Int64
    var byteCount: Int
    var nextOffset: Int64
    var timestampMax: Int64
}

/// A segment. The writer's thread appends, any thread reads.
final class Segment: Sendable {
    private struct State {
        var content: SegmentContent
        /// Index and append times are in memory.
        var isIndexed = true
        /// Bytes whose batches this process has written or checked.
        var verified: Range<Int>
        /// A damaged batch that has been reported, by its position.
        var reported: Int?
    }

    let baseOffset: Int64
    let file: any LogFile
    /// Why the whole segment is set aside; nil for one that is served.
    let damage: String?
    private let state: Mutex<State>

    /// A segment that this process writes, or has read, but for the first `unverified` bytes.
    init(
        baseOffset: Int64, file: any LogFile, content: SegmentContent? = nil, unverified: Int = 0
    ) {
        self.baseOffset = baseOffset
        self.file = file
        damage = nil
        var content = content ?? SegmentContent(baseOffset: baseOffset)
        content.findArrivals(in: file)
        state = Mutex(State(content: content, verified: unverified..<content.byteCount))
    }

    /// A closed segment whose index is read when it is needed.
    init(_ summary: SegmentSummary, file: any LogFile) {
        baseOffset = summary.baseOffset
        self.file = file
        damage = nil
        var content = SegmentContent(baseOffset: summary.baseOffset)
        (content.byteCount, content.visibleByteCount) = (summary.byteCount, summary.byteCount)
        (content.nextOffset, content.timestampMax) = (summary.nextOffset, summary.timestampMax)
        content.findArrivals(in: file)
        state = Mutex(State(content: content, isIndexed: false, verified: 0..<0))
    }

    /// Stands for offsets that are set aside.
    init(quarantined range: QuarantinedRange, file: any LogFile) {
        baseOffset = range.start
        self.file = file
        damage = range.reason
        var content = SegmentContent(baseOffset: range.start)
        (content.nextOffset, content.timestampMax) = (range.end, .max)
        state = Mutex(State(content: content, verified: 0..<0))
    }

    var byteCount: Int { state.withLock { $0.content.byteCount } }
    var nextOffset: Int64 { state.withLock { $0.content.nextOffset } }
    var timestampMax: Int64 { state.withLock { $0.content.timestampMax } }
    var visibleByteCount: Int { state.withLock { $0.content.visibleByteCount } }
    /// What is known by now; without index and append times if they have not been needed.
    var content: SegmentContent { state.withLock { $0.content } }

    /// When the first and the last batch came; nil while there is none.
    var arrivals: ClosedRange<Int64>? { state.withLock { $0.content.arrivals } }

    /// The age of the newest record: its timestamp, but not later than it came, so that one from
    /// the future does not keep the segment for ever. Nil while there is no batch.
    var newestTime: Int64? {
        let content = content
        return content.arrivals.map {
            content.timestampMax < 0 ? $0.upperBound : min(content.timestampMax, $0.upperBound)
        }
    }

    var summary: SegmentSummary {
        state.withLock { state in
            let content = state.content
            return SegmentSummary(
                baseOffset: baseOffset, byteCount: content.byteCount,
                nextOffset: content.nextOffset, timestampMax: content.timestampMax)
        }
    }

    /// Takes note of a batch that now stands at the end of the file, appended at `time`.
    func append(_ header: RecordBatchHeader, time: Int64) {
        state.withLock { state in
            state.content.append(header, time: time)
            state.content.arrived(at: time)
            state.verified = state.verified.lowerBound..<state.content.byteCount
        }
    }

    /// Shows readers all there is.
    func showAll() { state.withLock { $0.content.visibleByteCount = $0.content.byteCount } }

    // MARK: Finding

    /// Where to begin looking for `offset`, and where the visible part ends.
    func range(before offset: Int64) -> Range<Int> {
        visibleRange { $0.position(before: offset) }
    }

    /// Where to begin looking for the first timestamp from `timestamp` on.
    func range(beforeTimestamp timestamp: Int64) -> Range<Int> {
        visibleRange { $0.position(beforeTimestamp: timestamp) }
    }

    private func visibleRange(from position: (SegmentIndex) -> Int) -> Range<Int> {
        state.withLock { state in
            let end = state.content.visibleByteCount
            return min(position(state.content.index), end)..<end
        }
    }

    /// The last known beginning of a batch up to `limit`, and its offset.
    func anchor(upTo limit: Int) -> (position: Int, offset: Int64) {
        state.withLock { $0.content.index.anchor(upTo: limit) }
    }

    /// The last known beginning of a batch up to `limit` that begins at or before `offset`.
    func anchor(before offset: Int64, upTo limit: Int) -> (position: Int, offset: Int64) {
        state.withLock { state in
            let index = state.content.index
            return index.anchor(upTo: min(limit, index.position(before: offset)))
        }
    }

    /// When `offset` was appended, at the earliest.
    func appendTime(of offset: Int64) -> Int64? {
        state.withLock { $0.content.appendTimes.time(of: offset) }
    }

    // MARK: What is known

    var isIndexed: Bool { state.withLock { $0.isIndexed } }

    /// Puts index and append times of a closed segment in place.
    func setIndex(_ index: SegmentIndex, _ appendTimes: AppendTimes) {
        state.withLock { state in
            guard !state.isIndexed else { return }
            state.content.index = index
            state.content.appendTimes = appendTimes
            state.isIndexed = true
        }
    }

    func isVerified(_ range: Range<Int>) -> Bool {
        state.withLock {
            $0.verified.lowerBound <= range.lowerBound && range.upperBound <= $0.verified.upperBound
        }
    }

    /// Remembers that a part is sound; of parts that do not touch, the one at the end counts, since
    /// the writer goes on there.
    func noteVerified(_ range: Range<Int>) {
        state.withLock { state in
            let old = state.verified
            if old.isEmpty {
                state.verified = range
            } else if old.lowerBound <= range.upperBound, range.lowerBound <= old.upperBound {
                state.verified =
                    min(old.lowerBound, range.lowerBound)..<max(old.upperBound, range.upperBound)
            } else if old.upperBound < range.lowerBound {
                state.verified = range
            }
        }
    }

    /// Whether a damaged batch is news.
    func noteDamage(at position: Int) -> Bool {
        state.withLock { state in
            defer { state.reported = position }
            return state.reported != position
        }
    }
}

extension Segment {
    /// `00000000000000000042.log`
    static func fileName(baseOffset: Int64, ending: String = ".log") -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ending
    }

    static func path(in directory: String, _ baseOffset: Int64, ending: String = ".log") -> String {
        "\(directory)/\(fileName(baseOffset: baseOffset, ending: ending))"
    }

    /// The base offset in a file's name; nil if it is not that of a segment.
    static func baseOffset(fileName: String, ending: String = ".log") -> Int64? {
        guard fileName.utf8.count == 20 + ending.utf8.count, fileName.hasSuffix(ending) else {
            return nil
        }
        let digits = fileName.dropLast(ending.utf8.count)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits)
    }
}
