// A sum that comes out the same however its numbers were split over blocks and shards: integers
// are added exactly, doubles with a running correction (Neumaier, "Rundungsfehleranalyse einiger
// Verfahren zur Summation endlicher Summen", 1974), so only the last bit can depend on the order.

/// The sum of integers and doubles, kept apart until the end.
package struct NumberSum: Sendable, Equatable {
    /// The exact sum of the integers. 2^64 events of 64-bit integers cannot overflow it.
    package private(set) var integers: Int128 = 0
    package private(set) var doubles: Double = 0
    /// What rounding took from `doubles` so far.
    package private(set) var correction: Double = 0
    /// Whether any double was added: then the result is a double, even if it is integral.
    package private(set) var hasDoubles = false

    package init() {}

    /// For the decoder: the parts as they were.
    init(integers: Int128, doubles: Double, correction: Double, hasDoubles: Bool) {
        self.integers = integers
        self.doubles = doubles
        self.correction = correction
        self.hasDoubles = hasDoubles
    }

    package mutating func add(_ value: Int64) throws(AggregateError) {
        try add(integers: Int128(value))
    }

    /// Adds an exact sum of integers, computed elsewhere.
    package mutating func add(integers sum: Int128) throws(AggregateError) {
        let (total, overflow) = integers.addingReportingOverflow(sum)
        guard !overflow else { throw .overflow }
        integers = total
    }

    package mutating func add(_ value: Double) {
        hasDoubles = true
        let total = doubles + value
        correction +=
            doubles.magnitude >= value.magnitude
            ? (doubles - total) + value : (value - total) + doubles
        doubles = total
    }

    /// Adds a sum of doubles, computed elsewhere together with its correction.
    package mutating func add(doubles sum: Double, correction more: Double) {
        add(sum)
        correction += more
    }

    /// Adds an exact sum of numbers that are integers over `scale`, a power of ten that a double
    /// holds.
    package mutating func add(decimals sum: Int128, scale: Double) {
        let high = Self.double(sum)
        // What a double cannot hold of the sum, and what dividing takes from it.
        var rest = 0.0
        if high.magnitude >= 0x1p53, let back = Int128(exactly: high) { rest = Double(sum - back) }
        let quotient = high / scale
        add(doubles: quotient, correction: (rest + high.addingProduct(-quotient, scale)) / scale)
    }

    package mutating func merge(_ other: NumberSum) throws(AggregateError) {
        try add(integers: other.integers)
        if other.hasDoubles { add(doubles: other.doubles, correction: other.correction) }
    }

    /// The nearest double; the conversion of 128 bits is slow.
    private static func double(_ integer: Int128) -> Double {
        let narrow = Int64(truncatingIfNeeded: integer)
        return Int128(narrow) == integer ? Double(narrow) : Double(integer)
    }

    /// The sum as a double. Infinite if the doubles overflowed.
    package var approximate: Double {
        guard hasDoubles else { return Self.double(integers) }
        // Infinity minus infinity spoils the correction; the sum itself says what happened.
        guard doubles.isFinite else { return doubles }
        var whole = NumberSum(
            integers: 0, doubles: doubles, correction: correction, hasDoubles: true)
        // The nearest double and its remainder carry an integer sum beyond 2^53 in full.
        let high = Self.double(integers)
        whole.add(high)
        if high.magnitude >= 0x1p53, let back = Int128(exactly: high) {
            whole.correction += Double(integers - back)
        }
        return whole.doubles + whole.correction
    }

    /// An integer if only integers were added and their sum fits 64 bits, a double otherwise, null
    /// if it is beyond what a double can hold.
    package var result: AggregateResult {
        if !hasDoubles, let exact = Int64(exactly: integers) { return .int(exact) }
        return AggregateResult(finite: approximate)
    }
}
