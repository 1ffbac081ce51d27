// One partition's spout: contiguous batches over gaps, backpressure, seeks, commits.

import Base
import Testing
import Topology

private struct Record: SpoutRecord, Equatable {
    var offset: Int64
    var byteCount = 10
}

private func records(_ offsets: [Int64]) -> [Record] { offsets.map { Record(offset: $0) } }

private func reading(from offset: Int64, limits: SpoutLimits = SpoutLimits()) -> SpoutPartition<
    Record
> {
    var spout = SpoutPartition<Record>(limits: limits, seed: 1)
    _ = spout.begin()
    _ = spout.located(ticket: 1, applied: offset, earliest: 0, end: 1000)
    _ = spout.sought(ticket: 2)
    #expect(spout.isReading)
    return spout
}

@Suite struct SpoutPartitionTests {
    @Test("it starts where the store stands, and not before the consumer is there")
    func start() {
        var spout = SpoutPartition<Record>(limits: SpoutLimits(), seed: 1)
        #expect(spout.begin() == [.locate(ticket: 1, after: .zero)])
        #expect(
            spout.located(ticket: 1, applied: 40, earliest: 10, end: 100)
                == [.seek(ticket: 2, to: 40, after: .zero)])
        #expect(spout.received(records([40])) == [], "still what was fetched before the seek")
        #expect(spout.sought(ticket: 1) == [])
        #expect(!spout.isReading)
        _ = spout.sought(ticket: 2)
        #expect(spout.received(records([40, 41])) == [.wake])
        let batch = spout.nextBatch().batch
        #expect(batch?.fromOffset == 40 && batch?.toOffset == 42)
    }

    @Test("batches are contiguous although offsets have gaps, and cut at the record bound")
    func contiguous() {
        var spout = reading(from: 5, limits: SpoutLimits(batchRecordsMax: 2))
        _ = spout.received(records([7, 8, 20, 21, 30]))
        var ranges: [Range<Int64>] = []
        while let batch = spout.nextBatch().batch {
            ranges.append(batch.fromOffset..<batch.toOffset)
        }
        #expect(ranges == [5..<9, 9..<22, 22..<31])
    }

    @Test("offsets without records at the end of the log are covered by a batch of none")
    func coversTheEnd() {
        var spout = reading(from: 5)
        #expect(spout.reachedEnd(5) == [], "nothing new")
        _ = spout.received(records([5, 6]))
        #expect(spout.reachedEnd(9) == [.wake])
        #expect(spout.nextBatch().batch?.toOffset == 7)
        let last = spout.nextBatch().batch
        #expect(last?.fromOffset == 7 && last?.toOffset == 9 && last?.payload.isEmpty == true)
        #expect(spout.nextBatch().batch == nil)
        _ = spout.received(records([9]))
        #expect(spout.nextBatch().batch?.fromOffset == 9)
    }

    @Test("answers to tickets of an assignment before mean nothing")
    func oldTickets() {
        var first = SpoutPartition<Record>(limits: SpoutLimits(), seed: 1)
        _ = first.begin()
        var second = SpoutPartition<Record>(
            limits: SpoutLimits(), seed: 1, ticketsAfter: first.lastTicket)
        #expect(second.begin() == [.locate(ticket: 2, after: .zero)])
        #expect(second.located(ticket: 1, applied: 0, earliest: 0, end: 9) == [])
    }

    @Test("a batch is cut at the byte bound, but a larger record goes alone")
    func byteBound() {
        var spout = reading(from: 0, limits: SpoutLimits(batchBytesMax: 25))
        _ = spout.received([
            Record(offset: 0, byteCount: 10), Record(offset: 1, byteCount: 15),
            Record(offset: 2, byteCount: 99), Record(offset: 3, byteCount: 1),
        ])
        var counts: [Int] = []
        while let batch = spout.nextBatch().batch { counts.append(batch.payload.count) }
        #expect(counts == [2, 1, 1])
    }

    @Test("the consumer pauses above the high mark and goes on below the low mark")
    func pauses() {
        let limits = SpoutLimits(batchRecordsMax: 2, bufferHighBytes: 50, bufferLowBytes: 20)
        var spout = reading(from: 0, limits: limits)
        #expect(spout.received(records([0, 1, 2, 3])) == [.wake])
        #expect(spout.received(records([4])) == [.pause, .wake])
        #expect(spout.received(records([5])) == [.wake], "paused once")
        #expect(spout.nextBatch().actions == [])
        #expect(spout.nextBatch().actions == [.resume])
    }

    @Test("records delivered twice are taken once")
    func duplicates() {
        var spout = reading(from: 0)
        _ = spout.received(records([0, 1]))
        _ = spout.received(records([0, 1, 2]))
        #expect(spout.nextBatch().batch?.payload == records([0, 1, 2]))
    }

    @Test("after a gap it goes back at once, then with growing waits, and forgets what it had")
    func gap() throws {
        var spout = reading(from: 10)
        _ = spout.received(records([10, 11, 12]))
        #expect(spout.failed(replayFrom: 3) == [.seek(ticket: 3, to: 3, after: .zero)])
        #expect(spout.nextBatch().batch == nil)
        _ = spout.sought(ticket: 3)
        _ = spout.received(records([4]))
        let batch = spout.nextBatch().batch
        #expect(batch?.fromOffset == 3 && batch?.toOffset == 5)
        guard case .seek(_, _, let wait) = try #require(spout.failed(replayFrom: 3).first) else {
            Issue.record("no seek")
            return
        }
        #expect(wait > .zero)
    }

    @Test("a failure without an offset asks the store again")
    func relocates() {
        var spout = reading(from: 10)
        #expect(spout.failed(replayFrom: nil) == [.locate(ticket: 3, after: .zero)])
        #expect(spout.located(ticket: 1, applied: 0, earliest: 0, end: 9) == [], "an old answer")
    }

    @Test("what retention took is reported, and the next batch covers the hole")
    func lost() {
        var spout = SpoutPartition<Record>(limits: SpoutLimits(), seed: 1)
        _ = spout.begin()
        let actions = spout.located(ticket: 1, applied: 5, earliest: 50, end: 60)
        #expect(actions == [.lost(5..<50), .seek(ticket: 2, to: 50, after: .zero)])
        _ = spout.sought(ticket: 2)
        _ = spout.received(records([50]))
        let batch = spout.nextBatch().batch
        #expect(batch?.fromOffset == 5 && batch?.toOffset == 51)
    }

    @Test("a log that ends before the applied offset is reported and asked again, never read")
    func logEndsEarly() {
        var spout = SpoutPartition<Record>(limits: SpoutLimits(), seed: 1)
        _ = spout.begin()
        let actions = spout.located(ticket: 1, applied: 50, earliest: 0, end: 7)
        #expect(actions.first == .logEndsEarly(applied: 50, end: 7))
        #expect(!spout.isReading)
    }

    @Test("it commits what was applied, once, at most every interval, and at once when forced")
    func commits() {
        var spout = reading(from: 10)
        #expect(spout.takeCommit(now: .zero) == 10)
        #expect(spout.takeCommit(now: .seconds(9)) == nil)
        spout.acked(toOffset: 12)
        #expect(spout.takeCommit(now: .seconds(9)) == 12)
        spout.acked(toOffset: 13)
        #expect(spout.takeCommit(now: .milliseconds(9500)) == nil)
        #expect(spout.takeCommit(now: .milliseconds(9500), force: true) == 13)
    }
}
