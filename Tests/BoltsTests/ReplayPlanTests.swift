// Where a replay begins, and what it refuses.

import LogClient
import Model
import Testing

@testable import Bolts

@Suite struct ReplayPlanTests {
    private let log = PartitionRange(earliest: 500, latest: 900)
    private let time = ReplayStart.time(Timestamp(milliseconds: 0))

    private func plan(
        _ from: ReplayStart, applied: Int64 = 0, log: PartitionRange? = nil, atTime: Int64? = nil
    ) throws(ReplayError) -> ReplayPart {
        try ReplayPart(2, from: from, log: log ?? self.log, applied: applied, atTime: atTime)
    }

    @Test("an empty shard begins where it is told to, and says what the log has deleted")
    func fresh() throws {
        let all = try plan(.earliest)
        #expect(all.isFresh && all.start == 500 && all.end == 900 && all.missing == 500)
        #expect(try plan(.offset(700)).start == 700)
        #expect(try plan(.offset(700)).missing == 0)
        #expect(try plan(time, atTime: 650).start == 650)
        #expect(try plan(time).start == 900, "nothing is that young: there is nothing to do")
        let whole = PartitionRange(earliest: 0, latest: 9)
        #expect(try plan(time, log: whole, atTime: 0).start == 0)
    }

    @Test("a shard that has something goes on where it stands")
    func goesOn() throws {
        #expect(try plan(.earliest, applied: 600).start == 600)
        #expect(try plan(.offset(550), applied: 600).start == 600)
        #expect(try !plan(.offset(10), applied: 600).isFresh)
    }

    @Test("what the log no longer has, or not yet, is refused, and so is a hole")
    func refusals() {
        #expect(throws: ReplayError.logBeginsLate(2, earliest: 500)) { try plan(.offset(499)) }
        #expect(throws: ReplayError.logBeginsLate(2, earliest: 500)) {
            try plan(time, atTime: 500)
        }
        #expect(throws: ReplayError.logEndsEarly(2, end: 900, wanted: 901)) {
            try plan(.offset(901))
        }
        #expect(throws: ReplayError.wouldLeaveHole(2, applied: 600, start: 700)) {
            try plan(.offset(700), applied: 600)
        }
        #expect(throws: ReplayError.shardOutsideLog(2, applied: 400, log)) {
            try plan(.earliest, applied: 400)
        }
        #expect(throws: ReplayError.shardOutsideLog(2, applied: 901, log)) {
            try plan(.earliest, applied: 901)
        }
    }

    @Test func startsAreRead() {
        #expect(ReplayStart("earliest") == .earliest && ReplayStart("12") == .offset(12))
        #expect(
            ReplayStart("1970-01-01T00:00:01Z") == .time(Timestamp(milliseconds: 1000)))
        #expect(ReplayStart("-1") == nil && ReplayStart("soon") == nil)
    }
}
