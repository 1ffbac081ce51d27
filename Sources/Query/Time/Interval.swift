// Intervals: how a timeframe is cut into buckets.
//
//   minutely hourly daily weekly monthly yearly     calendar units, the first and last clipped
//   every_{n}_{minutes|hours|days|weeks|months|years}     n units from the timeframe's start on

internal import Base
package import Model

/// An interval as it was asked for.
package enum Interval: Sendable, Hashable {
    case calendar(TimeUnit)
    case every(count: Int, TimeUnit)
}

extension Interval {
    package init(_ text: String) throws(QueryError) {
        switch text {
        case "minutely": self = .calendar(.minute)
        case "hourly": self = .calendar(.hour)
        case "daily": self = .calendar(.day)
        case "weekly": self = .calendar(.week)
        case "monthly": self = .calendar(.month)
        case "yearly": self = .calendar(.year)
        default:
            let words = text.split(separator: "_", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "every", let count = Int(positiveDigits: words[1]),
                let unit = TimeUnit(singularOrPlural: words[2]), count <= unit.countMax
            else {
                throw QueryError(
                    .invalidParameter,
                    "the interval '\(text.shortened)' is not valid: expected minutely, hourly, "
                        + "daily, weekly, monthly, yearly or every_n_units")
            }
            self = .every(count: count, unit)
        }
    }

    /// Ascending boundaries, one more than there are buckets; the first and last are the range's
    /// ends. Empty for an empty range.
    package func boundaries(
        of range: Range<Timestamp>, zone: Zone
    ) throws(QueryError) -> [Timestamp] {
        guard !range.isEmpty else { return [] }
        var boundaries = [range.lowerBound]
        var next = self.next(after: range.lowerBound, index: 1, start: range.lowerBound, zone: zone)
        while next < range.upperBound {
            guard boundaries.count < Limits.queryBucketsMax else {
                throw QueryError(
                    .tooLarge,
                    "the interval cuts the timeframe into more than \(Limits.queryBucketsMax) "
                        + "buckets: use a longer interval or a shorter timeframe")
            }
            boundaries.append(next)
            let index = boundaries.count
            next = self.next(after: next, index: index, start: range.lowerBound, zone: zone)
        }
        boundaries.append(range.upperBound)
        return boundaries
    }

    /// The boundary after `boundary`, which is the one with number `index`. Steps of months count
    /// from the start, so that 31 January, 28 February, 31 March follow one another.
    private func next(
        after boundary: Timestamp, index: Int, start: Timestamp, zone: Zone
    ) -> Timestamp {
        switch self {
        case .calendar(let unit):
            return zone.startOfNext(unit, after: boundary)
        case .every(let count, let unit):
            // Two local times in one skipped hour are the same instant: step on past it.
            var steps = index
            var next = zone.adding(count * steps, unit, to: start)
            while next <= boundary {
                steps += 1
                next = zone.adding(count * steps, unit, to: start)
            }
            return next
        }
    }
}
