// Calendar units in a time zone: where they begin, and what comes n units later.
//
// Days, weeks, months and years are dates of the local calendar, so a day may last 23 or 25 hours.
// Weeks begin on Sunday. Minutes and hours begin where the local clock reads a full minute or
// hour; adding them adds elapsed time. Both hours of a repeated hour are therefore two hours, and
// where clocks move by half an hour one of the hours around the change is longer.

package import Model

/// What timeframes and intervals are counted in.
package enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    case minute, hour, day, week, month, year

    /// The length in seconds of a unit that is a span of elapsed time; nil for dates.
    var elapsedSeconds: Int64? {
        switch self {
        case .minute: 60
        case .hour: 3600
        case .day, .week, .month, .year: nil
        }
    }
}

extension Zone {
    /// The first instant of the unit that `instant` lies in.
    package func start(of unit: TimeUnit, at instant: Timestamp) -> Timestamp {
        if let length = unit.elapsedSeconds {
            return Timestamp(milliseconds: startSecond(at: instant.second, length: length) * 1000)
        }
        return start(of: startDate(of: unit, at: instant))
    }

    /// The first instant of the unit after the one that `instant` lies in.
    package func startOfNext(_ unit: TimeUnit, after instant: Timestamp) -> Timestamp {
        if let length = unit.elapsedSeconds {
            return Timestamp(milliseconds: nextSecond(after: instant.second, length: length) * 1000)
        }
        return start(of: startDate(of: unit, at: instant).adding(1, unit))
    }

    /// The start of the unit that lies `count` units before the one that `instant` lies in.
    package func start(of unit: TimeUnit, at instant: Timestamp, back count: Int) -> Timestamp {
        if let length = unit.elapsedSeconds {
            let start = startSecond(at: instant.second, length: length)
            return Timestamp(
                milliseconds: startSecond(at: start - Int64(count) * length, length: length) * 1000)
        }
        return start(of: startDate(of: unit, at: instant).adding(-count, unit))
    }

    /// The instant `count` units after `instant`: the same local time on another date, or that
    /// much elapsed time. A day that the target month does not have becomes its last.
    package func adding(_ count: Int, _ unit: TimeUnit, to instant: Timestamp) -> Timestamp {
        if let length = unit.elapsedSeconds {
            return Timestamp(milliseconds: instant.milliseconds + Int64(count) * length * 1000)
        }
        let local = localMilliseconds(at: instant)
        let day = local.floorDivided(by: 86_400_000)
        let date = CivilDate(daysSinceEpoch: day).adding(count, unit)
        return self.instant(
            localMilliseconds: date.daysSinceEpoch * 86_400_000 + local - day * 86_400_000)
    }

    /// The date on which the unit begins. Where clocks go back over midnight, the hours that
    /// happen a second time belong to the day that had begun before.
    private func startDate(of unit: TimeUnit, at instant: Timestamp) -> CivilDate {
        var date = date(at: instant)
        while true {
            let next = date.adding(1, .day)
            guard start(of: next) <= instant else { break }
            date = next
        }
        return date.start(of: unit)
    }

    /// The last second up to `second` at which the local clock reads a multiple of `length`.
    private func startSecond(at second: Int64, length: Int64) -> Int64 {
        var second = second
        while true {
            let period = period(at: second)
            let start = second - (second + Int64(period.offsetSeconds)).floorModulo(length)
            if start >= period.start { return start }
            second = period.start - 1
        }
    }

    /// The first second after `second` at which the local clock reads a multiple of `length`.
    private func nextSecond(after second: Int64, length: Int64) -> Int64 {
        var period = period(at: second)
        var next = second + length - (second + Int64(period.offsetSeconds)).floorModulo(length)
        while next >= period.end {
            period = self.period(at: period.end)
            let beyond = (period.start + Int64(period.offsetSeconds)).floorModulo(length)
            next = beyond == 0 ? period.start : period.start + length - beyond
        }
        return next
    }
}

extension CivilDate {
    /// The date `count` units later; a day that the month does not have becomes its last. Minutes
    /// and hours leave a date as it is.
    func adding(_ count: Int, _ unit: TimeUnit) -> CivilDate {
        switch unit {
        case .minute, .hour:
            return self
        case .day:
            return CivilDate(daysSinceEpoch: daysSinceEpoch + Int64(count))
        case .week:
            return CivilDate(daysSinceEpoch: daysSinceEpoch + Int64(count) * 7)
        case .month, .year:
            let months = year * 12 + month - 1 + (unit == .year ? count * 12 : count)
            let newYear = months.floorDivided(by: 12)
            let newMonth = months - newYear * 12 + 1
            let last = CivilDate.daysInMonth(year: newYear, month: newMonth)
            return CivilDate(year: newYear, month: newMonth, day: min(day, last))
        }
    }

    /// The first date of the unit that this date lies in.
    func start(of unit: TimeUnit) -> CivilDate {
        switch unit {
        case .minute, .hour, .day: self
        case .week: adding(-dayOfWeek, .day)
        case .month: CivilDate(year: year, month: month, day: 1)
        case .year: CivilDate(year: year, month: 1, day: 1)
        }
    }
}
