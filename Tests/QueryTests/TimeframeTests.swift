import Base
import Model
import Testing

@testable import Query

/// Timeframes and intervals: the examples of the Keen API, and what holds of all of them.
@Suite struct TimeframeTests {
    private func time(_ text: String) throws -> Timestamp {
        try #require(Timestamp(iso8601: text.utf8))
    }

    private func range(
        _ timeframe: String, now: String, zone: Zone = .utc
    ) throws -> [String] {
        let range = try Timeframe(relative: timeframe).range(now: time(now), zone: zone)
        return [range.lowerBound.description, range.upperBound.description]
    }

    @Test(arguments: [
        // A Friday.
        ("previous_3_days", "2020-05-05T00:00:00.000Z", "2020-05-08T00:00:00.000Z"),
        ("this_3_days", "2020-05-06T00:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("this_1_day", "2020-05-08T00:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("today", "2020-05-08T00:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("yesterday", "2020-05-07T00:00:00.000Z", "2020-05-08T00:00:00.000Z"),
        ("this_week", "2020-05-03T00:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("previous_week", "2020-04-26T00:00:00.000Z", "2020-05-03T00:00:00.000Z"),
        ("last_2_months", "2020-03-01T00:00:00.000Z", "2020-05-01T00:00:00.000Z"),
        ("previous_year", "2019-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"),
        ("this_2_years", "2019-01-01T00:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("previous_90_minutes", "2020-05-08T08:00:00.000Z", "2020-05-08T09:30:00.000Z"),
        ("this_hour", "2020-05-08T09:00:00.000Z", "2020-05-08T09:30:15.250Z"),
        ("previous_4_hours", "2020-05-08T05:00:00.000Z", "2020-05-08T09:00:00.000Z"),
    ])
    func relative(text: String, start: String, end: String) throws {
        #expect(try range(text, now: "2020-05-08T09:30:15.250Z") == [start, end])
    }

    @Test func boundariesFollowTheZone() throws {
        let zone = try ZoneTests.zone("America/New_York")
        // Sunday 8 March 2020 has 23 hours there.
        #expect(
            try range("previous_day", now: "2020-03-09T12:00:00Z", zone: zone)
                == ["2020-03-08T05:00:00.000Z", "2020-03-09T04:00:00.000Z"])
        #expect(
            try range("previous_month", now: "2020-03-31T03:59:59Z", zone: zone)
                == ["2020-02-01T05:00:00.000Z", "2020-03-01T05:00:00.000Z"])
        let fixed = Zone(fixedSeconds: -28800)
        #expect(
            try range("this_day", now: "2020-07-01T07:59:59Z", zone: fixed)
                == ["2020-06-30T08:00:00.000Z", "2020-07-01T07:59:59.000Z"])
    }

    @Test(arguments: [
        "", "this", "this_", "this_0_days", "this_-1_days", "this_+1_days", "this_1.5_days",
        "next_day", "this_day_3", "this_3_3_days", "this_3_dayss", "this_3_decades", "THIS_DAY",
        "this_99999999999999999999_days", "previous_10001_years", "this_١_days", " this_day",
    ])
    func otherWordsAreRefused(text: String) {
        #expect(throws: QueryError.self) { try Timeframe(relative: text) }
    }

    @Test func absolute() throws {
        let now = try time("2020-05-08T00:00:00Z")
        let zone = try ZoneTests.zone("Europe/London")
        func range(_ start: String?, _ end: String?) throws -> [String] {
            let range = try Timeframe(start: start, end: end).range(now: now, zone: zone)
            return [range.lowerBound.description, range.upperBound.description]
        }
        // Without a zone the query's own, which is an hour east in summer.
        #expect(
            try range("2020-07-01", "2020-12-01T10:00")
                == ["2020-06-30T23:00:00.000Z", "2020-12-01T10:00:00.000Z"])
        #expect(
            try range("2020-05-01T00:00:00-08:00", nil)
                == ["2020-05-01T08:00:00.000Z", "2020-05-08T00:00:00.000Z"])
        #expect(try range(nil, "2020-05-01T00:00:00Z")[0] == "0001-01-01T00:00:00.000Z")
        #expect(try range("2030-01-01", nil)[1] == "2030-01-01T00:00:00.000Z")
        #expect(throws: QueryError.self) { try range("2020-05-02", "2020-05-01") }
        #expect(throws: QueryError.self) { try range(nil, nil) }
        #expect(throws: QueryError.self) { try range("yesterday", nil) }
    }

    @Test func namedIntervalsSnapAndClip() throws {
        let start = try time("2019-01-03T05:00:00Z")
        let end = try time("2019-01-20T12:00:00Z")
        let weeks = try Interval("weekly").boundaries(of: start..<end, zone: .utc)
        #expect(
            weeks.map(\.description) == [
                "2019-01-03T05:00:00.000Z", "2019-01-06T00:00:00.000Z", "2019-01-13T00:00:00.000Z",
                "2019-01-20T00:00:00.000Z", "2019-01-20T12:00:00.000Z",
            ])
        let every = try Interval("every_8_days").boundaries(of: start..<end, zone: .utc)
        #expect(
            every.map(\.description) == [
                "2019-01-03T05:00:00.000Z", "2019-01-11T05:00:00.000Z", "2019-01-19T05:00:00.000Z",
                "2019-01-20T12:00:00.000Z",
            ])
        let months = try Interval("every_1_months").boundaries(
            of: time("2019-01-31T00:00:00Z")..<time("2019-05-01T00:00:00Z"), zone: .utc)
        #expect(
            months.map { $0.description.prefix(10) } == [
                "2019-01-31", "2019-02-28", "2019-03-31", "2019-04-30", "2019-05-01",
            ])
        #expect(try Interval("daily").boundaries(of: start..<start, zone: .utc) == [])
    }

    @Test func daysOfLocalTimeHaveTwentyThreeAndTwentyFiveHours() throws {
        let zone = try ZoneTests.zone("America/New_York")
        func hours(_ interval: String, _ start: String, _ end: String) throws -> [Int64] {
            let times = try Interval(interval).boundaries(of: time(start)..<time(end), zone: zone)
            return zip(times, times.dropFirst()).map {
                ($1.milliseconds - $0.milliseconds) / 3_600_000
            }
        }
        let spring = ("2020-03-07T05:00:00Z", "2020-03-10T04:00:00Z")
        let autumn = ("2020-10-31T04:00:00Z", "2020-11-03T05:00:00Z")
        #expect(try hours("daily", spring.0, spring.1) == [24, 23, 24])
        #expect(try hours("every_1_day", spring.0, spring.1) == [24, 23, 24])
        #expect(try hours("daily", autumn.0, autumn.1) == [24, 25, 24])
        #expect(try hours("hourly", spring.0, spring.1) == [Int64](repeating: 1, count: 71))
        #expect(try hours("hourly", autumn.0, autumn.1) == [Int64](repeating: 1, count: 73))
        #expect(try hours("every_24_hours", autumn.0, autumn.1) == [24, 24, 24, 1])
    }

    /// Whatever the interval, zone and range: ascending, without holes, ends included, and each
    /// named bucket lies in one unit.
    @Test(arguments: ZoneTests.odd)
    func bucketsCoverTheRange(name: String) throws {
        let zone = try ZoneTests.zone(name)
        let seed: UInt64 = 41
        var random = PRNG(seed: seed)
        for _ in 0..<120 {
            let unit = TimeUnit.allCases[Int(random.next() % 6)]
            let length: Int64 =
                switch unit {
                case .minute: 60
                case .hour: 3600
                case .day: 86_400
                case .week: 604_800
                case .month: 2_700_000
                case .year: 31_600_000
                }
            let start = Int64.random(in: -1_000_000_000_000...3_000_000_000_000, using: &random)
            let end = start + Int64.random(in: 1...length * 40_000, using: &random)
            let range = Timestamp(milliseconds: start)..<Timestamp(milliseconds: end)
            let count = Int.random(in: 1...5, using: &random)
            for interval in [Interval.calendar(unit), .every(count: count, unit)] {
                let times = try interval.boundaries(of: range, zone: zone)
                let note = "\(name), \(interval), \(range), seed \(seed)"
                #expect(
                    times.first == range.lowerBound && times.last == range.upperBound, "\(note)")
                #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "\(note)")
                guard case .calendar = interval else { continue }
                for (begin, end) in zip(times, times.dropFirst()) {
                    let last = Timestamp(milliseconds: end.milliseconds - 1)
                    #expect(
                        zone.start(of: unit, at: begin) == zone.start(of: unit, at: last),
                        "\(note)")
                }
            }
        }
    }

    @Test func tooManyBucketsAreAnError() throws {
        let range = try time("2019-01-01T00:00:00Z")..<time("2019-01-08T00:00:00Z")
        let error = #expect(throws: QueryError.self) {
            try Interval("minutely").boundaries(of: range, zone: .utc)
        }
        #expect(error?.message.contains("10000") == true)
        for text in ["", "day", "every_day", "every_0_days", "every_2_dayss_", "every_-1_days"] {
            #expect(throws: QueryError.self, "\(text)") { try Interval(text) }
        }
    }
}
