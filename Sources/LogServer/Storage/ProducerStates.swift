// Idempotent producers: which batches of which producer a partition has, so that a batch that is
// sent again is recognised. A start takes them from the partition's snapshot, and goes on with the
// batches behind it.
//
//   unknown producer                      accept any sequence
//   epoch below the known one             47
//   epoch above the known one             accept sequence 0, else 45
//   same epoch, one of the last batches   duplicate: its first offset is the answer
//   same epoch, the sequence that follows accept; sequences wrap from 2,147,483,647 to 0
//   same epoch, anything else             45
//   one of the last batches, but of a transaction that is over      45
//   a batch outside of the transaction that its producer has open      48
//
// A client that gives up a batch whose answer it has not seen, and aborts, may use its sequence
// again (librdkafka does): answered as a duplicate, the records would be missing in the next
// transaction.
//
// What the server itself writes in a producer's name has no sequence and is not judged; the marker
// that ends a transaction raises the epoch if the producer was fenced.

internal import Base
internal import KafkaWire

/// The producers of one partition.
struct ProducerStates: Sendable {
    /// A batch that a producer may send again.
    struct Batch: Sendable, Equatable {
        var firstSequence: Int32
        var lastSequence: Int32
        var baseOffset: Int64
        var timestamp: Int64
    }

    /// What to do with a batch.
    enum Verdict: Sendable, Equatable {
        case accept
        case duplicate(Batch)
        case refuse(KafkaErrorCode)
    }

    private struct Producer {
        var epoch: Int16
        /// What the next batch has to begin with; nil: anything, since only a marker is known.
        var nextSequence: Int32?
        /// The last ones, oldest first.
        var batches: [Batch]
        /// When it last wrote: time of the server, or of its start.
        var lastSeen: Int64

        var lastOffset: Int64 { batches.last?.baseOffset ?? .max }
    }

    /// Batches that a client may have in flight, so the ones it may send again.
    static let batchesKept = 5

    private var producers: [Int64: Producer] = [:]
    private(set) var transactions = PartitionTransactions()

    var count: Int { producers.count }

    /// The base offset of each producer's last batch.
    var lastBatches: [Int64: Int64] { producers.compactMapValues { $0.batches.last?.baseOffset } }

    /// The producers by id, each with its last batch if one is known.
    var known: [(id: Int64, epoch: Int16, last: Batch?)] {
        producers.map { ($0.key, $0.value.epoch, $0.value.batches.last) }
            .sorted { $0.id < $1.id }
    }

    /// Whether the batch may be appended. Batches without a producer always may.
    func verdict(_ header: RecordBatchHeader) -> Verdict {
        guard header.hasProducer, header.baseSequence >= 0 else { return .accept }
        let refusal = transactions.refusal(of: header)
        guard let known = producers[header.producerID] else {
            return refusal.map { .refuse($0) } ?? .accept
        }
        if header.producerEpoch < known.epoch { return .refuse(.invalidProducerEpoch) }
        if header.producerEpoch > known.epoch {
            guard header.baseSequence == 0 else { return .refuse(.outOfOrderSequenceNumber) }
            return refusal.map { .refuse($0) } ?? .accept
        }
        if let same = known.batches.last(where: {
            $0.firstSequence == header.baseSequence && $0.lastSequence == header.lastSequence
        }) {
            let isOver = header.isTransactional && !transactions.has(same, of: header.producerID)
            return isOver ? .refuse(.outOfOrderSequenceNumber) : .duplicate(same)
        }
        if let refusal { return .refuse(refusal) }
        return header.baseSequence == known.nextSequence ?? header.baseSequence
            ? .accept : .refuse(.outOfOrderSequenceNumber)
    }

    /// Takes note of a batch that is in the log. `marker` is what a control batch says.
    mutating func note(_ header: RecordBatchHeader, marker: EndMarker? = nil, now: Int64) {
        guard header.hasProducer else { return }
        transactions.note(header, marker: marker)
        if let marker { noteEpoch(of: marker, now: now) }
        guard header.baseSequence >= 0 else { return }
        let next = header.lastSequence == .max ? 0 : header.lastSequence + 1
        let batch = Batch(
            firstSequence: header.baseSequence, lastSequence: header.lastSequence,
            baseOffset: header.baseOffset, timestamp: header.maxTimestamp)
        if var known = producers[header.producerID], known.epoch == header.producerEpoch {
            // Taken out first, so that the array is changed in place.
            producers[header.producerID] = nil
            if known.batches.count == Self.batchesKept { known.batches.removeFirst() }
            known.batches.append(batch)
            known.nextSequence = next
            known.lastSeen = max(known.lastSeen, now)
            producers[header.producerID] = known
            return
        }
        makeRoom(now: now)
        producers[header.producerID] = Producer(
            epoch: header.producerEpoch, nextSequence: next, batches: [batch], lastSeen: now)
    }

    /// From its marker on, older epochs of the producer are fenced.
    private mutating func noteEpoch(of marker: EndMarker, now: Int64) {
        let known = producers[marker.producerID]
        if let known, known.epoch >= marker.producerEpoch { return }
        if known == nil { makeRoom(now: now) }
        producers[marker.producerID] = Producer(
            epoch: marker.producerEpoch, nextSequence: known == nil ? nil : 0, batches: [],
            lastSeen: now)
    }

    /// Forgets what lies below the log start, or below what compaction has gone through.
    mutating func trim(to logStart: Int64) { transactions.trim(to: logStart) }

    /// Takes note of the first batch of a producer that the disk has refused: it has to come again
    /// before those that are on their way behind it.
    mutating func noteRefused(_ header: RecordBatchHeader, now: Int64) {
        guard header.hasProducer, header.baseSequence >= 0, producers[header.producerID] == nil
        else { return }
        makeRoom(now: now)
        producers[header.producerID] = Producer(
            epoch: header.producerEpoch, nextSequence: header.baseSequence, batches: [],
            lastSeen: now)
    }

    /// When there are too many, forgets producers that have not written for a day, or else the
    /// tenth that wrote longest ago.
    private mutating func makeRoom(now: Int64) {
        guard producers.count >= Limits.logProducersMax else { return }
        let oldest = now - Limits.logProducerExpiryMilliseconds
        producers = producers.filter { $0.value.lastSeen >= oldest }
        guard producers.count >= Limits.logProducersMax else { return }
        // After a start all were seen at the same time; the log knows who came last.
        let byAge = producers.sorted {
            ($0.value.lastSeen, $0.value.lastOffset) < ($1.value.lastSeen, $1.value.lastOffset)
        }
        for (id, _) in byAge.prefix(byAge.count / 10) { producers[id] = nil }
    }
}

// In a snapshot: count varint, then for each producer id int64, epoch int16, next sequence int32,
// (-1 if any will do), last seen int64, batch count varint, and for each batch first sequence
// int32, last sequence int32, base offset int64, timestamp int64; then the transactions.
extension ProducerStates {
    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(producers.count))
        for (id, producer) in producers {
            writer.write(littleEndian: id)
            writer.write(littleEndian: producer.epoch)
            writer.write(littleEndian: producer.nextSequence ?? -1)
            writer.write(littleEndian: producer.lastSeen)
            writer.write(varint: UInt64(producer.batches.count))
            for batch in producer.batches {
                writer.write(littleEndian: batch.firstSequence)
                writer.write(littleEndian: batch.lastSequence)
                writer.write(littleEndian: batch.baseOffset)
                writer.write(littleEndian: batch.timestamp)
            }
        }
        transactions.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        for _ in 0..<(try reader.readCount(ofAtLeast: 23)) {
            let id: Int64 = try reader.readLittleEndian()
            let epoch: Int16 = try reader.readLittleEndian()
            let next: Int32 = try reader.readLittleEndian()
            var producer = Producer(
                epoch: epoch, nextSequence: next < 0 ? nil : next, batches: [],
                lastSeen: try reader.readLittleEndian())
            for _ in 0..<(try reader.readCount(ofAtLeast: 24)) {
                producer.batches.append(
                    Batch(
                        firstSequence: try reader.readLittleEndian(),
                        lastSequence: try reader.readLittleEndian(),
                        baseOffset: try reader.readLittleEndian(),
                        timestamp: try reader.readLittleEndian()))
            }
            producers[id] = producer
        }
        transactions = try PartitionTransactions(from: &reader)
    }
}
