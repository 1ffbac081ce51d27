// What a comparison with a number literal means for a column of integers and for one of doubles, as
// closed ranges. Numbers compare by their mathematical value: a literal beyond 2^53 is not rounded
// to fit the other type.

internal import Model

/// The integers and the doubles that satisfy a comparison; nil where none does.
struct NumberRanges: Equatable {
    var ints: ClosedRange<Int64>?
    var doubles: ClosedRange<Double>?

    init(_ comparison: ComparisonKind, _ literal: Int64) {
        ints = Self.ints(comparison, literal)
        doubles = Self.doubles(comparison, literal)
    }

    init(_ comparison: ComparisonKind, _ literal: Double) {
        // Nothing compares with what is no number; the planner never makes one, the network might.
        guard !literal.isNaN else { return }
        ints = Self.ints(comparison, literal)
        doubles = Self.doubles(comparison, literal)
    }

    private static func ints(_ comparison: ComparisonKind, _ literal: Int64) -> ClosedRange<Int64>?
    {
        switch comparison {
        case .equal: literal...literal
        case .less: literal == .min ? nil : .min...(literal - 1)
        case .lessOrEqual: .min...literal
        case .greater: literal == .max ? nil : (literal + 1)...(.max)
        case .greaterOrEqual: literal...(.max)
        }
    }

    private static func ints(_ comparison: ComparisonKind, _ literal: Double) -> ClosedRange<Int64>?
    {
        let all: ClosedRange<Int64> = .min...(.max)
        let isBelow = literal < -0x1p63
        let isAbove = literal >= 0x1p63
        switch comparison {
        case .equal: return Int64(exactly: literal).map { $0...$0 }
        case .less, .lessOrEqual:
            if isBelow { return nil }
            if isAbove { return all }
            let floor = Int64(literal.rounded(.down))
            return ints(
                comparison == .less && literal == literal.rounded() ? .less : .lessOrEqual, floor)
        case .greater, .greaterOrEqual:
            if isBelow { return all }
            if isAbove { return nil }
            let ceiling = literal.rounded(.up)
            // Just below 2^63 every double is an integer, so rounding up stays below it.
            return ints(
                comparison == .greater && literal == ceiling ? .greater : .greaterOrEqual,
                Int64(ceiling))
        }
    }

    private static func doubles(
        _ comparison: ComparisonKind, _ literal: Int64
    ) -> ClosedRange<Double>? {
        let nearest = Double(literal)
        let isRoundedUp = literal.isLess(than: nearest)
        let isRoundedDown = literal.isGreater(than: nearest)
        switch comparison {
        case .equal: return isRoundedUp || isRoundedDown ? nil : nearest...nearest
        case .less: return doubles(isRoundedDown ? .lessOrEqual : .less, nearest)
        case .lessOrEqual: return doubles(isRoundedUp ? .less : .lessOrEqual, nearest)
        case .greater: return doubles(isRoundedUp ? .greaterOrEqual : .greater, nearest)
        case .greaterOrEqual: return doubles(isRoundedDown ? .greater : .greaterOrEqual, nearest)
        }
    }

    private static func doubles(
        _ comparison: ComparisonKind, _ literal: Double
    ) -> ClosedRange<Double>? {
        switch comparison {
        case .equal: literal...literal
        case .less: literal == -.infinity ? nil : (-Double.infinity)...literal.nextDown
        case .lessOrEqual: (-Double.infinity)...literal
        case .greater: literal == .infinity ? nil : literal.nextUp...Double.infinity
        case .greaterOrEqual: literal...Double.infinity
        }
    }
}

/// The comparisons that a range can express.
enum ComparisonKind {
    case equal, less, lessOrEqual, greater, greaterOrEqual
}
