// The windows of the statistics, and the report that people and programs read.

import JSON
import Synchronization
import Testing

@testable import Topology

private struct Pass: Bolt {
    mutating func execute(
        _ tuple: Tuple<RowBatch>, into output: inout OutputCollector<RowBatch>
    ) async throws {}
}

private func statistics() throws -> TopologyStatistics {
    let topology = try Topology<RowBatch>(
        name: "t", spout: SpoutDeclaration("s", emits: "r", pendingBatchesMax: 1),
        bolts: [
            BoltDeclaration("b", reads: [Subscription("s", "r", by: .shuffle)], parallelism: 2) {
                _ in Pass()
            }
        ])
    let statistics = TopologyStatistics()
    #expect(statistics.report(now: .zero) == nil, "nothing runs yet")
    statistics.began(topology, now: .zero)
    return statistics
}

private let lane = LaneID(partition: 0, generation: 1)

@Suite struct TopologyStatisticsTests {
    private func execute(
        _ statistics: TopologyStatistics, task: Int = 0, at now: Duration,
        _ result: WorkResult<RowBatch> = .success([])
    ) {
        statistics.executed(
            TaskID(lane: lane, bolt: 0, task: task), result, tuples: 0, took: .milliseconds(10),
            since: now - .milliseconds(40), now: now)
    }

    @Test("each window forgets what is older than it, and all time forgets nothing")
    func windows() throws {
        let statistics = try statistics()
        for minute in 0..<(25 * 60) { execute(statistics, at: .seconds(minute * 60)) }
        let report = try #require(statistics.report(now: .seconds(25 * 3600 - 60)))
        let counts = report.components[1].windows.mapValues(\.executed)
        #expect(counts == [.tenMinutes: 10, .threeHours: 180, .day: 1440, .all: 1500])
        let later = try #require(statistics.report(now: .seconds(25 * 3600 + 1800)))
        #expect(later.components[1].windows[.tenMinutes] == Tally())
        #expect(later.components[1].windows[.all]?.executed == 1500)
    }

    @Test("latencies are means, capacity is that of the busiest task since it began")
    func latencies() throws {
        let statistics = try statistics()
        statistics.laneBegan(lane, tasks: [2], now: .zero)
        for second in 1...100 { execute(statistics, task: 0, at: .seconds(second)) }
        execute(statistics, task: 1, at: .seconds(100), .failure(TupleFailure(reason: "broken")))
        let bolt = try #require(statistics.report(now: .seconds(100))?.components[1])
        let tally = try #require(bolt.windows[.tenMinutes])
        #expect((tally.executed, tally.acked, tally.failed) == (101, 100, 1))
        #expect(abs(tally.executeMilliseconds - 10) < 1e-9)
        #expect(abs(tally.processMilliseconds - 40) < 1e-9)
        #expect(abs(bolt.capacity - 0.01) < 1e-9, "a second of a hundred")
        #expect(bolt.tasks == 2 && bolt.lastError?.reason == "broken")
        statistics.laneEnded(lane)
        #expect(statistics.report(now: .seconds(100))?.components[1].tasks == 0)
    }

    @Test("a report comes back from its JSON, and two add up")
    func adding() throws {
        let statistics = try statistics()
        statistics.laneBegan(lane, tasks: [2], now: .zero)
        statistics.spoutEmitted(tuples: 2, now: .seconds(1))
        execute(statistics, at: .seconds(1))
        statistics.spoutAcked(latency: .milliseconds(30), now: .seconds(1))
        statistics.spoutFailed("gap", now: .seconds(2))
        statistics.queued([3])
        let report = try #require(statistics.report(now: .seconds(3)))
        let bytes = report.json.encoded
        var sum = try #require(TopologyReport(json: try JSONValue(parsing: bytes)))
        #expect(sum.json.encoded == bytes)
        sum.add(report)
        #expect(sum.workers == 2 && sum.components.count == 2)
        #expect(sum.components[1].queued == 6 && sum.components[1].tasks == 4)
        let spout = try #require(sum.components[0].windows[.all])
        #expect((spout.emitted, spout.transferred, spout.acked, spout.failed) == (2, 4, 2, 2))
        #expect(abs(spout.processMilliseconds - 30) < 1e-6)
        #expect(TopologyReport(json: ["topology": "x"]) == nil)
    }

    @Test("the table has a line a component, and says what failed last")
    func table() throws {
        let statistics = try statistics()
        statistics.laneBegan(lane, tasks: [2], now: .zero)
        statistics.spoutEmitted(tuples: 1, now: .seconds(1))
        execute(statistics, at: .seconds(1), .failure(TupleFailure(reason: "gap")))
        let text = try #require(statistics.report(now: .seconds(61))).text()
        #expect(
            text == """
                topology t: up 1 min, 1 worker

                Window  Emitted  Transferred  Complete ms  Acked  Failed
                10m           1            1        0.000      0       0
                3h            1            1        0.000      0       0
                1d            1            1        0.000      0       0
                all           1            1        0.000      0       0

                last 10m
                Component  Tasks  Emitted  Transferred  Capacity  Execute ms  Executed  Process ms  \
                Acked  Failed  Queued
                s              1        1            1                                       0.000  \
                    0       0        
                b              2        0            0     0.000      10.000         1       0.000  \
                    0       1       0

                last failures
                b, 1 min ago: gap

                """)
    }
}
