// `__consumer_offsets`: committed offsets as records of an ordinary partition, so that they have
// its durability and lag tools can read them.
//
// The partition would grow with every commit. When it has grown enough, its current contents (the
// last value of every key) are appended once more and everything before them is removed. A crash
// in between leaves old records and a part of the new ones, which read back the same.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// The internal topic as the coordinator of groups sees it.
final class OffsetsTopic: OffsetsLog {
    static let name = "__consumer_offsets"
    private static let recordsPerBatch = 1000
    private static let bytesPerBatch = 1 << 20
    private static let readBytes = 4 << 20

    private struct State {
        /// The last value of every key.
        var current: [[UInt8]: [UInt8]] = [:]
        var currentBytes = 0
        /// Appended or replayed since everything before was removed.
        var grownBytes = 0
        var isRewriting = false

        mutating func fold(_ record: OffsetsRecord) {
            if let old = current[record.key] { currentBytes -= old.count + record.key.count }
            current[record.key] = record.value
            if let value = record.value { currentBytes += value.count + record.key.count }
        }
    }

    private let log: PartitionLog
    private let writer: LogWriter
    private let clock: @Sendable () -> Int64
    private let state = Mutex(State())

    init(log: PartitionLog, writer: LogWriter, clock: @escaping @Sendable () -> Int64) {
        self.log = log
        self.writer = writer
        self.clock = clock
    }

    func append(
        _ records: [OffsetsRecord], completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        guard !records.isEmpty else { return completion(.none) }
        do {
            let batch = try Self.batch(records, timestamp: clock())
            writer.append(
                PendingAppend(log: log, batch: batch, waitsForSync: true) { [self] outcome in
                    switch outcome {
                    case .appended, .duplicate:
                        noteDurable(records, bytes: batch.bytes.count)
                        completion(.none)
                    case .refused(let code, _): completion(code)
                    }
                })
        } catch {
            completion(.unknownServerError)
        }
    }

    private static func batch(
        _ records: some Sequence<OffsetsRecord>, timestamp: Int64
    ) throws(KafkaWireError) -> CheckedBatch {
        let bytes = encodeRecordBatch(
            records.map { Record(key: $0.key, value: $0.value) }, timestamp: timestamp)
        return CheckedBatch(header: try RecordBatchHeader(bytes[...]), bytes: bytes[...])
    }

    // MARK: Start

    /// Hands every record to `body`, in order. Blocks.
    func replay(_ body: ([OffsetsRecord]) -> Void) throws(LogStorageError) {
        var offset = log.logStart
        while offset < log.highWatermark {
            guard
                case .records(let bytes) = log.read(
                    from: offset, bytesMax: Self.readBytes, takesLargeFirst: true), !bytes.isEmpty
            else { throw LogStorageError(.damaged, "\(log.name) cannot be read at \(offset)") }
            do {
                let (records, next) = try Self.records(in: bytes, from: offset)
                state.withLock { state in
                    for record in records { state.fold(record) }
                    state.grownBytes += bytes.count
                }
                body(records)
                offset = next
            } catch {
                throw LogStorageError(.damaged, "\(log.name) at \(offset): \(error)")
            }
        }
        rewriteIfGrown()
    }

    private static func records(
        in bytes: [UInt8], from start: Int64
    ) throws(KafkaWireError) -> ([OffsetsRecord], next: Int64) {
        var records: [OffsetsRecord] = []
        var rest = bytes[...]
        var next = start
        while !rest.isEmpty {
            let header = try RecordBatchHeader(rest)
            try forEachRecord(inBatch: rest) { header, record in
                if header.baseOffset + Int64(record.offsetDelta) >= start, let key = record.key {
                    records.append((key, record.value))
                }
                return true
            }
            next = header.nextOffset
            rest = rest.dropFirst(header.totalByteCount)
        }
        return (records, next)
    }

    // MARK: Rewriting

    /// On the writer's thread, so in the order of the log.
    private func noteDurable(_ records: [OffsetsRecord], bytes: Int) {
        state.withLock { state in
            for record in records { state.fold(record) }
            state.grownBytes += bytes
        }
        rewriteIfGrown()
    }

    private func rewriteIfGrown() {
        let mustRewrite = state.withLock { state in
            guard !state.isRewriting, state.grownBytes > Limits.logOffsetsRewriteBytes,
                state.grownBytes > 2 * state.currentBytes
            else { return false }
            state.isRewriting = true
            return true
        }
        // When this runs, all that was appended before has been folded.
        if mustRewrite { writer.run { self.rewrite() } }
    }

    /// The contents in parts of bounded size.
    private static func batches(of current: [[UInt8]: [UInt8]]) -> [[OffsetsRecord]] {
        var batches: [[OffsetsRecord]] = []
        var bytes = 0
        for (key, value) in current {
            let isFull = bytes > bytesPerBatch || batches.last?.count == recordsPerBatch
            if batches.isEmpty || isFull {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append((key, value))
            bytes += key.count + value.count
        }
        return batches
    }

    private func rewrite() {
        let current = state.withLock { $0.current }
        let start = log.logEnd
        var bytes = 0
        var isWritten = true
        for records in Self.batches(of: current) {
            guard let batch = try? Self.batch(records, timestamp: clock()),
                case .appended = log.append(batch, now: clock())
            else {
                isWritten = false
                break
            }
            bytes += batch.bytes.count
        }
        // What fails has been logged by the log; the records before are all still there.
        if isWritten, log.sync() { _ = log.trim(to: start) }
        state.withLock { state in
            state.grownBytes = bytes
            state.isRewriting = false
        }
    }
}
