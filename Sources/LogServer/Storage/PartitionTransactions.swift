// The transactions of one partition: which are open, so how far readers of committed records may
// see, and which were aborted, so what they must skip. Rebuilt from the batches when the server
// starts.
//
//     first batch of a transaction     open, from that offset on
//     commit marker                    no longer open
//     abort marker                     no longer open; remembered while its records are there

internal import Base
internal import KafkaWire
internal import Synchronization

/// The transactions of one partition.
struct PartitionTransactions: Sendable, Equatable {
    /// A transaction that has not ended.
    struct Open: Sendable, Equatable {
        var producerEpoch: Int16
        var firstOffset: Int64
    }

    /// A transaction whose records do not count.
    struct Aborted: Sendable, Equatable {
        var producerID: Int64
        var firstOffset: Int64
        /// The offset of the marker.
        var lastOffset: Int64
        /// Where the first open transaction began, or else the marker's end: no transaction that
        /// ends later has records before it.
        var stableOffset: Int64
    }

    /// By producer id.
    private(set) var open: [Int64: Open] = [:]
    /// In the order of their markers.
    private(set) var aborted: [Aborted] = []

    /// Where the first open transaction begins.
    var firstOpenOffset: Int64? { open.values.lazy.map(\.firstOffset).min() }

    /// Why the batch of a producer may not be appended; nil if it may. What the server itself
    /// writes is not asked about.
    func refusal(of header: RecordBatchHeader) -> KafkaErrorCode? {
        guard !open.isEmpty || header.isTransactional, !header.isControl else { return nil }
        let isOpen = open[header.producerID] != nil
        if isOpen, !header.isTransactional { return .invalidTransactionState }
        if !isOpen, header.isTransactional, aborted.count >= Limits.logAbortedMax {
            return .policyViolation
        }
        return nil
    }

    /// Whether a batch belongs to the transaction that its producer has open.
    func has(_ batch: ProducerStates.Batch, of producerID: Int64) -> Bool {
        open[producerID].map { $0.firstOffset <= batch.baseOffset } ?? false
    }

    /// Takes note of a batch that is in the log. `marker` is what a control batch says.
    mutating func note(_ header: RecordBatchHeader, marker: EndMarker?) {
        if let marker {
            guard let ended = open.removeValue(forKey: marker.producerID), !marker.isCommit else {
                return
            }
            aborted.append(
                Aborted(
                    producerID: marker.producerID, firstOffset: ended.firstOffset,
                    lastOffset: header.lastOffset,
                    stableOffset: firstOpenOffset ?? header.nextOffset))
        } else if header.isTransactional, !header.isControl, header.hasProducer,
            open[header.producerID] == nil
        {
            open[header.producerID] = Open(
                producerEpoch: header.producerEpoch, firstOffset: header.baseOffset)
        }
    }

    /// The aborted transactions that have records from `start` on and before `end`.
    func aborted(from start: Int64, to end: Int64) -> [Aborted] {
        var (low, high) = (0, aborted.count)
        while low < high {
            let middle = (low + high) / 2
            if aborted[middle].lastOffset < start { low = middle + 1 } else { high = middle }
        }
        var found: [Aborted] = []
        for transaction in aborted[low...] {
            if transaction.firstOffset < end { found.append(transaction) }
            if transaction.stableOffset >= end { break }
        }
        return found
    }

    /// Forgets aborted transactions that lie below an offset and have no records any more.
    mutating func trim(to offset: Int64) {
        aborted.removeFirst(aborted.prefix { $0.lastOffset < offset }.count)
    }

    // MARK: Bytes

    /// Open count varint, then producer id, epoch and first offset of each; aborted count varint,
    /// then producer id, first, last and stable offset of each. Little-endian.
    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(open.count))
        for (id, transaction) in open.sorted(by: { $0.key < $1.key }) {
            writer.write(littleEndian: id)
            writer.write(littleEndian: transaction.producerEpoch)
            writer.write(littleEndian: transaction.firstOffset)
        }
        writer.write(varint: UInt64(aborted.count))
        for transaction in aborted {
            writer.write(littleEndian: transaction.producerID)
            writer.write(littleEndian: transaction.firstOffset)
            writer.write(littleEndian: transaction.lastOffset)
            writer.write(littleEndian: transaction.stableOffset)
        }
    }

    init() {}

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        for _ in 0..<(try reader.readCount(ofAtLeast: 18)) {
            let id: Int64 = try reader.readLittleEndian()
            let epoch: Int16 = try reader.readLittleEndian()
            open[id] = Open(producerEpoch: epoch, firstOffset: try reader.readLittleEndian())
        }
        for _ in 0..<(try reader.readCount(ofAtLeast: 32)) {
            let id: Int64 = try reader.readLittleEndian()
            let first: Int64 = try reader.readLittleEndian()
            let last: Int64 = try reader.readLittleEndian()
            aborted.append(
                Aborted(
                    producerID: id, firstOffset: first, lastOffset: last,
                    stableOffset: try reader.readLittleEndian()))
        }
    }
}

extension PartitionLog {
    /// Up to where readers of committed records may see. Any thread.
    var lastStable: Int64 { view.withLock { $0.lastStable } }

    /// The aborted transactions with records from `offset` on and before `end`. Any thread.
    func aborted(from offset: Int64, to end: Int64) -> [PartitionTransactions.Aborted] {
        producers.withLock { producers in
            guard let last = producers.transactions.aborted.last, last.lastOffset >= offset else {
                return []
            }
            return producers.transactions.aborted(from: offset, to: end)
        }
    }
}
