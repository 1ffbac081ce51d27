// Idempotent producers: which batches of which producer a partition has, so that a batch that is
// sent again is recognised. Rebuilt from the batches when the server starts.
//
//   unknown producer                      accept any sequence
//   epoch below the known one             47
//   epoch above the known one             accept sequence 0, else 45
//   same epoch, one of the last batches   duplicate: its first offset is the answer
//   same epoch, the sequence that follows accept; sequences wrap from 2,147,483,647 to 0
//   same epoch, anything else             45

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
        /// The last ones, oldest first.
        var batches: [Batch]
        /// When it last wrote: time of the server, or the batch's own after a restart.
        var lastSeen: Int64
    }

    /// Batches that a client may have in flight, so the ones it may send again.
    static let batchesKept = 5

    private var producers: [Int64: Producer] = [:]

    var count: Int { producers.count }

    /// Whether the batch may be appended. Batches without a producer always may.
    func verdict(_ header: RecordBatchHeader) -> Verdict {
        guard header.hasProducer else { return .accept }
        guard let known = producers[header.producerID] else { return .accept }
        if header.producerEpoch < known.epoch { return .refuse(.invalidProducerEpoch) }
        if header.producerEpoch > known.epoch {
            return header.baseSequence == 0 ? .accept : .refuse(.outOfOrderSequenceNumber)
        }
        if let same = known.batches.last(where: {
            $0.firstSequence == header.baseSequence && $0.lastSequence == header.lastSequence
        }) {
            return .duplicate(same)
        }
        guard let last = known.batches.last else { return .accept }
        let next = last.lastSequence == .max ? 0 : last.lastSequence + 1
        return header.baseSequence == next ? .accept : .refuse(.outOfOrderSequenceNumber)
    }

    /// Takes note of a batch that is in the log.
    mutating func note(_ header: RecordBatchHeader, now: Int64) {
        guard header.hasProducer else { return }
        let batch = Batch(
            firstSequence: header.baseSequence, lastSequence: header.lastSequence,
            baseOffset: header.baseOffset, timestamp: header.maxTimestamp)
        if var known = producers[header.producerID], known.epoch == header.producerEpoch {
            // Taken out first, so that the array is changed in place.
            producers[header.producerID] = nil
            if known.batches.count == Self.batchesKept { known.batches.removeFirst() }
            known.batches.append(batch)
            known.lastSeen = max(known.lastSeen, now)
            producers[header.producerID] = known
            return
        }
        if producers.count >= Limits.logProducersMax { makeRoom(now: now) }
        producers[header.producerID] = Producer(
            epoch: header.producerEpoch, batches: [batch], lastSeen: now)
    }

    /// Forgets producers that have not written for a day, or else the tenth that wrote longest ago.
    private mutating func makeRoom(now: Int64) {
        let oldest = now - Limits.logProducerExpiryMilliseconds
        producers = producers.filter { $0.value.lastSeen >= oldest }
        guard producers.count >= Limits.logProducersMax else { return }
        let seen = producers.values.map(\.lastSeen).sorted()
        let bound = seen[seen.count / 10]
        producers = producers.filter { $0.value.lastSeen > bound }
    }
}
