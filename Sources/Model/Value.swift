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

    /// A number as its one representation: an integral double that fits 64 bits becomes an integer.
    package init(canonical number: Double) {
        if let integer = Int64(exactly: number) {
            self = .int(integer)
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

extension Value {
    /// Strings are equal byte for byte: Swift's own equality takes different spellings of an
    /// accented letter for one, which is not what JSON means, nor how `<` orders them.
    package static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.string(let left), .string(let right)), (.json(let left), .json(let right)):
            areSameBytes(left, right)
        default: false
        }
    }
}

extension Value: Comparable {
    /// Ascending order of results: false, true, numbers, strings by their UTF-8, arrays, null last.
    package static func < (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.int(let left), .double(let right)): left.isLess(than: right)
        case (.double(let left), .int(let right)): right.isGreater(than: left)
        case (.double(let left), .double(let right)): left < right
        case (.string(let left), .string(let right)), (.json(let left), .json(let right)):
            byteOrder(left, right) < 0
        default: left.rank < right.rank
        }
    }
}

extension Value {
    /// Negative, zero or positive as it comes before `other`, is the same value, or comes after it.
    package func order(to other: Value) -> Int {
        switch (self, other) {
        case (.int(let left), .int(let right)): left < right ? -1 : left == right ? 0 : 1
        case (.string(let left), .string(let right)), (.json(let left), .json(let right)):
            byteOrder(left, right)
        default: self < other ? -1 : other < self ? 1 : 0
        }
    }
}

// Comparison of the mathematical values: converting the integer would round it beyond 2^53.
extension Int64 {
    /// Whether `self < number`.
    package func isLess(than number: Double) -> Bool {
        if number >= 0x1p63 { return true }
        if !(number >= -0x1p63) { return false }
        let floor = number.rounded(.down)
        return self < Int64(floor) || (self == Int64(floor) && floor < number)
    }

    /// Whether `self > number`.
    package func isGreater(than number: Double) -> Bool {
        if number < -0x1p63 { return true }
        if !(number < 0x1p63) { return false }
        let ceiling = number.rounded(.up)
        if ceiling >= 0x1p63 { return false }
        return self > Int64(ceiling) || (self == Int64(ceiling) && ceiling > number)
    }
}

/// Whether the two have the same UTF-8. Hashing may stay Swift's own: same bytes, same hash.
func areSameBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && byteOrder(left, right) == 0
}

/// Negative, zero or positive as the UTF-8 of `left` comes before, equals or comes after that of
/// `right`; a prefix comes first.
func byteOrder(_ left: String, _ right: String) -> Int {
    // Nested closures over contiguous storage: several times faster than iterating UTF8View.
    let order = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right -> Int in
            for index in 0..<min(left.count, right.count) where left[index] != right[index] {
                return Int(left[index]) - Int(right[index])
            }
            return left.count - right.count
        }
    }
    if let order, let order { return order }
    // Storage of another kind.
    return left.utf8.lexicographicallyPrecedes(right.utf8)
        ? -1 : right.utf8.lexicographicallyPrecedes(left.utf8) ? 1 : 0
}
