// When an offset was appended, by the server's clock.

import Base
import KafkaWire
import Testing

@testable import LogServer

@Suite struct AppendTimeTests {
    /// An entry for every second, however many batches, and none for the past.
    @Test func entriesComeBySecondAndSize() {
        var times = AppendTimes()
        for (offset, time) in [(0, 5000), (1, 5500), (2, 5999), (3, 6000), (4, 6001), (5, 100)] {
            times.note(offset: Int64(offset), byteCount: 10, time: Int64(time))
        }
        #expect(times.entries.map(\.offset) == [0, 3])
        #expect([-1, 0, 2, 3, 9].map { times.time(of: $0) } == [nil, 5000, 5000, 6000, 6000])
        times.note(offset: 6, byteCount: Limits.logAppendTimeIntervalBytes, time: 6100)
        times.note(offset: 7, byteCount: 10, time: 6200)
        #expect(times.entries.last == .init(offset: 7, time: 6200))
    }

    /// The list is bounded; old entries get coarser, and stay right.
    @Test func theListIsBounded() throws {
        var times = AppendTimes()
        for index in Int64(0)..<20_000 {
            times.note(offset: index, byteCount: 100, time: index * 1000)
        }
        #expect(times.entries.count <= Limits.logAppendTimesMax)
        for offset in stride(from: Int64(0), to: 20_000, by: 97) {
            let time = try #require(times.time(of: offset))
            #expect(time <= offset * 1000 && time >= (offset - 16) * 1000)
        }
        var writer = ByteWriter()
        times.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try AppendTimes(from: &reader).entries == times.entries)
    }

    /// Times survive a stop and a kill, in closed segments and in the last one; what a kill took is
    /// guessed from the records, never later than now.
    @Test func timesSurvive() throws {
        let size = batch(["00"]).count
        let disk = MemoryDisk()
        func open(_ disk: MemoryDisk) throws -> PartitionLog {
            try openLog(disk, segmentBytes: 3 * size)
        }
        let log = try open(disk)
        for index in Int64(0)..<8 {
            _ = log.append(try checked(batch(["\(10 + index)"])), now: 1000 + index * 1000)
            #expect(log.sync())
        }
        let expected = (Int64(0)..<8).map { 1000 + $0 * 1000 }
        #expect((Int64(0)..<8).map { log.appendTime(of: $0) } == expected)
        #expect(log.appendTime(of: 8) == nil)
        let killed = try open(disk.copy())
        #expect((Int64(0)..<6).map { killed.appendTime(of: $0) } == Array(expected.prefix(6)))
        // The records say 1000; the snapshot at the segment's beginning knows of 6000.
        #expect([6, 7].map { killed.appendTime(of: $0) } == [6000, 6000])
        log.close()
        let stopped = try open(disk.copy())
        #expect((Int64(0)..<8).map { stopped.appendTime(of: $0) } == expected)
        #expect(stopped.trim(to: 2) == .none)
        #expect(stopped.appendTime(of: 0) == 3000)
    }

    /// What the admin port is given.
    @Test func theServerTells() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let before = wallClockMilliseconds()
            _ = try client.produce("t", 0, batch(["a"], timestamp: 5))
            let times = try await server.server.appendTimes(of: [
                LogPlace(topic: "t", partition: 0, offset: 0),
                LogPlace(topic: "t", partition: 0, offset: 1),
                LogPlace(topic: "t", partition: 9, offset: 0),
                LogPlace(topic: "none", partition: 0, offset: 0),
            ])
            #expect(try #require(times[0]) >= before)
            #expect(times[1...].allSatisfy { $0 == nil })
        }
    }
}
