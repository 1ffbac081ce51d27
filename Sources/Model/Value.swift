// One value of one property, outside the hot loops: filter literals, group keys, distinct values.
//
// Numbers are one type to users: 1 and 1.0 are the same value. `canonical` makes them the same
// representation too, so equality and hashing may be the compiler's own.

/// A JSON leaf, or an array or empty object kept as JSON text. A property that an event does not
/// have at all is `nil` where that matters, and `.null` as a group key.
package enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    /// Compact JSON text of an array or an empty object.
    case json(String)

    /// A number as its one representation: integral doubles within ±2^53 become integers.
    package init(canonical number: Double) {
        if number.magnitude <= 9_007_199_254_740_992, number == number.rounded(.towardZero) {
            self = .int(Int64(number))
        } else {
            self = .double(number)
        }
    }

    /// The same value with numbers in their one representation.
    package var canonical: Value {
        if case .double(let number) = self { return Value(canonical: number) }
        return self
    }

    /// The number, if it is one.
    package var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// Position of the type in the order of mixed values: bool, number, string, json, null last.
    private var rank: Int {
        switch self {
        case .bool: 0
        case .int, .double: 1
        case .string: 2
        case .json: 3
        case .null: 4
        }
    }
}

extension Value: Comparable {
    /// Ascending order of results: false, true, numbers, strings by their UTF-8, arrays, null last.
    package static func < (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.int(let left), .double(let right)): Double(left) < right
        case (.double(let left), .int(let right)): left < Double(right)
        case (.double(let left), .double(let right)): left < right
        case (.string(let left), .string(let right)), (.json(let left), .json(let right)):
            left.utf8.lexicographicallyPrecedes(right.utf8)
        default: left.rank < right.rank
        }
    }
}
