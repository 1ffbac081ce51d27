// The rule at the end of a TZif file: what a zone does every year after its table ends. Its text is
// the TZ variable of POSIX with the extensions of RFC 8536 3.3.1:
//
//   std offset [dst [offset] , start [/time] , end [/time]]      EST5EDT,M3.2.0,M11.1.0
//
// Offsets count west of UTC, as POSIX has it; here they are turned to east. A day is `Jn` (1 to
// 365, 29 February never counted), `n` (0 to 365, counted) or `Mm.w.d` (month, week 1 to 5 where 5
// is the last, weekday with Sunday 0). Times run from -167 to 167 hours and default to 02:00.

internal import Model

/// Standard time the whole year, or daylight saving time between two days of every year.
struct DaylightRule: Sendable, Equatable {
    /// A day of the year as the rule writes it, and the time of that day.
    struct Change: Sendable, Equatable {
        var day: Day
        var secondOfDay: Int
    }

    enum Day: Sendable, Equatable {
        case julianWithoutLeapDay(Int)
        case zeroBased(Int)
        case weekday(month: Int, week: Int, weekday: Int)
    }

    struct Daylight: Sendable, Equatable {
        var seconds: Int
        var start: Change
        var end: Change
    }

    /// East of UTC.
    var standardSeconds: Int
    var daylight: Daylight?
}

extension DaylightRule {
    /// Where the offset changes, and to what, in the years around `second`, ascending. A range of
    /// five years, because a rule's time may reach a week into a neighbouring year, and because the
    /// caller wants the change before and the one after.
    func changes(around second: Int64) -> [(instant: Int64, offsetSeconds: Int)] {
        guard let daylight else { return [] }
        // Beyond year 0 to 10,000 no event exists; the clamp keeps the arithmetic small.
        let bounded = min(max(second, -62_200_000_000), 253_500_000_000)
        let year = CivilDate(daysSinceEpoch: bounded.floorDivided(by: 86_400)).year
        var changes: [(instant: Int64, offsetSeconds: Int)] = []
        for year in year - 2...year + 2 {
            let start = daylight.start.localSecond(year: year) - Int64(standardSeconds)
            let end = daylight.end.localSecond(year: year) - Int64(daylight.seconds)
            changes.append((start, daylight.seconds))
            changes.append((end, standardSeconds))
        }
        // Where one year's end and the next year's start fall together (daylight saving time all
        // year), the start has the last word.
        changes.sort {
            $0.instant != $1.instant
                ? $0.instant < $1.instant
                : $0.offsetSeconds == standardSeconds && $1.offsetSeconds != standardSeconds
        }
        return changes
    }
}

extension DaylightRule.Change {
    /// The change by the local clock, as seconds since the epoch by that clock.
    func localSecond(year: Int) -> Int64 {
        day.daysSinceEpoch(year: year) * 86_400 + Int64(secondOfDay)
    }
}

extension DaylightRule.Day {
    func daysSinceEpoch(year: Int) -> Int64 {
        let newYear = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        switch self {
        case .zeroBased(let day):
            return newYear + Int64(day)
        case .julianWithoutLeapDay(let day):
            let isLeap = CivilDate.daysInMonth(year: year, month: 2) == 29
            return newYear + Int64(isLeap && day >= 60 ? day : day - 1)
        case .weekday(let month, let week, let weekday):
            let first = CivilDate(year: year, month: month, day: 1)
            let offset = (weekday - first.dayOfWeek).floorModulo(7)
            let day = 1 + offset + (week - 1) * 7
            let last = CivilDate.daysInMonth(year: year, month: month)
            return first.daysSinceEpoch + Int64((day > last ? day - 7 : day) - 1)
        }
    }
}

extension DaylightRule {
    /// `nil` for text that is no rule.
    init?(parsing text: some Collection<UInt8>) {
        var scanner = RuleScanner(bytes: Array(text))
        guard scanner.skipName(), let west = scanner.time(hoursMax: 24) else { return nil }
        self.init(standardSeconds: -west, daylight: nil)
        if scanner.isAtEnd { return }
        guard scanner.skipName() else { return nil }
        var seconds = standardSeconds + 3600
        if scanner.peek != UInt8(ascii: ",") {
            guard let west = scanner.time(hoursMax: 24) else { return nil }
            seconds = -west
        }
        guard scanner.skip(","), let start = scanner.change(), scanner.skip(","),
            let end = scanner.change(), scanner.isAtEnd
        else { return nil }
        daylight = Daylight(seconds: seconds, start: start, end: end)
    }
}

/// Reads the pieces of a rule.
private struct RuleScanner {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }
    var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Three or more letters, or `<...>`.
    mutating func skipName() -> Bool {
        let start = position
        if skip("<") {
            while let byte = peek, byte != UInt8(ascii: ">") { position += 1 }
            return skip(">")
        }
        while let byte = peek, (0x61...0x7A).contains(byte | 0x20) { position += 1 }
        return position - start >= 3
    }

    /// One to three digits.
    mutating func number() -> Int? {
        var value = 0
        var digits = 0
        while let byte = peek, byte >= 0x30, byte <= 0x39, digits < 3 {
            value = value * 10 + Int(byte - 0x30)
            digits += 1
            position += 1
        }
        return digits > 0 ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(hoursMax: Int) -> Int? {
        let sign = skip("-") ? -1 : 1
        if sign == 1 { _ = skip("+") }
        guard let hours = number(), hours <= hoursMax else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] {
            guard skip(":") else { break }
            guard let value = number(), value <= 59 else { return nil }
            seconds += value * unit
        }
        return sign * seconds
    }

    mutating func change() -> DaylightRule.Change? {
        guard let day = day() else { return nil }
        guard skip("/") else { return .init(day: day, secondOfDay: 7200) }
        guard let time = time(hoursMax: 167) else { return nil }
        return .init(day: day, secondOfDay: time)
    }

    private mutating func day() -> DaylightRule.Day? {
        if skip("J") {
            guard let day = number(), (1...365).contains(day) else { return nil }
            return .julianWithoutLeapDay(day)
        }
        if skip("M") {
            guard let month = number(), (1...12).contains(month), skip("."),
                let week = number(), (1...5).contains(week), skip("."),
                let weekday = number(), (0...6).contains(weekday)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
        guard let day = number(), (0...365).contains(day) else { return nil }
        return .zeroBased(day)
    }
}
