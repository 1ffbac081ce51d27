// Timeframes: the text or object of a request, and the instants it means at one moment in one zone.
//
//   relative   (this|previous|last)_[n_](minute|hour|day|week|month|year)[s], today, yesterday
//   absolute   {"start": ISO 8601, "end": ISO 8601}, start inclusive, end exclusive
//
// `this_n` reaches from the start of a unit to now, `previous_n` covers the n latest complete
// units, `last` is `previous`. An absolute timeframe may lack its end, which then is now, or its
// start, which then is the beginning of time. A time without a zone is local to the query's zone.

package import Model

/// A timeframe as it was asked for.
package enum Timeframe: Sendable, Hashable {
    /// The current unit up to now and `count - 1` complete ones before it.
    case this(count: Int, TimeUnit)
    /// The latest `count` complete units.
    case previous(count: Int, TimeUnit)
    case absolute(start: CivilTime?, end: CivilTime?)

    /// No event lies before this or at or after `latest`: timestamps have years 1 to 9999.
    package static let earliest = Timestamp(milliseconds: -62_135_596_800_000)
    package static let latest = Timestamp(milliseconds: 253_402_300_800_000)
}

extension Timeframe {
    package init(relative text: String) throws(QueryError) {
        switch text {
        case "today": self = .this(count: 1, .day)
        case "yesterday": self = .previous(count: 1, .day)
        default:
            let words = text.split(separator: "_", omittingEmptySubsequences: false)
            guard let parsed = Timeframe(words: words) else {
                throw QueryError(
                    .timeframe,
                    "the timeframe '\(text.shortened)' is not valid: expected for example "
                        + "this_7_days, previous_month, today, or an object with start and end")
            }
            self = parsed
        }
    }

    private init?(words: [Substring]) {
        guard words.count == 2 || words.count == 3, let last = words.last,
            let unit = TimeUnit(singularOrPlural: last)
        else { return nil }
        var count = 1
        if words.count == 3 {
            guard let written = Int(positiveDigits: words[1]), written <= unit.countMax else {
                return nil
            }
            count = written
        }
        switch words[0] {
        case "this": self = .this(count: count, unit)
        case "previous", "last": self = .previous(count: count, unit)
        default: return nil
        }
    }

    /// `nil` stands for a member that the request did not have.
    package init(start: String?, end: String?) throws(QueryError) {
        guard start != nil || end != nil else {
            throw QueryError(.timeframe, "an absolute timeframe needs start, end, or both")
        }
        self = .absolute(
            start: try Timeframe.time(start, named: "start"),
            end: try Timeframe.time(end, named: "end"))
    }

    private static func time(_ text: String?, named name: String) throws(QueryError) -> CivilTime? {
        guard let text else { return nil }
        guard let time = CivilTime(iso8601: text.utf8) else {
            throw QueryError(
                .timeframe,
                "the timeframe's \(name) '\(text.shortened)' is not an ISO 8601 time")
        }
        return time
    }

    /// The instants that the timeframe covers when the clock stands at `now`.
    package func range(now: Timestamp, zone: Zone) throws(QueryError) -> Range<Timestamp> {
        let start: Timestamp
        let end: Timestamp
        switch self {
        case .this(let count, let unit):
            start = zone.start(of: unit, at: now, back: count - 1)
            end = now
        case .previous(let count, let unit):
            start = zone.start(of: unit, at: now, back: count)
            end = zone.start(of: unit, at: now)
        case .absolute(let written, let writtenEnd):
            start = written.map { zone.instant($0) } ?? Timeframe.earliest
            end = writtenEnd.map { zone.instant($0) } ?? max(now, start)
        }
        guard start <= end else {
            throw QueryError(.timeframe, "the timeframe's start lies after its end")
        }
        guard start >= Timeframe.earliest || isAbsolute else {
            throw QueryError(.timeframe, "the timeframe reaches back before year 1")
        }
        return start..<end
    }

    private var isAbsolute: Bool {
        if case .absolute = self { true } else { false }
    }
}

extension TimeUnit {
    init?(singularOrPlural text: Substring) {
        self.init(rawValue: String(text.hasSuffix("s") ? text.dropLast() : text))
    }

    /// The most units that a request may count: 10,000 years of them. No arithmetic overflows then.
    var countMax: Int {
        switch self {
        case .minute: 5_259_492_000
        case .hour: 87_658_200
        case .day: 3_652_425
        case .week: 521_775
        case .month: 120_000
        case .year: 10_000
        }
    }
}

extension Int {
    /// A positive decimal number without sign; `nil` for anything else, and for 0.
    init?(positiveDigits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = Int(text), value > 0
        else { return nil }
        self = value
    }
}

extension String {
    /// At most 80 characters, for error messages that quote what was sent.
    var shortened: String {
        utf8.count <= 80 ? self : String(prefix(80)) + "..."
    }
}
