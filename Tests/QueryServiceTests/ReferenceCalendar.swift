import Foundation
import JSON

/// Timeframes and intervals by Foundation's calendar.
struct ReferenceCalendar {
    private let calendar: Calendar
    private let isUTC: Bool

    init(timezone: JSONValue?) {
        let seconds = timezone?.int ?? timezone?.string.flatMap { Int64($0) }
        let name = timezone?.string ?? "UTC"
        let zone = seconds.map { TimeZone(secondsFromGMT: Int($0))! } ?? TimeZone(identifier: name)!
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        calendar.firstWeekday = 1
        self.calendar = calendar
        isUTC = seconds == 0 || (seconds == nil && name == "UTC")
    }

    private func date(_ milliseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    private func milliseconds(_ date: Date) -> Int64 {
        Int64((date.timeIntervalSince1970 * 1000).rounded())
    }

    // MARK: Texts

    func text(_ milliseconds: Int64) -> String {
        if isUTC { return UTCTime.text(milliseconds) }
        let offset = calendar.timeZone.secondsFromGMT(for: date(milliseconds))
        let sign = offset < 0 ? "-" : "+"
        let minutes = abs(offset) / 60
        return UTCTime.text(milliseconds, secondsFromUTC: offset).dropLast()
            + String(format: "%@%02d:%02d", sign, minutes / 60, minutes % 60)
    }

    /// The forms that the random queries write; without a zone, local.
    func instant(_ text: String) -> Int64 {
        let parts = text.prefix(19).split { "-T:".contains($0) }.compactMap { Int($0) }
        guard parts.count == 6 else { return .min }
        let rest = text.dropFirst(19)
        let fraction = rest.hasPrefix(".") ? Int64(rest.dropFirst().prefix(3)) ?? 0 : 0
        let zone = rest.drop { $0 == "." || $0.isNumber }
        var reader = calendar
        if zone == "Z" || zone == "+00:00" { reader.timeZone = TimeZone(secondsFromGMT: 0)! }
        if zone == "+0200" { reader.timeZone = TimeZone(secondsFromGMT: 7200)! }
        let components = DateComponents(
            year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4],
            second: parts[5])
        return milliseconds(reader.date(from: components)!) + fraction
    }

    // MARK: Timeframes

    func range(_ timeframe: JSONValue, now: Int64) -> Range<Int64> {
        guard let text = timeframe.string else {
            return instant(timeframe["start"]!.string!)..<instant(timeframe["end"]!.string!)
        }
        var words = text.split(separator: "_").map(String.init)
        if text == "today" { words = ["this", "day"] }
        if text == "yesterday" { words = ["previous", "day"] }
        let count = words.count == 3 ? Int(words[1])! : 1
        let unit = component(words.last!)
        let current = start(of: unit, at: date(now))
        if words[0] == "this" {
            return milliseconds(step(current, unit, -(count - 1)))..<now
        }
        return milliseconds(step(current, unit, -count))..<milliseconds(current)
    }

    private func component(_ word: String) -> Calendar.Component {
        switch word.hasSuffix("s") ? String(word.dropLast()) : word {
        case "minute": .minute
        case "hour": .hour
        case "day": .day
        case "week": .weekOfYear
        case "month": .month
        default: .year
        }
    }

    private func start(of unit: Calendar.Component, at date: Date) -> Date {
        calendar.dateInterval(of: unit, for: date)!.start
    }

    private func step(_ date: Date, _ unit: Calendar.Component, _ count: Int) -> Date {
        let moved = calendar.date(byAdding: unit, value: count, to: date)!
        return unit == .minute || unit == .hour ? moved : start(of: unit, at: moved)
    }

    // MARK: Intervals

    func boundaries(_ range: Range<Int64>, _ interval: String) -> [Int64] {
        guard !range.isEmpty else { return [] }
        var boundaries = [range.lowerBound]
        var steps = 1
        while true {
            let next = next(boundaries[boundaries.count - 1], range.lowerBound, interval, steps)
            guard next < range.upperBound else { break }
            boundaries.append(next)
            steps += 1
        }
        return boundaries + [range.upperBound]
    }

    private func next(_ last: Int64, _ start: Int64, _ interval: String, _ steps: Int) -> Int64 {
        let named: [String: Calendar.Component] = [
            "minutely": .minute, "hourly": .hour, "daily": .day, "weekly": .weekOfYear,
            "monthly": .month, "yearly": .year,
        ]
        if let unit = named[interval] {
            return milliseconds(calendar.dateInterval(of: unit, for: date(last))!.end)
        }
        let words = interval.split(separator: "_").map(String.init)
        return milliseconds(
            calendar.date(
                byAdding: component(words[2]), value: Int(words[1])! * steps, to: date(start))!)
    }
}
