// One file of a partition: batches back to back, exactly as they travel. The file's name is the
// offset of its first record, with twenty digits.
//
// Invariant: visibleByteCount <= byteCount; bytes below the visible count never change again, so
// they may be read without a lock while the writer appends behind them.

internal import Base
internal import KafkaWire
internal import Synchronization

/// What is known of a segment's contents.
struct SegmentContent: Sendable {
    var index: SegmentIndex
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
    mutating func append(_ header: RecordBatchHeader) {
        index.note(
            baseOffset: header.baseOffset, position: byteCount, timestampBefore: timestampMax)
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

    /// The batches were there already; the last one came at `last`.
    mutating func arrived(until last: Int64) {
        guard byteCount > 0 else { return }
        let first = timestampFirst.flatMap { $0 >= 0 ? $0 : nil } ?? last
        arrivals = min(first, last)...last
    }
}

/// A segment. The writer's thread appends, any thread reads.
final class Segment: Sendable {
    let baseOffset: Int64
    let file: any LogFile
    private let state: Mutex<SegmentContent>

    init(baseOffset: Int64, file: any LogFile, content: SegmentContent? = nil) {
        self.baseOffset = baseOffset
        self.file = file
        var content = content ?? SegmentContent(baseOffset: baseOffset)
        // Without the file's time the segment counts as old, as its records say.
        if content.arrivals == nil {
            content.arrived(until: file.modifiedMilliseconds() ?? max(content.timestampMax, 0))
        }
        state = Mutex(content)
    }

    var byteCount: Int { state.withLock { $0.byteCount } }
    var nextOffset: Int64 { state.withLock { $0.nextOffset } }
    var timestampMax: Int64 { state.withLock { $0.timestampMax } }
    var visibleByteCount: Int { state.withLock { $0.visibleByteCount } }

    /// When the first and the last batch came; nil while there is none.
    var arrivals: ClosedRange<Int64>? { state.withLock { $0.arrivals } }

    /// The age of the newest record: its timestamp, but not later than it came, so that one from
    /// the future does not keep the segment for ever. Nil while there is no batch.
    var newestTime: Int64? {
        state.withLock { content in
            content.arrivals.map {
                content.timestampMax < 0 ? $0.upperBound : min(content.timestampMax, $0.upperBound)
            }
        }
    }

    /// Takes note of a batch that came `now` and stands at the end of the file.
    func append(_ header: RecordBatchHeader, now: Int64) {
        state.withLock { content in
            content.append(header)
            content.arrived(at: now)
        }
    }

    /// Shows readers all there is.
    func showAll() { state.withLock { $0.visibleByteCount = $0.byteCount } }

    /// Where to begin looking for `offset`, and where the visible part ends.
    func range(before offset: Int64) -> Range<Int> {
        state.withLock { content in
            let position = content.index.position(before: offset)
            return min(position, content.visibleByteCount)..<content.visibleByteCount
        }
    }

    /// Where to begin looking for the first timestamp from `timestamp` on.
    func range(beforeTimestamp timestamp: Int64) -> Range<Int> {
        state.withLock { content in
            let position = content.index.position(beforeTimestamp: timestamp)
            return min(position, content.visibleByteCount)..<content.visibleByteCount
        }
    }

    /// `00000000000000000042.log`
    static func fileName(baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".log"
    }

    static func path(in directory: String, _ baseOffset: Int64) -> String {
        "\(directory)/\(fileName(baseOffset: baseOffset))"
    }

    /// The base offset in a file's name; nil if it is not that of a segment.
    static func baseOffset(fileName: String) -> Int64? {
        guard fileName.utf8.count == 24, fileName.hasSuffix(".log") else { return nil }
        let digits = fileName.dropLast(4)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits)
    }
}
