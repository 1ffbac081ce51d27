// The states of one aggregate in many groups, as a column: plain arrays wherever a state is a few
// numbers, so that a million groups are a few allocations. States that hold values of their own
// (sets, counted numbers) are kept one by one.

package import Kernels

/// One aggregate's state in every group.
package enum StateColumn: Sendable, Equatable {
    case counts([Int64])
    case sums([NumberSum])
    /// Sums, and how many numbers are in each.
    case averages([NumberSum], [Int64])
    case minima([Extreme])
    case maxima([Extreme])
    case deviations([Deviation])
    /// States of one kind, of those that hold values.
    case states([AggregateState], AggregateKind)

    /// States of one kind, at least one.
    package init(_ states: [AggregateState]) {
        self.init(states[0].kind, capacity: states.count)
        for state in states { append(state) }
    }

    /// No state yet.
    package init(_ kind: AggregateKind, capacity: Int = 0) {
        switch kind {
        case .count: self = .counts(Self.room(capacity))
        case .sum: self = .sums(Self.room(capacity))
        case .average: self = .averages(Self.room(capacity), Self.room(capacity))
        case .minimum: self = .minima(Self.room(capacity))
        case .maximum: self = .maxima(Self.room(capacity))
        case .standardDeviation: self = .deviations(Self.room(capacity))
        case .countUnique, .selectUnique, .numbers: self = .states(Self.room(capacity), kind)
        }
    }

    private static func room<Element>(_ capacity: Int) -> [Element] {
        var array: [Element] = []
        array.reserveCapacity(capacity)
        return array
    }

    private mutating func append(_ state: AggregateState) {
        precondition(state.kind == kind, "states of two kinds in one column")
        let before = self
        // Taken out of `self`, so that the array is not copied.
        self = .counts([])
        switch (consume before, state) {
        case (.counts(var counts), .count(let count)):
            counts.append(count)
            self = .counts(counts)
        case (.sums(var sums), .sum(let sum)):
            sums.append(sum)
            self = .sums(sums)
        case (.averages(var sums, var counts), .average(let sum, let count)):
            sums.append(sum)
            counts.append(count)
            self = .averages(sums, counts)
        case (.minima(var extremes), .minimum(let value)):
            extremes.append(Extreme(value))
            self = .minima(extremes)
        case (.maxima(var extremes), .maximum(let value)):
            extremes.append(Extreme(value))
            self = .maxima(extremes)
        case (.deviations(var deviations), .standardDeviation(let deviation)):
            deviations.append(deviation)
            self = .deviations(deviations)
        case (.states(var states, let kind), _):
            states.append(state)
            self = .states(states, kind)
        case (let column, _): self = column
        }
    }

    package var kind: AggregateKind {
        switch self {
        case .counts: .count
        case .sums: .sum
        case .averages: .average
        case .minima: .minimum
        case .maxima: .maximum
        case .deviations: .standardDeviation
        case .states(_, let kind): kind
        }
    }

    package var count: Int {
        switch self {
        case .counts(let counts): counts.count
        case .sums(let sums), .averages(let sums, _): sums.count
        case .minima(let extremes), .maxima(let extremes): extremes.count
        case .deviations(let deviations): deviations.count
        case .states(let states, _): states.count
        }
    }

    /// A group's state.
    package subscript(group: Int) -> AggregateState {
        switch self {
        case .counts(let counts): .count(counts[group])
        case .sums(let sums): .sum(sums[group])
        case .averages(let sums, let counts): .average(sums[group], count: counts[group])
        case .minima(let extremes): .minimum(extremes[group].value)
        case .maxima(let extremes): .maximum(extremes[group].value)
        case .deviations(let deviations): .standardDeviation(deviations[group])
        case .states(let states, _): states[group]
        }
    }

    /// As many states of no events.
    package init(empty kind: AggregateKind, count: Int) {
        self.init([AggregateState](repeating: AggregateState(empty: kind), count: max(count, 1)))
        if count == 0 { self.init(kind) }
    }

    /// One more state, of no events.
    package mutating func appendEmpty() { append(AggregateState(empty: kind)) }

    /// What each state comes to, where that is a number.
    package var figures: [Extreme] {
        switch self {
        case .counts(let counts): counts.map { .int($0) }
        case .minima(let extremes), .maxima(let extremes): extremes
        default: (0..<count).map { Extreme(self[$0].result) }
        }
    }

    /// The same of other groups: new group i is old group `groups[i]`.
    package func picking(_ groups: [UInt32]) -> StateColumn {
        func pick<Element>(_ all: [Element]) -> [Element] { groups.map { all[Int($0)] } }
        return switch self {
        case .counts(let counts): .counts(pick(counts))
        case .sums(let sums): .sums(pick(sums))
        case .averages(let sums, let counts): .averages(pick(sums), pick(counts))
        case .minima(let extremes): .minima(pick(extremes))
        case .maxima(let extremes): .maxima(pick(extremes))
        case .deviations(let deviations): .deviations(pick(deviations))
        case .states(let states, let kind): .states(pick(states), kind)
        }
    }

    // MARK: What it holds

    /// Values held over all groups: what a memory bound is kept on.
    package var distinctCount: Int {
        if case .states(let states, _) = self {
            states.reduce(0) { $0 + $1.distinctCount }
        } else {
            0
        }
    }

    /// Bytes of memory.
    package var byteCount: Int {
        let held =
            if case .states(let states, _) = self {
                states.reduce(0) { $0 + $1.heldByteCount }
            } else { 0 }
        return count * Self.stride(of: kind) + held
    }

    /// Bytes of memory that one state takes, without the values that it holds.
    package static func stride(of kind: AggregateKind) -> Int {
        switch kind {
        case .count: 8
        case .sum: MemoryLayout<NumberSum>.stride
        case .average: MemoryLayout<NumberSum>.stride + 8
        case .minimum, .maximum: MemoryLayout<Extreme>.stride
        case .standardDeviation: MemoryLayout<Deviation>.stride
        // A set is some arrays: their heads and the state itself.
        case .countUnique, .selectUnique, .numbers: MemoryLayout<AggregateState>.stride + 128
        }
    }

    /// Whether some state had to give up exactness for its size.
    package var isApproximate: Bool {
        if case .states(let states, _) = self {
            states.contains(where: \.isApproximate)
        } else {
            false
        }
    }
}

extension StateColumn {
    /// The states of `places.count` groups: mine and those of `other`, each at its place, merged
    /// where both sides have the group.
    package func merged(
        _ other: StateColumn, _ places: MergedPlaces
    ) throws(AggregateError) -> StateColumn {
        switch (self, other) {
        case (.counts(let left), .counts(let right)):
            return .counts(try Self.merged(left, right, places, 0, Self.add))
        case (.sums(let left), .sums(let right)):
            return .sums(try Self.merged(left, right, places, NumberSum(), Self.add))
        case (.averages(let left, let counts), .averages(let right, let more)):
            return .averages(
                try Self.merged(left, right, places, NumberSum(), Self.add),
                try Self.merged(counts, more, places, 0, Self.add))
        case (.minima(let left), .minima(let right)):
            return .minima(
                try Self.merged(left, right, places, .none) { $0 = $0.smaller($1) })
        case (.maxima(let left), .maxima(let right)):
            return .maxima(
                try Self.merged(left, right, places, .none) { $0 = $0.larger($1) })
        case (.deviations(let left), .deviations(let right)):
            return .deviations(
                try Self.merged(left, right, places, Deviation()) {
                    (sum, more) throws(AggregateError) in try sum.merge(more)
                })
        case (.states(let left, let kind), .states(let right, kind)):
            return .states(try Self.merged(left, right, places), kind)
        default: throw .kindMismatch(kind, other.kind)
        }
    }

    @inline(__always)
    private static func merged<State>(
        _ left: [State], _ right: [State], _ places: MergedPlaces, _ empty: State,
        _ merge: (inout State, State) throws(AggregateError) -> Void
    ) throws(AggregateError) -> [State] {
        var all = [State](repeating: empty, count: places.count)
        for index in left.indices { all[Int(places.left[index])] = left[index] }
        for index in right.indices { try merge(&all[Int(places.right[index])], right[index]) }
        return all
    }

    /// States that hold values are not made for nothing: the two sides are walked together.
    private static func merged(
        _ left: [AggregateState], _ right: [AggregateState], _ places: MergedPlaces
    ) throws(AggregateError) -> [AggregateState] {
        var all: [AggregateState] = []
        all.reserveCapacity(places.count)
        var (i, j) = (0, 0)
        for place in 0..<UInt32(places.count) {
            let isLeft = i < left.count && places.left[i] == place
            let isRight = j < right.count && places.right[j] == place
            if isLeft { all.append(left[i]) }
            if isLeft && isRight {
                try all[all.count - 1].merge(right[j])
            } else if isRight {
                all.append(right[j])
            }
            i += isLeft ? 1 : 0
            j += isRight ? 1 : 0
        }
        return all
    }

    private static func add(_ sum: inout Int64, _ more: Int64) throws(AggregateError) {
        let (total, overflow) = sum.addingReportingOverflow(more)
        guard !overflow else { throw .overflow }
        sum = total
    }

    private static func add(_ sum: inout NumberSum, _ more: NumberSum) throws(AggregateError) {
        try sum.merge(more)
    }
}
