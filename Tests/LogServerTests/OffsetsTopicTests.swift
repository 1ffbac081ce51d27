// `__consumer_offsets` keeps the last value of every key and does not grow for ever.

import Base
import KafkaWire
import Synchronization
import TestSupport
import Testing

@testable import LogServer

@Suite struct OffsetsTopicTests {
    private let disk = MemoryDisk()

    private func open() throws -> (PartitionLog, LogWriter, OffsetsTopic) {
        let log = try openLog(disk, segmentBytes: 4 << 20)
        let writer = try LogWriter(
            name: "test-writer", policy: .always, clock: { 1 }, metrics: LogServerMetrics())
        return (log, writer, OffsetsTopic(log: log, writer: writer, clock: { 1 }))
    }

    /// What a replay gives, folded.
    private func contents() async throws -> [[UInt8]: [UInt8]] {
        let (_, writer, topic) = try open()
        var found: [[UInt8]: [UInt8]] = [:]
        try topic.replay { entry in
            guard case .records(let records) = entry else { return }
            for record in records { found[record.key] = record.value }
        }
        await writer.shutdown()
        return found
    }

    @Test func recordsComeBackInOrder() async throws {
        let (_, writer, topic) = try open()
        let codes = Mutex<[KafkaErrorCode]>([])
        topic.append([([1], [1]), ([2], [2])]) { code in codes.withLock { $0.append(code) } }
        topic.append([([1], [9]), ([2], nil)]) { code in codes.withLock { $0.append(code) } }
        topic.append([]) { code in codes.withLock { $0.append(code) } }
        await eventually("all are durable") { codes.withLock { $0.count } == 3 }
        #expect(codes.withLock { $0 } == [.none, .none, .none])
        await writer.shutdown()
        #expect(try await contents() == [[1]: [9]])
    }

    /// Many commits of few keys: the log stays near the size of its contents, and a replay reads
    /// the last values.
    @Test func whatGrewIsWrittenAnew() async throws {
        let (log, writer, topic) = try open()
        let done = Atomic(0)
        let rounds = 400
        for round in 0..<rounds {
            let records: [OffsetsRecord] = (0..<50).map { key in
                ([UInt8(key)], [UInt8](repeating: UInt8(round % 256), count: 1000))
            }
            topic.append(records) { _ in done.add(1, ordering: .relaxed) }
        }
        await eventually("all are durable") { done.load(ordering: .relaxed) == rounds }
        await writer.shutdown()
        #expect(log.logStart > 0, "nothing was removed")
        let written = rounds * 50 * 1000
        #expect(log.byteCount < written / 2)
        let last = UInt8((rounds - 1) % 256)
        let found = try await contents()
        #expect(found.count == 50)
        #expect(found.values.allSatisfy { $0 == [UInt8](repeating: last, count: 1000) })
    }

    /// Large records do not become one enormous batch.
    @Test func theCopyIsInBatchesOfBoundedSize() async throws {
        let (log, writer, topic) = try open()
        let done = Atomic(0)
        for round in UInt8(0)..<8 {
            for key in UInt8(0)..<10 {
                let value = [UInt8](repeating: round, count: 500_000)
                topic.append([([key], value)]) { _ in done.add(1, ordering: .relaxed) }
            }
        }
        await eventually("all are durable") { done.load(ordering: .relaxed) == 80 }
        await writer.shutdown()
        #expect(log.logStart > 0, "nothing was removed")
        var next = log.logStart
        while next < log.logEnd {
            guard
                case .records(let bytes) = log.read(from: next, bytesMax: 0, takesLargeFirst: true)
            else { return #expect(Bool(false), "no records at \(next)") }
            #expect(bytes.count < 2 << 20)
            next = try RecordBatchHeader(bytes[...]).nextOffset
        }
        #expect(try await contents().count == 10)
    }

    /// A crash between writing anew and removing the old records changes nothing.
    @Test func aHalfWrittenCopyReadsTheSame() async throws {
        let (log, writer, topic) = try open()
        let done = Atomic(false)
        topic.append([([1], [1])]) { _ in }
        topic.append([([1], [2]), ([2], [3])]) { _ in done.store(true, ordering: .relaxed) }
        await eventually("durable") { done.load(ordering: .relaxed) }
        // A part of the copy: the same values once more.
        let copy = encodeRecordBatch([Record(key: [1], value: [2])], timestamp: 1)
        try log.add(copy)
        await writer.shutdown()
        #expect(try await contents() == [[1]: [2], [2]: [3]])
    }
}
