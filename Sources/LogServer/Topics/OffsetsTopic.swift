// `__consumer_offsets`: committed offsets as records of an ordinary partition, so that they have
// its durability and lag tools can read them.
//
// The partition would grow with every commit. When it has grown enough, its current contents (the
// last value of every key) are appended once more and everything before them is removed. A crash
// in between leaves old records and a part of the new ones, which read back the same.
//
// Offsets that a transaction commits are in batches of its producer, as Kafka writes them. They are
// pending until the marker that ends the transaction, and move along when the log is rewritten.
//
// The states of transactional ids are kept in the same way: TransactionTopic.swift.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

/// What the offsets topic holds, in its order.
enum OffsetsEntry: Sendable {
    case records([OffsetsRecord])
    /// Records of a transaction: they count from its commit marker on.
    case pending([OffsetsRecord], TransactionProducer)
    case end(EndMarker)
}

/// The internal topic as the coordinator of groups sees it.
final class OffsetsTopic: OffsetsLog {
    static let name = "__consumer_offsets"
    /// The one partition, as transactions name it.
    static let partition = TopicPartition(topic: name, partition: 0)
    private static let recordsPerBatch = 1000
    private static let bytesPerBatch = 1 << 20
    private static let readBytes = 4 << 20

    private struct State {
        /// The last value of every key.
        var current: [[UInt8]: [UInt8]] = [:]
        var currentBytes = 0
        /// What open transactions have written, by producer.
        var pending: [Int64: (epoch: Int16, records: [[UInt8]: [UInt8]?])] = [:]
        /// Appended or replayed since everything before was removed.
        var grownBytes = 0
        var isRewriting = false

        mutating func fold(_ entry: OffsetsEntry) {
            switch entry {
            case .records(let records): for record in records { fold(record) }
            case .pending(let records, let producer):
                var own = pending.removeValue(forKey: producer.id)?.records ?? [:]
                for record in records { own[record.key] = .some(record.value) }
                pending[producer.id] = (producer.epoch, own)
            case .end(let marker):
                guard let own = pending.removeValue(forKey: marker.producerID), marker.isCommit
                else { return }
                for (key, value) in own.records { fold((key, value)) }
            }
        }

        private mutating func fold(_ record: OffsetsRecord) {
            if let old = current[record.key] { currentBytes -= old.count + record.key.count }
            current[record.key] = record.value
            if let value = record.value { currentBytes += value.count + record.key.count }
        }
    }

    private let log: PartitionLog
    private let writer: LogWriter
    private let clock: @Sendable () -> Int64
    private let gate: TransactionGate
    private let state = Mutex(State())

    /// `gate` says which transactions may still commit offsets.
    init(
        log: PartitionLog, writer: LogWriter, clock: @escaping @Sendable () -> Int64,
        gate: TransactionGate = TransactionGate()
    ) {
        self.log = log
        self.writer = writer
        self.clock = clock
        self.gate = gate
    }

    func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer?,
        completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        guard !records.isEmpty else { return completion(.none) }
        let entry = producer.map { OffsetsEntry.pending(records, $0) } ?? .records(records)
        do {
            let batch = try Self.batch(records, in: producer, timestamp: clock())
            append(batch, entry, admission: admission(of: producer), completion: completion)
        } catch {
            completion(.unknownServerError)
        }
    }

    private func admission(
        of producer: TransactionProducer?
    ) -> (@Sendable () -> KafkaErrorCode)? {
        guard let producer else { return nil }
        return { [gate] in gate.verdict(producer, Self.partition) }
    }

    /// Appends the end of a transaction, after which its offsets count or are gone.
    func end(
        _ marker: EndMarker, completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        do {
            append(
                try CheckedBatch(marker, timestamp: clock()), .end(marker), admission: nil,
                completion: completion)
        } catch {
            completion(.unknownServerError)
        }
    }

    private func append(
        _ batch: CheckedBatch, _ entry: OffsetsEntry,
        admission: (@Sendable () -> KafkaErrorCode)?,
        completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        writer.append(
            PendingAppend(
                log: log, batch: batch, waitsForSync: true, admission: admission
            ) { [self] outcome in
                switch outcome {
                case .appended, .duplicate:
                    noteDurable(entry, bytes: batch.bytes.count)
                    completion(.none)
                case .refused(let code, _): completion(code)
                }
            })
    }

    private static func batch(
        _ records: some Sequence<OffsetsRecord>, in producer: TransactionProducer?,
        timestamp: Int64
    ) throws(KafkaWireError) -> CheckedBatch {
        var header = RecordBatchHeader()
        if let producer {
            header.attributes = 0x10
            (header.producerID, header.producerEpoch) = (producer.id, producer.epoch)
        }
        let bytes = encodeRecordBatch(
            records.map { Record(key: $0.key, value: $0.value) }, timestamp: timestamp,
            header: header)
        return CheckedBatch(header: try RecordBatchHeader(bytes[...]), bytes: bytes[...])
    }

    // MARK: Start

    /// Hands everything to `body`, in order. Blocks.
    func replay(_ body: (OffsetsEntry) -> Void) throws(LogStorageError) {
        var offset = log.logStart
        while offset < log.highWatermark {
            guard
                case .records(let bytes) = log.read(
                    from: offset, bytesMax: Self.readBytes, takesLargeFirst: true), !bytes.isEmpty
            else { throw LogStorageError(.damaged, "\(log.name) cannot be read at \(offset)") }
            do {
                let (entries, next) = try Self.entries(in: bytes, from: offset)
                state.withLock { state in
                    for entry in entries { state.fold(entry) }
                    state.grownBytes += bytes.count
                }
                for entry in entries { body(entry) }
                offset = next
            } catch {
                throw LogStorageError(.damaged, "\(log.name) at \(offset): \(error)")
            }
        }
        rewriteIfGrown()
    }

    private static func entries(
        in bytes: [UInt8], from start: Int64
    ) throws(KafkaWireError) -> ([OffsetsEntry], next: Int64) {
        var entries: [OffsetsEntry] = []
        var rest = bytes[...]
        var next = start
        while !rest.isEmpty {
            let header = try RecordBatchHeader(rest)
            if let entry = try entry(of: header, inBatch: rest, from: start) {
                entries.append(entry)
            }
            next = header.nextOffset
            rest = rest.dropFirst(header.totalByteCount)
        }
        return (entries, next)
    }

    private static func entry(
        of header: RecordBatchHeader, inBatch bytes: ArraySlice<UInt8>, from start: Int64
    ) throws(KafkaWireError) -> OffsetsEntry? {
        if header.isControl { return EndMarker(inBatch: bytes).map { .end($0) } }
        var records: [OffsetsRecord] = []
        try forEachRecord(inBatch: bytes) { header, record in
            if header.baseOffset + Int64(record.offsetDelta) >= start, let key = record.key {
                records.append((key, record.value))
            }
            return true
        }
        guard header.isTransactional else { return .records(records) }
        return .pending(
            records,
            TransactionProducer(id: header.producerID, epoch: header.producerEpoch))
    }

    // MARK: Rewriting

    /// On the writer's thread, so in the order of the log.
    private func noteDurable(_ entry: OffsetsEntry, bytes: Int) {
        state.withLock { state in
            state.fold(entry)
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
    private static func batches(
        of current: some Sequence<(key: [UInt8], value: [UInt8]?)>
    ) -> [[OffsetsRecord]] {
        var batches: [[OffsetsRecord]] = []
        var bytes = 0
        for (key, value) in current {
            let isFull = bytes > bytesPerBatch || batches.last?.count == recordsPerBatch
            if batches.isEmpty || isFull {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append((key, value))
            bytes += key.count + (value?.count ?? 0)
        }
        return batches
    }

    private func rewrite() {
        let (current, pending) = state.withLock { ($0.current, $0.pending) }
        let start = log.logEnd
        var bytes = copy(current.lazy.map { ($0.key, $0.value) }, of: nil)
        for (id, own) in pending {
            let producer = TransactionProducer(id: id, epoch: own.epoch)
            let more = copy(own.records.lazy.map { ($0.key, $0.value) }, of: producer)
            bytes = bytes.flatMap { sum in more.map { sum + $0 } }
        }
        // What fails has been logged by the log; the records before are all still there.
        if bytes != nil, log.sync() { _ = log.trim(to: start) }
        state.withLock { state in
            state.grownBytes = bytes ?? 0
            state.isRewriting = false
        }
    }

    /// Appends records in batches; their bytes, or nil if the log refused one.
    private func copy(
        _ records: some Sequence<(key: [UInt8], value: [UInt8]?)>, of producer: TransactionProducer?
    ) -> Int? {
        var bytes = 0
        for records in Self.batches(of: records) {
            guard let batch = try? Self.batch(records, in: producer, timestamp: clock()),
                case .appended = log.append(batch, now: clock())
            else { return nil }
            bytes += batch.bytes.count
        }
        return bytes
    }
}

extension CheckedBatch {
    /// The batch of a marker.
    init(_ marker: EndMarker, timestamp: Int64) throws(KafkaWireError) {
        let bytes = marker.batch(timestamp: timestamp)
        self.init(header: try RecordBatchHeader(bytes[...]), bytes: bytes[...], marker: marker)
    }
}
