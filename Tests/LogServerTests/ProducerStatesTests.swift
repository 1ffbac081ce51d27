// The table of what to do with a batch of an idempotent producer.

import Base
import KafkaWire
import Testing

@testable import LogServer

@Suite struct ProducerStatesTests {
    private func header(
        _ sequence: Int32, count: Int32 = 1, epoch: Int16 = 0, offset: Int64 = 0
    ) -> RecordBatchHeader {
        var header = RecordBatchHeader()
        (header.producerID, header.producerEpoch, header.baseSequence) = (1, epoch, sequence)
        (header.recordCount, header.lastOffsetDelta) = (count, count - 1)
        header.baseOffset = offset
        return header
    }

    @Test func batchesWithoutAProducerAreAlwaysTaken() {
        var states = ProducerStates()
        #expect(states.verdict(RecordBatchHeader()) == .accept)
        states.note(RecordBatchHeader(), now: 0)
        #expect(states.count == 0)
    }

    @Test func anUnknownProducerMayBeginAnywhere() {
        #expect(ProducerStates().verdict(header(77)) == .accept)
    }

    /// Against a plain list of what was sent: every small history is judged the same.
    @Test func theLastFiveBatchesAreRecognised() {
        var states = ProducerStates()
        for index in Int32(0)..<12 {
            states.note(header(index * 3, count: 3, offset: Int64(index) * 10), now: 0)
            for other in Int32(0)..<14 {
                let verdict = states.verdict(header(other * 3, count: 3))
                switch other {
                case index + 1: #expect(verdict == .accept)
                case max(0, index - 4)...index:
                    guard case .duplicate(let batch) = verdict else {
                        return #expect(Bool(false), "\(other) after \(index): \(verdict)")
                    }
                    #expect(batch.baseOffset == Int64(other) * 10)
                default: #expect(verdict == .refuse(.outOfOrderSequenceNumber))
                }
            }
            // The same first sequence with another count is not the same batch.
            #expect(
                states.verdict(header(index * 3, count: 2)) == .refuse(.outOfOrderSequenceNumber))
        }
    }

    @Test func epochsFence() {
        var states = ProducerStates()
        states.note(header(0, epoch: 3), now: 0)
        #expect(states.verdict(header(1, epoch: 2)) == .refuse(.invalidProducerEpoch))
        #expect(states.verdict(header(1, epoch: 4)) == .refuse(.outOfOrderSequenceNumber))
        #expect(states.verdict(header(0, epoch: 4)) == .accept)
        states.note(header(0, epoch: 4), now: 0)
        #expect(states.verdict(header(1, epoch: 3)) == .refuse(.invalidProducerEpoch))
        #expect(states.verdict(header(1, epoch: 4)) == .accept)
    }

    @Test func sequencesWrapAround() {
        var states = ProducerStates()
        states.note(header(.max - 1, count: 2), now: 0)
        #expect(states.verdict(header(0)) == .accept)
        states.note(header(0), now: 0)
        // A batch across the border.
        var other = ProducerStates()
        other.note(header(.max, count: 3, offset: 5), now: 0)
        #expect(other.verdict(header(2)) == .accept)
        #expect(other.verdict(header(3)) == .refuse(.outOfOrderSequenceNumber))
        guard case .duplicate = other.verdict(header(.max, count: 3)) else {
            return #expect(Bool(false), "not recognised")
        }
    }

    @Test func theNumberOfProducersIsBounded() {
        var states = ProducerStates()
        for index in 0..<Limits.logProducersMax + 10 {
            var header = header(0)
            header.producerID = Int64(index)
            states.note(header, now: Int64(index))
        }
        #expect(states.count <= Limits.logProducersMax)
        var newest = header(0)
        newest.producerID = Int64(Limits.logProducersMax + 9)
        #expect(states.verdict(newest) != .accept, "the newest must be remembered")
    }

    /// After a start all producers were seen at the same time; still only the oldest are forgotten.
    @Test func atAStartTheOldestAreForgottenFirst() {
        var states = ProducerStates()
        var last = header(0)
        for index in 0...Int64(Limits.logProducersMax) {
            (last.producerID, last.baseOffset) = (index, index)
            states.note(last, now: 7)
        }
        #expect(states.count > Limits.logProducersMax / 2)
        for id in [Int64(Limits.logProducersMax) / 2, Int64(Limits.logProducersMax)] {
            last.producerID = id
            #expect(states.verdict(last) != .accept, "\(id) is forgotten")
        }
    }

    /// The first batch was refused by the disk, those behind it must not overtake it.
    @Test func aRefusedFirstBatchKeepsItsTurn() {
        var states = ProducerStates()
        states.noteRefused(header(0, count: 3), now: 0)
        #expect(states.verdict(header(3)) == .refuse(.outOfOrderSequenceNumber))
        #expect(states.verdict(header(0, count: 3)) == .accept)
        states.note(header(0, count: 3), now: 0)
        #expect(states.verdict(header(3)) == .accept)
        // A known producer is not touched.
        states.noteRefused(header(3), now: 0)
        #expect(states.verdict(header(3)) == .accept)
        guard case .duplicate = states.verdict(header(0, count: 3)) else {
            return #expect(Bool(false), "not recognised")
        }
    }
}

/// The sparse index finds a place at or before what is asked for, and not far before it.
@Suite struct SegmentIndexTests {
    @Test func positionsAreNeverBehindTheOffset() {
        var content = SegmentContent(baseOffset: 1000)
        var batches: [(offset: Int64, position: Int, timestamp: Int64)] = []
        var generator = PRNG(seed: 42)
        for _ in 0..<3000 {
            var header = RecordBatchHeader()
            header.baseOffset = content.nextOffset
            header.lastOffsetDelta = Int32.random(in: 0..<20, using: &generator)
            header.recordCount = header.lastOffsetDelta + 1
            header.batchLength = Int32.random(in: 49..<3000, using: &generator)
            header.maxTimestamp = Int64.random(in: 0..<1_000_000, using: &generator)
            batches.append((header.baseOffset, content.byteCount, header.maxTimestamp))
            content.append(header)
        }
        #expect(content.index.entryCount > 100)
        #expect(content.index.entryCount < batches.count / 4)
        for batch in batches {
            let found = content.index.position(before: batch.offset)
            #expect(found <= batch.position)
            #expect(batch.position - found < Limits.logIndexIntervalBytes + 3012)
        }
        for timestamp in stride(from: Int64(0), to: 1_000_000, by: 9973) {
            let found = content.index.position(beforeTimestamp: timestamp)
            let first = batches.first { $0.timestamp >= timestamp }
            if let first { #expect(found <= first.position) }
        }
    }
}
