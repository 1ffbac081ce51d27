// The decode bolt: records become columns, in stretches that fit one call to the store.

internal import Base
internal import Columns
internal import LogClient
internal import Logging
internal import Metrics
internal import Model
internal import Topology
internal import Wire

/// Decodes the records of one partition.
struct DecodeBolt: Bolt {
    /// A stretch is ended at this size, so that its blocks fit into one frame several times over.
    private static let stretchBytesAim = Limits.rpcFrameBytesMax / 4
    /// Records between two looks at whether the partition is still wanted, and at the size.
    private static let recordsPerCheck = 256
    /// Bytes of a column beside its values, roughly: directory entry, chunk header, padding.
    private static let columnBytes = 128

    private let context: TaskContext
    private let metrics: WorkerMetrics
    private let decoder = EventDecoder()
    private var rejections: LogGate
    private var rejected: [String: Counter] = [:]

    init(_ context: TaskContext, metrics: WorkerMetrics) {
        self.context = context
        self.metrics = metrics
        rejections = LogGate(every: .seconds(10))
    }

    mutating func execute(
        _ tuple: Tuple<EventTuple>, into output: inout OutputCollector<EventTuple>
    ) async throws {
        guard case .records(let stretch) = tuple.payload else {
            preconditionFailure("the decode bolt reads records")
        }
        var current = EventStretch(fromOffset: stretch.fromOffset, toOffset: stretch.fromOffset)
        var bytes = 0
        for (index, record) in stretch.records.enumerated() {
            if index % Self.recordsPerCheck == 0 { try Task.checkCancellation() }
            let control = decode(record, into: &current)
            // At most one reason, which the decoder has just given.
            if let reason = current.events.rejected.popLast()?.reason {
                current.dead.append(
                    DeadLetter(stretch.originals[index] ?? record, reason: reason))
            }
            if let control {
                // What came before it is its business, what comes after is not: it goes alone.
                current.toOffset = record.offset
                finish(&current, into: &output)
                current.control = control
                current.toOffset = record.offset + 1
                finish(&current, into: &output)
                bytes = 0
                continue
            }
            bytes += record.value.count
            guard bytes >= Limits.recordBytesMax || index % Self.recordsPerCheck == 0 else {
                continue
            }
            bytes = 0
            if Self.size(of: current.events) >= Self.stretchBytesAim {
                finish(&current, into: &output)
            }
        }
        current.toOffset = stretch.toOffset
        finish(&current, into: &output)
        metrics.records.increment(by: stretch.records.count)
    }

    /// Adds one record to the stretch, or returns what it says about the events before it.
    private func decode(
        _ record: LogRecord, into stretch: inout EventStretch
    ) -> CollectionControl? {
        let isControl = ControlCommand.isControl(record.value)
        if isControl {
            if let control = decoder.control(
                offset: record.offset, key: record.key, value: record.value, into: &stretch.events)
            {
                return control
            }
            if let why = stretch.events.rejected.popLast()?.reason {
                let reason = "the control record is not known here: \(why)"
                stretch.events.rejected = [RejectedRecord(offset: record.offset, reason: reason)]
            }
        }
        stretch.toOffset = record.offset + 1
        if record.timestampMilliseconds > 0 {
            stretch.oldestMilliseconds = min(
                stretch.oldestMilliseconds ?? .max, record.timestampMilliseconds)
        }
        guard record.value.count <= Limits.recordBytesMax else {
            let reason = "the event has more than \(Limits.recordBytesMax) bytes"
            stretch.events.rejected = [RejectedRecord(offset: record.offset, reason: reason)]
            return nil
        }
        guard !isControl else { return nil }
        decoder.decode(
            offset: record.offset, key: record.key, value: record.value, into: &stretch.events)
        return nil
    }

    /// Emits the stretch and begins the next where it ends.
    private mutating func finish(
        _ stretch: inout EventStretch, into output: inout OutputCollector<EventTuple>
    ) {
        report(stretch.dead)
        guard stretch.toOffset > stretch.fromOffset else { return }
        output.emit(.events(stretch), to: EventTopology.events)
        stretch = EventStretch(fromOffset: stretch.toOffset, toOffset: stretch.toOffset)
    }

    private mutating func report(_ dead: [DeadLetter]) {
        guard let first = dead.first else { return }
        for letter in dead { counter(of: letter.kind).increment() }
        guard let before = rejections.pass(dead.count, now: monotonicTime()) else { return }
        context.logger.warning(
            "skipped records that are no events",
            metadata: [
                LogKeys.partition: "\(context.partition)", LogKeys.offset: "\(first.record.offset)",
                LogKeys.reason: "\(first.reason)", LogKeys.count: "\(before)",
            ])
    }

    private mutating func counter(of reason: String) -> Counter {
        if let known = rejected[reason] { return known }
        let isNew = rejected.count < Limits.deadLetterReasonsMax
        let counter = WorkerMetrics.rejected(reason: isNew ? reason : "other")
        if isNew { rejected[reason] = counter }
        return counter
    }

    /// About what the encoded blocks will take, never much less.
    private static func size(of events: DecodedEvents) -> Int {
        events.parts.reduce(0) {
            $0 + $1.rows.approximateByteCount + $1.rows.columnCount * columnBytes
        }
    }
}
