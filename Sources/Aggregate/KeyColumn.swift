// One property's values of many groups: the different values once, as a set, and for each group
// which of them it has. Groups are put in order, compared and merged by those codes; a value is
// only made where somebody wants to see it.

internal import Base
internal import Kernels
package import Model

/// The values of one group-by property in every group.
package struct KeyColumn: Sendable, Equatable {
    /// All that some group has, but for null.
    package let values: DistinctValues
    /// Whether some group has null.
    package let hasNull: Bool
    /// For each group which value it has: in the order false, true, integers, fractions, strings,
    /// JSON texts, null, counted from 0.
    package let codes: [UInt32]

    /// Codes below the number of values, each of which some group has.
    package init(values: DistinctValues, hasNull: Bool, codes: [UInt32]) {
        self.values = values
        self.hasNull = hasNull
        self.codes = codes
    }

    /// A value for each group.
    package init(_ all: [Value]) {
        values = DistinctValues(all)
        hasNull = all.contains(.null)
        var numbers: [Value: UInt32] = [:]
        for value in values.values { numbers[value] = UInt32(numbers.count) }
        numbers[.null] = UInt32(numbers.count)
        codes = all.map { numbers[$0.canonical] ?? 0 }
    }

    /// Different values, null among them.
    package var cardinality: Int { values.count + (hasNull ? 1 : 0) }

    /// Bytes of memory.
    package var byteCount: Int { values.heldByteCount + 4 * codes.count }

    /// Where each kind of value begins among the codes.
    private var bases: (ints: Int, fractions: Int, strings: Int, documents: Int, null: Int) {
        let ints = (values.hasFalse ? 1 : 0) + (values.hasTrue ? 1 : 0)
        let fractions = ints + values.ints.count
        let strings = fractions + values.fractions.count
        let documents = strings + values.strings.count
        return (ints, fractions, strings, documents, documents + values.documents.count)
    }

    /// What a code stands for.
    package func value(of code: UInt32) -> Value {
        let (code, bases) = (Int(code), bases)
        if code >= bases.null { return .null }
        if code >= bases.documents {
            return .json(values.documents.string(code - bases.documents))
        }
        if code >= bases.strings { return .string(values.strings.string(code - bases.strings)) }
        if code >= bases.fractions {
            return .double(OrderedDouble.value(values.fractions[code - bases.fractions]))
        }
        if code >= bases.ints { return .int(values.ints[code - bases.ints]) }
        return .bool(!(values.hasFalse && code == 0))
    }

    /// A group's value.
    package func value(at group: Int) -> Value { value(of: codes[group]) }

    /// Whether a group has null.
    package func isNull(at group: Int) -> Bool { hasNull && Int(codes[group]) == bases.null }

    /// The same values for other groups: new group i is old group `groups[i]`.
    package func picking(_ groups: [UInt32]) -> KeyColumn {
        KeyColumn(values: values, hasNull: hasNull, codes: groups.map { codes[Int($0)] })
    }

    // MARK: The order of answers

    /// Negative, zero or positive as one group's value comes before, equals or comes after
    /// another's in the order of answers.
    package func order(_ left: Int, _ right: Int) -> Int {
        let (a, b, bases) = (Int(codes[left]), Int(codes[right]), bases)
        if a == b { return 0 }
        let (low, high) = (min(a, b), max(a, b))
        let isAscending: Bool
        if low >= bases.strings && high < bases.documents {
            isAscending = values.strings.precedes(low - bases.strings, high - bases.strings)
        } else if low >= bases.documents && high < bases.null {
            isAscending = values.documents.precedes(low - bases.documents, high - bases.documents)
        } else if low >= bases.ints && low < bases.fractions && high >= bases.fractions
            && high < bases.strings
        {
            isAscending = value(of: UInt32(low)) < value(of: UInt32(high))
        } else {
            isAscending = true
        }
        return isAscending == (a < b) ? -1 : 1
    }

    /// The place of each code in the order of answers; nil: the codes are in that order.
    package var places: [UInt32]? {
        let texts = max(values.strings.count, values.documents.count)
        let areMixed = !values.ints.isEmpty && !values.fractions.isEmpty
        guard texts > 1 || areMixed else { return nil }
        var order: [UInt32] = []
        order.reserveCapacity(cardinality)
        let bases = bases
        func append(_ places: [UInt32], from base: Int) {
            order.append(contentsOf: places.map { UInt32(base) + $0 })
        }
        append(Array(0..<UInt32(bases.ints)), from: 0)
        append(numbersAscending, from: bases.ints)
        append(values.strings.ascendingPlaces, from: bases.strings)
        append(values.documents.ascendingPlaces, from: bases.documents)
        if hasNull { order.append(UInt32(bases.null)) }
        var places = [UInt32](repeating: 0, count: order.count)
        for (place, code) in order.enumerated() { places[Int(code)] = UInt32(place) }
        return places
    }

    /// Integers and fractions in one order, counted from the first integer.
    private var numbersAscending: [UInt32] {
        let (ints, fractions) = (values.ints, values.fractions)
        var order: [UInt32] = []
        var next = 0
        for (index, int) in ints.enumerated() {
            while next < fractions.count,
                int.isGreater(than: OrderedDouble.value(fractions[next]))
            {
                order.append(UInt32(ints.count + next))
                next += 1
            }
            order.append(UInt32(index))
        }
        order += (next..<fractions.count).map { UInt32(ints.count + $0) }
        return order
    }
}

extension KeyColumn {
    /// The values of two columns together, and the code there of each code here.
    struct Union {
        var values: DistinctValues
        var hasNull: Bool
        var left: [UInt32] = []
        var right: [UInt32] = []
        /// Values, null among them.
        var count: UInt32 = 0
    }

    func union(_ other: KeyColumn) throws(AggregateError) -> Union {
        let (mine, theirs) = (values, other.values)
        var union = Union(values: mine, hasNull: hasNull || other.hasNull)
        try union.values.merge(theirs)
        union.add(mine.hasFalse, theirs.hasFalse)
        union.add(mine.hasTrue, theirs.hasTrue)
        union.add(SortedLoops.places(mine.ints, theirs.ints))
        union.add(SortedLoops.places(mine.fractions, theirs.fractions))
        union.add(mine.strings.places(with: theirs.strings))
        union.add(mine.documents.places(with: theirs.documents))
        union.add(hasNull, other.hasNull)
        return union
    }
}

extension KeyColumn.Union {
    /// One value, of the sides that have it.
    fileprivate mutating func add(_ isLeft: Bool, _ isRight: Bool) {
        if isLeft { left.append(count) }
        if isRight { right.append(count) }
        count += isLeft || isRight ? 1 : 0
    }

    /// The values of one kind.
    fileprivate mutating func add(_ places: MergedPlaces) {
        Self.append(places.left, from: count, to: &left)
        Self.append(places.right, from: count, to: &right)
        count += UInt32(places.count)
    }

    private static func append(_ places: [UInt32], from base: UInt32, to codes: inout [UInt32]) {
        if base == 0 {
            codes = places
        } else {
            for place in places { codes.append(base + place) }
        }
    }
}
