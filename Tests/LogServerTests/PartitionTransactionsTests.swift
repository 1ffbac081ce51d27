// Which records of a partition readers of committed records see, and what they must skip.

import Base
import KafkaWire
import Synchronization
import Testing

@testable import LogServer

/// A batch of a transaction.
func transactional(
    _ values: [String], producer: (id: Int64, epoch: Int16), sequence: Int32
) throws -> [UInt8] {
    let plain = batch(values, producer: producer, sequence: sequence)
    var header = try RecordBatchHeader(plain[...])
    header.attributes |= 0x10
    return sealedBatch(header, records: Array(plain.dropFirst(RecordBatchHeader.byteCount)))
}

extension PartitionLog {
    /// Appends and syncs the end of a transaction.
    func end(_ producer: (id: Int64, epoch: Int16), isCommit: Bool) throws {
        let marker = EndMarker(
            producerID: producer.id, producerEpoch: producer.epoch, isCommit: isCommit)
        let outcome = append(try CheckedBatch(marker, timestamp: 1), now: 5000)
        guard case .appended = outcome else {
            Issue.record("no marker: \(outcome)")
            return
        }
        #expect(sync())
    }

    /// What a client with isolation level read_committed makes of one fetch after the other.
    func committedValues() throws -> [String] {
        var found: [String] = []
        var next = logStart
        while next < lastStable {
            guard
                case .records(let bytes) = read(
                    from: next, bytesMax: 300, takesLargeFirst: true, committedOnly: true),
                !bytes.isEmpty
            else {
                Issue.record("no records at \(next)")
                return found
            }
            found += try Self.committed(bytes, aborted(from: next, to: try Self.end(bytes)))
            next = try Self.end(bytes)
        }
        return found
    }

    private static func end(_ bytes: [UInt8]) throws -> Int64 {
        var (rest, end) = (bytes[...], Int64(0))
        while !rest.isEmpty {
            let header = try RecordBatchHeader(rest)
            (end, rest) = (header.nextOffset, rest.dropFirst(header.totalByteCount))
        }
        return end
    }

    /// The way in which clients apply the list of aborted transactions.
    private static func committed(
        _ bytes: [UInt8], _ aborted: [PartitionTransactions.Aborted]
    ) throws -> [String] {
        var waiting = aborted.sorted { $0.firstOffset < $1.firstOffset }[...]
        var skipped: Set<Int64> = []
        var found: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let header = try RecordBatchHeader(rest)
            while let first = waiting.first, first.firstOffset <= header.lastOffset {
                skipped.insert(first.producerID)
                waiting = waiting.dropFirst()
            }
            if let marker = EndMarker(inBatch: rest) {
                if !marker.isCommit { skipped.remove(marker.producerID) }
            } else if !(header.isTransactional && skipped.contains(header.producerID)) {
                try forEachRecord(inBatch: rest) { _, record in
                    found.append(String(decoding: record.value ?? [], as: UTF8.self))
                    return true
                }
            }
            rest = rest.dropFirst(header.totalByteCount)
        }
        return found
    }
}

@Suite struct PartitionTransactionsTests {
    private let disk = MemoryDisk()
    private let a: (id: Int64, epoch: Int16) = (1, 0)
    private let b: (id: Int64, epoch: Int16) = (2, 0)

    /// A batch is a duplicate within its transaction only. After an abort a client may use the
    /// sequence of a batch whose answer it never saw for other records.
    @Test(arguments: [false, true])
    func aSequenceOfAnEndedTransactionIsNoDuplicate(_ isReopened: Bool) throws {
        let disk = MemoryDisk()
        var log = try openLog(disk)
        let producer = (id: Int64(7), epoch: Int16(0))
        let first = try transactional(["a"], producer: producer, sequence: 0)
        try log.add(first)
        #expect(log.append(try checked(first), now: 0) == .duplicate(baseOffset: 0))
        try log.end(producer, isCommit: false)
        if isReopened { log = try openLog(disk.copy()) }
        let again = try transactional(["b"], producer: producer, sequence: 0)
        guard case .refused(.outOfOrderSequenceNumber, _) = log.append(try checked(again), now: 0)
        else { return #expect(Bool(false), "taken for the batch of the transaction before") }
        let next = try transactional(["c"], producer: producer, sequence: 1)
        try log.add(next)
        #expect(log.append(try checked(next), now: 0) == .duplicate(baseOffset: 2))
        #expect(log.append(try checked(again), now: 0) != .duplicate(baseOffset: 0))
        try log.end(producer, isCommit: true)
        #expect(try log.committedValues() == ["c"])
    }

    @Test func anOpenTransactionHoldsReadersBack() throws {
        let log = try openLog(disk)
        try log.add(batch(["x"]))
        #expect(log.lastStable == 1)
        try log.add(try transactional(["a0"], producer: a, sequence: 0))
        try log.add(batch(["y"]))
        #expect(log.lastStable == 1)
        #expect(log.highWatermark == 3)
        #expect(log.bytesAvailable(from: 1, committedOnly: true) == 0)
        #expect(try log.committedValues() == ["x"])
        #expect(try log.values().map(\.value) == ["x", "a0", "y"])
        try log.end(a, isCommit: true)
        #expect(log.lastStable == 4)
        #expect(try log.committedValues() == ["x", "a0", "y"])
    }

    @Test func abortedRecordsAreSkipped() throws {
        let log = try openLog(disk)
        try log.add(try transactional(["a0"], producer: a, sequence: 0))
        try log.add(try transactional(["b0"], producer: b, sequence: 0))
        try log.end(a, isCommit: false)
        // The other one is open still, and began behind a's first record.
        #expect(log.lastStable == 1)
        #expect(try log.committedValues() == [])
        try log.end(b, isCommit: true)
        #expect(try log.committedValues() == ["b0"])
        // The same producer goes on.
        try log.add(try transactional(["a1"], producer: a, sequence: 1))
        try log.end(a, isCommit: true)
        #expect(try log.committedValues() == ["b0", "a1"])
    }

    @Test func aMarkerThatIsNotSafeYetShowsNothing() throws {
        let log = try openLog(disk)
        try log.add(try transactional(["a0"], producer: a, sequence: 0))
        let marker = EndMarker(producerID: 1, producerEpoch: 0, isCommit: true)
        _ = log.append(try CheckedBatch(marker, timestamp: 1), now: 5000)
        #expect(log.lastStable == 0)
        #expect(log.sync())
        #expect(log.lastStable == 2)
    }

    @Test func aFencedProducerIsTurnedAway() throws {
        let log = try openLog(disk)
        try log.add(try transactional(["a0"], producer: a, sequence: 0))
        try log.end((1, 1), isCommit: false)
        func outcome(_ epoch: Int16, _ sequence: Int32) throws -> AppendOutcome {
            let bytes = try transactional(["z"], producer: (1, epoch), sequence: sequence)
            return log.append(try checked(bytes), now: 5000)
        }
        guard case .refused(.invalidProducerEpoch, _) = try outcome(0, 1) else {
            return #expect(Bool(false), "a zombie wrote")
        }
        guard case .refused(.outOfOrderSequenceNumber, _) = try outcome(1, 1) else {
            return #expect(Bool(false), "a new epoch begins at 0")
        }
        guard case .appended = try outcome(1, 0) else {
            return #expect(Bool(false), "the new producer is refused")
        }
    }

    @Test func batchesOutsideOfTheTransactionAreRefused() throws {
        let log = try openLog(disk)
        try log.add(try transactional(["a0"], producer: a, sequence: 0))
        let outcome = log.append(
            try checked(batch(["z"], producer: a, sequence: 1)), now: 5000)
        guard case .refused(.invalidTransactionState, _) = outcome else {
            return #expect(Bool(false), "\(outcome)")
        }
    }

    @Test func aMarkerAloneLeavesTheSequenceOpen() throws {
        let log = try openLog(disk)
        try log.end(a, isCommit: true)
        try log.add(try transactional(["late"], producer: a, sequence: 57))
        #expect(log.lastStable == 1)
    }

    @Test func trimmingForgetsWhatWasAborted() throws {
        let size = batch(["x"]).count
        let log = try openLog(disk, segmentBytes: 2 * size)
        for sequence in Int32(0)..<5 {
            try log.add(try transactional(["a"], producer: a, sequence: sequence))
            try log.end(a, isCommit: false)
        }
        try log.add(try transactional(["open"], producer: b, sequence: 0))
        #expect(log.producers.withLock { $0.transactions.aborted.count } == 5)
        #expect(log.trim(to: 7) == .none)
        #expect(log.producers.withLock { $0.transactions.aborted.count } == 2)
        // Also below the beginning of one that is open.
        try log.add(batch(["y"]))
        #expect(log.trim(to: 12) == .none)
        #expect(log.lastStable == 12)
        let again = try openLog(disk.copy(), segmentBytes: 2 * size)
        #expect(again.lastStable >= again.logStart)
    }

    /// Against a plain list: whatever producers do, readers see what was committed, before and
    /// after a restart, and the state survives its own bytes.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func readersSeeWhatWasCommitted(_ seed: UInt64)
        throws
    {
        var random = PRNG(seed: seed)
        let log = try openLog(disk, segmentBytes: 700)
        var sequences: [Int64: Int32] = [:]
        var records: [(value: String, producer: Int64?)] = []
        var outcomes: [Int: Bool] = [:]
        var open: [Int64: [Int]] = [:]
        for step in 0..<300 {
            let producer = Int64.random(in: 1...4, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                try log.add(batch(["p\(step)"]))
                records.append(("p\(step)", nil))
                outcomes[records.count - 1] = true
            case 1...3:
                let sequence = sequences[producer] ?? 0
                try log.add(
                    try transactional(
                        ["t\(step)"], producer: (producer, 0), sequence: sequence))
                sequences[producer] = sequence + 1
                open[producer, default: []].append(records.count)
                records.append(("t\(step)", producer))
            default:
                let isCommit = Bool.random(using: &random)
                try log.end((producer, 0), isCommit: isCommit)
                for index in open.removeValue(forKey: producer) ?? [] {
                    outcomes[index] = isCommit
                }
            }
            guard step % 7 == 0 else { continue }
            let end = records.indices.first { outcomes[$0] == nil } ?? records.count
            let expected = records.indices.prefix(end).filter { outcomes[$0] == true }
                .map { records[$0].value }
            #expect(try log.committedValues() == expected, "seed \(seed), step \(step)")
        }
        let again = try openLog(disk.copy(), segmentBytes: 700)
        #expect(again.lastStable == log.lastStable)
        #expect(try again.committedValues() == log.committedValues())
        let state = log.producers.withLock { $0.transactions }
        #expect(again.producers.withLock { $0.transactions } == state)
        var writer = ByteWriter()
        state.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try PartitionTransactions(from: &reader) == state)
        for count in writer.bytes.indices {
            var cut = ByteReader(writer.bytes[..<count])
            #expect(throws: ByteReaderError.self) { try PartitionTransactions(from: &cut) }
        }
    }
}
