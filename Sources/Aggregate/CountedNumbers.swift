// The state behind median and percentile: every different number with how often it came, exact up
// to a bound and rounded to eleven binary digits beyond it. Rounding keeps the order of numbers, so
// that a percentile of rounded numbers is the exact one, rounded: at most 1 part in 2,048 away.

internal import Base
internal import Kernels
package import Model

/// A number in its one representation: an integral double that fits 64 bits is an integer.
package enum PlainNumber: Sendable, Hashable, Comparable {
    case int(Int64)
    /// Never NaN, and no integer that fits 64 bits.
    case double(Double)

    /// Nil for what is no number.
    package init?(_ value: Value) {
        switch value {
        case .int(let number): self = .int(number)
        case .double(let number) where !number.isNaN: self = PlainNumber(number)
        default: return nil
        }
    }

    /// `number` is not NaN.
    package init(_ number: Double) {
        if let integer = Int64(exactly: number) {
            self = .int(integer)
        } else {
            self = .double(number)
        }
    }

    package static func < (left: PlainNumber, right: PlainNumber) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.int(let left), .double(let right)): left.isLess(than: right)
        case (.double(let left), .int(let right)): right.isGreater(than: left)
        }
    }

    /// The nearest number of eleven significant binary digits.
    var rounded: PlainNumber {
        let number: Double
        switch self {
        case .int(let value):
            if value.magnitude <= 1 << 11 { return self }
            number = Double(value)
        case .double(let value):
            guard value.isFinite else { return self }
            number = value
        }
        // Half of the last digit that stays, then the digits that go; a carry into the exponent is
        // what rounding up over a power of two means.
        let bits = (number.bitPattern &+ 1 << 41) & ~(1 << 42 - 1)
        return PlainNumber(Double(bitPattern: bits))
    }

    package var result: AggregateResult {
        switch self {
        case .int(let value): .int(value)
        case .double(let value): value.isFinite ? .double(value) : .null
        }
    }
}

/// Different numbers of one kind, ascending, with their counts.
package struct CountedRun: Sendable, Equatable {
    package private(set) var values: [Int64] = []
    /// At least 1 each.
    package private(set) var counts: [Int64] = []

    package init() {}

    /// As many counts as values, which the caller knows to ascend strictly.
    package init(ascending values: [Int64], counts: [Int64]) {
        self.values = values
        self.counts = counts
    }

    /// Any numbers, equal ones counted together. Sorts them.
    package init(counting numbers: inout [Int64]) {
        RadixSort.sort(&numbers)
        (values, counts) = SortedLoops.runs(numbers)
    }

    package var count: Int { values.count }
    package var isEmpty: Bool { values.isEmpty }

    fileprivate var total: Int128 { counts.reduce(Int128(0)) { $0 + Int128($1) } }

    /// The first number up to which, itself included, there are `rank`; no more than there are.
    fileprivate func element(ofRank rank: Int64) -> Int64 {
        var passed: Int64 = 0
        for index in counts.indices {
            passed &+= counts[index]
            if passed >= rank { return values[index] }
        }
        return values.last ?? 0
    }

    package mutating func merge(_ other: CountedRun) throws(AggregateError) {
        guard let merged = SortedLoops.merge(values, counts, other.values, other.counts) else {
            throw .overflow
        }
        (values, counts) = merged
    }

    /// Adds a number that is not less than the last one.
    fileprivate mutating func append(_ value: Int64, count: Int64) {
        if let last = values.indices.last, values[last] == value {
            counts[last] = counts[last].addingSaturated(count)
        } else {
            values.append(value)
            counts.append(count)
        }
    }
}

/// Different numbers with their counts.
package struct CountedNumbers: Sendable, Equatable {
    package private(set) var ints = CountedRun()
    /// Keys of `OrderedDouble`: numbers that are no 64-bit integers.
    package private(set) var fractions = CountedRun()
    /// Whether the numbers are rounded: more than `Limits.queryExactNumbersMax` different ones met.
    package private(set) var isRounded = false

    package init() {}

    package init(ints: CountedRun, fractions: CountedRun, isRounded: Bool = false) {
        self.ints = ints
        self.fractions = fractions
        self.isRounded = isRounded
        roundIfNeeded()
    }

    /// One number that came once.
    init(_ number: PlainNumber) { append(number, count: 1) }

    /// Different numbers held.
    package var count: Int { ints.count + fractions.count }

    package mutating func merge(_ other: CountedNumbers) throws(AggregateError) {
        var other = other
        if other.isRounded && !isRounded { round() }
        if isRounded && !other.isRounded { other.round() }
        try ints.merge(other.ints)
        try fractions.merge(other.fractions)
        roundIfNeeded()
    }

    private mutating func roundIfNeeded() {
        if !isRounded && count > Limits.queryExactNumbersMax { round() }
    }

    /// Whether numbers are rounded depends on the set of them alone, and so does what they are
    /// rounded to: the order of merging does not show.
    private mutating func round() {
        var rounded = CountedNumbers()
        forEach { number, count in
            rounded.append(number.rounded, count: count)
            return true
        }
        rounded.isRounded = true
        self = rounded
    }

    private mutating func append(_ number: PlainNumber, count: Int64) {
        switch number {
        case .int(let value): ints.append(value, count: count)
        case .double(let value): fractions.append(OrderedDouble.key(value), count: count)
        }
    }

    /// Calls `body` with every number, ascending, until it returns false.
    @inline(__always)
    private func forEach(_ body: (PlainNumber, Int64) -> Bool) {
        var next = 0
        for index in 0..<ints.count {
            let int = PlainNumber.int(ints.values[index])
            while next < fractions.count {
                let fraction = PlainNumber.double(OrderedDouble.value(fractions.values[next]))
                guard fraction < int else { break }
                guard body(fraction, fractions.counts[next]) else { return }
                next += 1
            }
            guard body(int, ints.counts[index]) else { return }
        }
        while next < fractions.count {
            let fraction = PlainNumber.double(OrderedDouble.value(fractions.values[next]))
            guard body(fraction, fractions.counts[next]) else { return }
            next += 1
        }
    }

    /// The element of rank ⌈n × hundredths / 10,000⌉ of all n numbers in ascending order; null if
    /// there are none. 5,000 hundredths are the median, the lower of two middle numbers.
    package func percentile(hundredths: Int) -> AggregateResult {
        let total = ints.total + fractions.total
        let rank = max((total * Int128(hundredths) + 9_999) / 10_000, 1)
        if fractions.count == 0, let total = Int64(exactly: total), total > 0 {
            return .int(ints.element(ofRank: Int64(min(rank, Int128(total)))))
        }
        var passed: Int128 = 0
        var found = AggregateResult.null
        forEach { number, count in
            passed += Int128(count)
            guard passed >= rank else { return true }
            found = number.result
            return false
        }
        return found
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
