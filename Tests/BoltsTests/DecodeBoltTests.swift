// What the decode bolt does beside decoding: it covers every offset, and keeps batches small.

import Base
import Columns
import LogClient
import Logging
import Model
import Testing
import Topology
import Wire

@testable import Bolts

@Suite struct DecodeBoltTests {
    private func decode(_ stretch: RecordStretch) async throws -> [EventStretch] {
        let context = TaskContext(
            component: "decode", partition: 3,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var bolt = DecodeBolt(context, metrics: WorkerMetrics())
        var machine = TopologyMachine(try oneBolt())
        machine.assign(3, now: .zero)
        machine.wake(3)
        guard case .poll(let lane)? = machine.takeActions().last else { return [] }
        let batch = SpoutBatch(
            fromOffset: stretch.fromOffset, toOffset: stretch.toOffset,
            payload: EventTuple.records(stretch))
        machine.polled(lane, batch, now: .zero)
        guard case .execute(_, .tuple(let tuple))? = machine.takeActions().first else { return [] }
        var output = OutputCollector<EventTuple>()
        try await bolt.execute(tuple, into: &output)
        return output.emissions.compactMap { emission in
            if case .events(let stretch) = emission.payload { stretch } else { nil }
        }
    }

    /// A topology whose only use is to make a tuple.
    private func oneBolt() throws -> Topology<EventTuple> {
        try Topology(
            name: "test", spout: SpoutDeclaration("s", emits: "r", pendingBatchesMax: 1),
            bolts: [
                BoltDeclaration("decode", reads: [Subscription("s", "r", by: .partition)]) {
                    DecodeBolt($0, metrics: WorkerMetrics())
                }
            ])
    }

    private func record(_ offset: Int64, _ value: String) -> LogRecord {
        LogRecord(
            topic: "t", partition: 3, offset: offset, timestampMilliseconds: 1000 - offset,
            key: Array("p/c".utf8), value: Array(value.utf8))
    }

    private static let keen = #""keen":{"timestamp":"2024-01-01T00:00:00Z"}"#

    @Test("a stretch without a single event covers its offsets all the same")
    func coversRecordsThatAreNoEvents() async throws {
        let stretches = try await decode(
            RecordStretch(
                fromOffset: 5, toOffset: 20, records: [record(7, "nothing"), record(12, "[]")]))
        #expect(stretches.map { $0.fromOffset..<$0.toOffset } == [5..<20])
        #expect(stretches[0].events.parts.allSatisfy { $0.rows.rowCount == 0 })
        #expect(stretches[0].oldestMilliseconds == 988)
        let empty = RecordStretch(fromOffset: 5, toOffset: 9, records: [])
        #expect(try await decode(empty).map { $0.fromOffset..<$0.toOffset } == [5..<9])
    }

    @Test("a control record goes alone, between what came before it and what comes after")
    func controlRecordsGoAlone() async throws {
        let bytes = ControlCommand.deleteCollection.encoded
        func control(_ offset: Int64, _ value: [UInt8]) -> LogRecord {
            LogRecord(
                topic: "t", partition: 3, offset: offset, timestampMilliseconds: 1,
                key: Array("p/c".utf8), value: value)
        }
        let event = "{\(Self.keen)}"
        let stretches = try await decode(
            RecordStretch(
                fromOffset: 5, toOffset: 20,
                records: [
                    record(6, event), control(9, bytes), control(10, bytes), record(11, event),
                    control(12, bytes.dropLast()), record(13, event),
                ]))
        #expect(stretches.map { $0.fromOffset..<$0.toOffset } == [5..<9, 9..<10, 10..<11, 11..<20])
        #expect(stretches.map { $0.control?.bytes } == [nil, bytes, bytes, nil])
        let rows = stretches.map { $0.events.parts.map(\.rows.rowCount).reduce(0, +) }
        #expect(rows == [1, 0, 0, 2])
    }

    @Test("a record beyond the limit is skipped, and its neighbours are kept")
    func skipsHugeRecords() async throws {
        let huge =
            #"{"a":"\#(String(repeating: "x", count: Limits.recordBytesMax))",\#(Self.keen)}"#
        let small = "{\(Self.keen)}"
        let stretches = try await decode(
            RecordStretch(
                fromOffset: 0, toOffset: 3,
                records: [record(0, small), record(1, huge), record(2, small)]))
        #expect(stretches.map { $0.fromOffset..<$0.toOffset } == [0..<3])
        #expect(stretches[0].events.parts.map(\.rows.rowCount) == [2])
    }

    /// Thousands of columns a record would make blocks far larger than the JSON they came from.
    @Test("stretches whose blocks would outgrow a frame are cut, without a hole")
    func cutsAtTheFrame() async throws {
        let records = (0..<200).map { offset in
            let members = (0..<1_000).map { "\"\(offset)x\($0)\":1," }.joined()
            return record(Int64(offset), "{\(members)\(Self.keen)}")
        }
        let stretches = try await decode(
            RecordStretch(fromOffset: 0, toOffset: 210, records: records))
        #expect(stretches.count > 1)
        #expect(stretches.first?.fromOffset == 0 && stretches.last?.toOffset == 210)
        #expect(zip(stretches, stretches.dropFirst()).allSatisfy { $0.toOffset == $1.fromOffset })
        let rows = stretches.flatMap { $0.events.parts.map(\.rows.rowCount) }.reduce(0, +)
        #expect(rows == 200)
        for stretch in stretches {
            let bytes = stretch.events.blocks().reduce(0) { $0 + $1.bytes.count }
            #expect(bytes < Limits.rpcFrameBytesMax / 2)
        }
    }
}

/// A store's answer decides what happens to the batch.
@Suite struct StoreVerdictTests {
    @Test func eachOutcome() {
        #expect(StoreVerdict(ApplyOutcome.applied(next: 5)) == .done)
        #expect(StoreVerdict(ApplyOutcome.alreadyApplied(next: 9)) == .done)
        #expect(StoreVerdict(ApplyOutcome.gap(next: 2)) == .replay(from: 2))
    }
}
