import Base
import Model
import Testing

@testable import Query

/// Local time against tables that another implementation computed, and against slow searches
/// through the zone's own offsets.
@Suite struct ZoneTests {
    static func zone(_ name: String) throws -> Zone {
        let bytes = try #require(try LocalDisk().read("/usr/share/zoneinfo/\(name)"))
        return try Zone(timeZoneFile: bytes)
    }

    private func instant(_ second: Int64) -> Timestamp { Timestamp(milliseconds: second * 1000) }

    @Test(arguments: zoneTable.keys.sorted())
    func unitsBeginWhereAnotherImplementationSays(name: String) throws {
        let zone = try Self.zone(name)
        for row in try #require(zoneTable[name]) {
            let now = instant(row[0])
            #expect(zone.offsetSeconds(at: row[0]) == Int(row[1]), "\(name) \(row[0])")
            #expect(zone.start(of: .day, at: now) == instant(row[2]), "\(name) \(row[0])")
            #expect(zone.startOfNext(.day, after: now) == instant(row[3]), "\(name) \(row[0])")
            #expect(zone.start(of: .week, at: now) == instant(row[4]), "\(name) \(row[0])")
            #expect(zone.start(of: .month, at: now) == instant(row[5]), "\(name) \(row[0])")
            #expect(zone.start(of: .year, at: now) == instant(row[6]), "\(name) \(row[0])")
        }
    }

    /// Zones whose clocks do odd things: a skipped day, half an hour, midnight twice.
    static let odd = [
        "Pacific/Apia", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "America/St_Johns",
        "Europe/Dublin", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Kathmandu",
        "Antarctica/Troll", "America/New_York", "Pacific/Kiritimati",
    ]

    /// What must hold of every unit at every instant.
    @Test(arguments: odd)
    func unitsCoverTimeWithoutHoles(name: String) throws {
        let zone = try Self.zone(name)
        let seed: UInt64 = 31
        var random = PRNG(seed: seed)
        for _ in 0..<200 {
            var second = Int64.random(in: -2_000_000_000...4_500_000_000, using: &random)
            // Half of them next to a change of the offset.
            let period = zone.period(at: second)
            if random.next() % 2 == 0, period.end < 4_500_000_000 {
                second = period.end + Int64.random(in: -90_000...90_000, using: &random)
            }
            let now = Timestamp(
                milliseconds: second * 1000 + Int64.random(in: 0...999, using: &random))
            for unit in TimeUnit.allCases {
                let note = "\(name), \(unit), \(now), seed \(seed)"
                let start = zone.start(of: unit, at: now)
                let next = zone.startOfNext(unit, after: now)
                #expect(start <= now && now < next, "\(note)")
                #expect(zone.start(of: unit, at: start) == start, "\(note)")
                #expect(zone.start(of: unit, at: next) == next, "\(note)")
                #expect(zone.startOfNext(unit, after: start) == next, "\(note)")
                let last = Timestamp(milliseconds: next.milliseconds - 1)
                #expect(zone.start(of: unit, at: last) == start, "\(note)")
                #expect(zone.start(of: unit, at: now, back: 0) == start, "\(note)")
                let before = Timestamp(milliseconds: start.milliseconds - 1)
                if unit.elapsedSeconds == nil, unit != .day {
                    #expect(
                        zone.start(of: unit, at: now, back: 1) == zone.start(of: unit, at: before),
                        "\(note)")
                }
            }
        }
    }

    /// The earliest instant at which the local clock reads a time or a later one.
    @Test(arguments: odd)
    func localTimesMapToTheEarliestInstant(name: String) throws {
        let zone = try Self.zone(name)
        var random = PRNG(seed: 32)
        for _ in 0..<80 {
            var second = Int64.random(in: -2_000_000_000...4_500_000_000, using: &random)
            let period = zone.period(at: second)
            if random.next() % 2 == 0, period.end < 4_500_000_000 {
                second = period.end + Int64.random(in: -7200...7200, using: &random)
            }
            let local = zone.localMilliseconds(at: instant(second))
            let found = zone.instant(localMilliseconds: local)
            #expect(found <= instant(second), "\(name) \(second)")
            #expect(zone.localMilliseconds(at: found) >= local, "\(name) \(second)")
            // Nothing earlier does, within the reach of any change.
            for step in stride(from: Int64(60), through: 26 * 3600, by: 60) {
                let earlier = Timestamp(milliseconds: found.milliseconds - step * 1000)
                guard zone.localMilliseconds(at: earlier) < local else {
                    Issue.record("\(name): \(earlier) reads \(local) too")
                    break
                }
            }
        }
    }

    @Test func damagedFilesAreErrorsOrZones() throws {
        let whole = try #require(try LocalDisk().read("/usr/share/zoneinfo/Europe/Dublin"))
        for count in stride(from: 0, to: whole.count, by: 7) {
            _ = try? Zone(timeZoneFile: Array(whole.prefix(count)))
        }
        let seed: UInt64 = 33
        var random = PRNG(seed: seed)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let zone = try? Zone(timeZoneFile: bytes) else { continue }
            for second in [Int64(-62_135_596_800), 0, 1_700_000_000, 253_402_300_799] {
                _ = zone.start(of: .day, at: instant(second))
                _ = zone.start(of: .hour, at: instant(second))
                _ = zone.startOfNext(.hour, after: instant(second))
                _ = zone.iso8601(instant(second))
            }
        }
    }
}
