// A time zone as a list of periods of constant offset from UTC: from a table (a TZif file), then
// from the file's rule for the years beyond the table. Fixed offsets are one period without end.
//
// Local times are mapped to instants by one rule everywhere: the earliest instant at which the
// local clock reads that time or a later one. So a day whose midnight is skipped begins where the
// clocks were put forward, a time that happens twice means its first occurrence, and a later local
// time never maps to an earlier instant.

package import Model

/// Offsets from UTC over time. Seconds since 1970-01-01T00:00:00Z throughout; pure.
package struct Zone: Sendable, Equatable {
    /// A stretch of time with one offset. `start` and `end` are the extremes of Int64 when the
    /// stretch has no start or no end.
    package struct Period: Sendable, Equatable {
        package let start: Int64
        package let end: Int64
        package let offsetSeconds: Int
    }

    /// Ascending instants at which the table's offsets change, and the offset from each on.
    private let transitions: [Int64]
    private let offsets: [Int32]
    private let initialOffset: Int32
    /// What follows the last transition; without it, the last offset goes on.
    private let rule: DaylightRule?

    package static let utc = Zone(fixedSeconds: 0)

    /// Always `fixedSeconds` east of UTC.
    package init(fixedSeconds: Int) {
        self.init(
            transitions: [], offsets: [], initialOffset: Int32(clamping: fixedSeconds), rule: nil)
    }

    /// `transitions` ascend strictly, `offsets` has as many members.
    init(transitions: [Int64], offsets: [Int32], initialOffset: Int32, rule: DaylightRule?) {
        precondition(transitions.count == offsets.count, "one offset for each transition")
        self.transitions = transitions
        self.offsets = offsets
        self.initialOffset = initialOffset
        self.rule = rule
    }

    /// Whether the zone never leaves UTC, so that times may be written with `Z`.
    package var isUTC: Bool {
        initialOffset == 0 && rule == nil && offsets.allSatisfy { $0 == 0 }
    }

    package func offsetSeconds(at second: Int64) -> Int { period(at: second).offsetSeconds }

    /// The period that `second` lies in.
    package func period(at second: Int64) -> Period {
        let next = upperBound(of: second)
        if next < transitions.count {
            return Period(
                start: next == 0 ? .min : transitions[next - 1], end: transitions[next],
                offsetSeconds: Int(next == 0 ? initialOffset : offsets[next - 1]))
        }
        let tableStart = transitions.last ?? .min
        guard let rule else {
            return Period(
                start: tableStart, end: .max, offsetSeconds: Int(offsets.last ?? initialOffset))
        }
        return period(at: second, by: rule, from: tableStart)
    }

    private func period(at second: Int64, by rule: DaylightRule, from tableStart: Int64) -> Period {
        let changes = rule.changes(around: second).filter { $0.instant > tableStart }
        let before = changes.last { $0.instant <= second }
        let after = changes.first { $0.instant > second }
        let offset = before?.offsetSeconds ?? Int(offsets.last ?? Int32(rule.standardSeconds))
        return Period(
            start: before?.instant ?? tableStart, end: after?.instant ?? .max,
            offsetSeconds: offset)
    }

    /// Index of the first transition after `second`.
    private func upperBound(of second: Int64) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Zone {
    /// Beyond any offset that a zone may have, either way (RFC 8536 3.2 names 26 hours).
    static let offsetSecondsMax = 26 * 3600

    /// What the local clock reads at `instant`, as milliseconds since the epoch by that clock.
    package func localMilliseconds(at instant: Timestamp) -> Int64 {
        instant.milliseconds + Int64(offsetSeconds(at: instant.second)) * 1000
    }

    /// The earliest instant at which the local clock reads `localMilliseconds` or later.
    package func instant(localMilliseconds: Int64) -> Timestamp {
        let local = localMilliseconds.floorDivided(by: 1000)
        var period = period(at: local - Int64(Zone.offsetSecondsMax))
        while true {
            let reached = max(period.start, local - Int64(period.offsetSeconds))
            if reached < period.end {
                // When the period begins later than that on the local clock (a skipped time), the
                // fraction of the skipped second is skipped too.
                let isExact = reached == local - Int64(period.offsetSeconds)
                let fraction = isExact ? localMilliseconds - local * 1000 : 0
                return Timestamp(milliseconds: reached * 1000 + fraction)
            }
            period = self.period(at: period.end)
        }
    }

    /// The instant that a written date and time mean: in its own zone if it names one, else here.
    package func instant(_ civil: CivilTime) -> Timestamp {
        if let written = civil.zoneSeconds {
            return Timestamp(milliseconds: civil.millisecondsAsUTC - Int64(written) * 1000)
        }
        return instant(localMilliseconds: civil.millisecondsAsUTC)
    }

    /// The local date at `instant`.
    package func date(at instant: Timestamp) -> CivilDate {
        CivilDate(
            daysSinceEpoch: localMilliseconds(at: instant).floorDivided(by: 86_400_000))
    }

    /// The first instant of a local date.
    package func start(of date: CivilDate) -> Timestamp {
        instant(localMilliseconds: date.daysSinceEpoch * 86_400_000)
    }

    /// ISO 8601 by the local clock with its offset, `Z` if the zone is UTC. An offset with seconds,
    /// which ISO cannot write (local mean times before about 1900), gives `Z` as well.
    package func iso8601(_ instant: Timestamp) -> [UInt8] {
        let offset = offsetSeconds(at: instant.second)
        if isUTC || offset % 60 != 0 { return instant.iso8601 }
        var text = Timestamp(milliseconds: instant.milliseconds + Int64(offset) * 1000).iso8601
        text.removeLast()
        text.append(UInt8(ascii: offset < 0 ? "-" : "+"))
        let minutes = Int(offset.magnitude) / 60
        text.appendTwoDigits(minutes / 60)
        text.append(UInt8(ascii: ":"))
        text.appendTwoDigits(minutes % 60)
        return text
    }
}

extension Timestamp {
    /// Whole seconds, rounded down.
    var second: Int64 { milliseconds.floorDivided(by: 1000) }
}

extension [UInt8] {
    fileprivate mutating func appendTwoDigits(_ value: Int) {
        append(0x30 + UInt8(value / 10 % 10))
        append(0x30 + UInt8(value % 10))
    }
}
