// The mergeable states that every answer is made of. A block, a shard and the whole cluster use
// the same ones: a state of more events is the merge of the states of fewer.

package import Model

/// Why states could not be made or merged.
package enum AggregateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// States of different analyses met: the two sides disagree about the plan.
    case kindMismatch(AggregateKind, AggregateKind)
    /// More distinct values than `Limits.queryDistinctValuesMax`.
    case tooManyDistinctValues
    /// A count or an integer sum beyond what its state can hold: damaged input.
    case overflow

    package var description: String {
        switch self {
        case .kindMismatch(let left, let right):
            "cannot merge a state of \(left) with one of \(right)"
        case .tooManyDistinctValues:
            "the query has more than \(AggregateState.distinctValuesMax) distinct values"
        case .overflow: "an aggregate is out of range"
        }
    }
}

/// The mergeable state of one aggregate.
package enum AggregateState: Sendable, Equatable {
    case count(Int64)
    case countUnique(UniqueCount)
    case sum(NumberSum)
    case average(NumberSum, count: Int64)
    /// An `.int` or `.double`, or nil before the first number.
    case minimum(Value?)
    case maximum(Value?)
    case selectUnique(DistinctValues)
    case numbers(CountedNumbers)
    case standardDeviation(Deviation)

    /// The state of no events.
    package init(empty kind: AggregateKind) {
        switch kind {
        case .count: self = .count(0)
        case .countUnique: self = .countUnique(UniqueCount())
        case .sum: self = .sum(NumberSum())
        case .average: self = .average(NumberSum(), count: 0)
        case .minimum: self = .minimum(nil)
        case .maximum: self = .maximum(nil)
        case .selectUnique: self = .selectUnique(DistinctValues())
        case .numbers: self = .numbers(CountedNumbers())
        case .standardDeviation: self = .standardDeviation(Deviation())
        }
    }

    package var kind: AggregateKind {
        switch self {
        case .count: .count
        case .countUnique: .countUnique
        case .sum: .sum
        case .average: .average
        case .minimum: .minimum
        case .maximum: .maximum
        case .selectUnique: .selectUnique
        case .numbers: .numbers
        case .standardDeviation: .standardDeviation
        }
    }

    /// How many values it holds: what a memory bound is kept on.
    package var distinctCount: Int {
        switch self {
        case .countUnique(let unique): unique.heldCount
        case .selectUnique(let distinct): distinct.count
        case .numbers(let numbers): numbers.count
        default: 0
        }
    }

    /// Bytes of memory that its values take.
    package var heldByteCount: Int {
        switch self {
        case .countUnique(.exact(let distinct)), .selectUnique(let distinct): distinct.heldByteCount
        case .countUnique(.sketch): UniqueCount.sketchHeldCount * 8
        case .numbers(let numbers): numbers.count * 16
        case .count, .sum, .average, .minimum, .maximum, .standardDeviation: 0
        }
    }

    /// Adds the events behind `other`. The kinds must be the same.
    package mutating func merge(_ other: AggregateState) throws(AggregateError) {
        // Taking the payload out of `self` first keeps a set from being copied when it grows.
        let before = self
        self = .count(0)
        switch (consume before, other) {
        case (.count(let left), .count(let right)): self = .count(try checkedSum(left, right))
        case (.sum(var left), .sum(let right)):
            try left.merge(right)
            self = .sum(left)
        case (.average(var left, let count), .average(let right, let more)):
            try left.merge(right)
            self = .average(left, count: try checkedSum(count, more))
        case (.minimum(let left), .minimum(let right)): self = .minimum(smaller(left, right))
        case (.maximum(let left), .maximum(let right)): self = .maximum(larger(left, right))
        case (.countUnique(var left), .countUnique(let right)):
            try left.merge(right)
            self = .countUnique(left)
        case (.selectUnique(var left), .selectUnique(let right)):
            try left.merge(right)
            self = .selectUnique(left)
        case (.numbers(var left), .numbers(let right)):
            try left.merge(right)
            self = .numbers(left)
        case (.standardDeviation(var left), .standardDeviation(let right)):
            try left.merge(right)
            self = .standardDeviation(left)
        case (let left, _): throw .kindMismatch(left.kind, other.kind)
        }
    }

    /// Adds one event's value of the aggregate's property (nil: the event has none). For tests and
    /// for paths that meet few events; scans fill the states in bulk.
    package mutating func add(_ value: Value?) throws(AggregateError) {
        try merge(AggregateState(kind, of: value ?? .null))
    }

    /// The state of one event.
    private init(_ kind: AggregateKind, of value: Value) throws(AggregateError) {
        self.init(empty: kind)
        switch (kind, value) {
        case (.count, _): self = .count(1)
        case (.countUnique, _), (.selectUnique, _):
            let distinct = DistinctValues([value])
            self =
                kind == .countUnique
                ? .countUnique(UniqueCount(distinct)) : .selectUnique(distinct)
        case (.minimum, .int), (.minimum, .double): self = .minimum(value)
        case (.maximum, .int), (.maximum, .double): self = .maximum(value)
        case (.numbers, .int), (.numbers, .double):
            guard let number = PlainNumber(value) else { return }
            self = .numbers(CountedNumbers(number))
        case (.standardDeviation, .int), (.standardDeviation, .double):
            self = .standardDeviation(
                Deviation(count: 1, mean: value.number ?? 0, squares: 0))
        case (_, .int), (_, .double):
            var total = NumberSum()
            if case .int(let number) = value { try total.add(number) }
            if case .double(let number) = value { total.add(number) }
            self = kind == .sum ? .sum(total) : .average(total, count: 1)
        default: break
        }
    }

    /// The answer. No events: 0 for count, count_unique and sum, no values for select_unique, null
    /// for the others. Numbers give their median.
    package var result: AggregateResult {
        switch self {
        case .count(let count): .int(count)
        case .countUnique(let unique): .int(unique.result)
        case .sum(let total): total.result
        case .average(let total, let count):
            count == 0 ? .null : AggregateResult(finite: total.approximate / Double(count))
        case .minimum(let value), .maximum(let value): AggregateResult(number: value)
        case .selectUnique(let distinct): .list(distinct.sorted)
        case .numbers(let numbers): numbers.percentile(hundredths: 5_000)
        case .standardDeviation(let deviation): deviation.result
        }
    }

    /// Whether the state had to give up exactness for its size.
    package var isApproximate: Bool {
        switch self {
        case .numbers(let numbers): numbers.isRounded
        case .countUnique(.sketch): true
        default: false
        }
    }
}

/// An aggregate's answer.
package enum AggregateResult: Sendable, Equatable {
    case null
    case int(Int64)
    case double(Double)
    /// Ascending distinct values.
    case list([Value])

    /// JSON has no infinities: a number out of range is null.
    init(finite number: Double) { self = number.isFinite ? .double(number) : .null }

    init(number: Value?) {
        switch number {
        case .int(let value): self = .int(value)
        case .double(let value): self = .double(value)
        default: self = .null
        }
    }
}

private func checkedSum(_ left: Int64, _ right: Int64) throws(AggregateError) -> Int64 {
    let (total, overflow) = left.addingReportingOverflow(right)
    guard !overflow else { throw .overflow }
    return total
}

/// The smaller number; of equal ones the integer, so that the order of merging does not show.
private func smaller(_ left: Value?, _ right: Value?) -> Value? {
    guard let left, let right else { return left ?? right }
    if left < right { return left }
    return right < left ? right : preferred(left, right)
}

private func larger(_ left: Value?, _ right: Value?) -> Value? {
    guard let left, let right else { return left ?? right }
    if right < left { return left }
    return left < right ? right : preferred(left, right)
}

private func preferred(_ left: Value, _ right: Value) -> Value {
    if case .int = left { left } else { right }
}
