// The set behind count_unique and select_unique: exact, so it is bounded by a limit and a clear
// error instead of by the memory of the machine. Kept by kind and in order, so that sets merge in
// one pass over plain arrays, and a value is only made where somebody wants to see it.

internal import Base
package import Kernels
package import Model

/// Distinct values that are not null, numbers in their one representation.
package struct DistinctValues: Sendable, Equatable {
    package private(set) var hasFalse = false
    package private(set) var hasTrue = false
    /// Ascending.
    package private(set) var ints: [Int64] = []
    /// Keys of `OrderedDouble`, ascending: numbers that are no 64-bit integers.
    package private(set) var fractions: [Int64] = []
    package private(set) var strings = TextSet()
    package private(set) var documents = TextSet()

    package init() {}

    /// Parts that the caller knows to be in order.
    package init(
        hasFalse: Bool, hasTrue: Bool, ints: [Int64], fractions: [Int64], strings: TextSet,
        documents: TextSet
    ) {
        self.hasFalse = hasFalse
        self.hasTrue = hasTrue
        self.ints = ints
        self.fractions = fractions
        self.strings = strings
        self.documents = documents
    }

    /// The set of the values but for nulls.
    package init(_ values: some Sequence<Value>) {
        var (strings, documents) = (BytesTable(), BytesTable())
        for value in values {
            switch value.canonical {
            case .null: break
            case .bool(let value):
                hasFalse = hasFalse || !value
                hasTrue = hasTrue || value
            case .int(let value): ints.append(value)
            case .double(let value): fractions.append(OrderedDouble.key(value))
            case .string(let text): _ = strings.number(of: text)
            case .json(let text): _ = documents.number(of: text)
            }
        }
        RadixSort.sort(&ints)
        SortedLoops.removeRepeats(&ints)
        RadixSort.sort(&fractions)
        SortedLoops.removeRepeats(&fractions)
        self.strings = TextSet(strings)
        self.documents = TextSet(documents)
    }

    package var count: Int {
        (hasFalse ? 1 : 0) + (hasTrue ? 1 : 0) + ints.count + fractions.count + strings.count
            + documents.count
    }

    package var isEmpty: Bool { count == 0 }

    /// Bytes of memory that the values take; a text has its hash and its end beside it.
    package var heldByteCount: Int {
        8 * (ints.count + fractions.count) + 16 * (strings.count + documents.count)
            + strings.bytes.count + documents.bytes.count
    }

    /// All values, in no order that means anything.
    package var values: [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        if hasFalse { values.append(.bool(false)) }
        if hasTrue { values.append(.bool(true)) }
        for value in ints { values.append(.int(value)) }
        for key in fractions { values.append(.double(OrderedDouble.value(key))) }
        for index in 0..<strings.count { values.append(.string(strings.string(index))) }
        for index in 0..<documents.count { values.append(.json(documents.string(index))) }
        return values
    }

    /// Ascending.
    package var sorted: [Value] { values.sorted() }

    package mutating func merge(_ other: DistinctValues) throws(AggregateError) {
        hasFalse = hasFalse || other.hasFalse
        hasTrue = hasTrue || other.hasTrue
        ints = SortedLoops.union(ints, other.ints)
        fractions = SortedLoops.union(fractions, other.fractions)
        strings = strings.union(other.strings)
        documents = documents.union(other.documents)
        guard count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }

    /// The values that `other` has too.
    package func intersection(_ other: DistinctValues) -> DistinctValues {
        filter(isIn: true, other)
    }

    /// The values that `other` has not.
    package func subtracting(_ other: DistinctValues) -> DistinctValues {
        filter(isIn: false, other)
    }

    private func filter(isIn: Bool, _ other: DistinctValues) -> DistinctValues {
        DistinctValues(
            hasFalse: hasFalse && other.hasFalse == isIn,
            hasTrue: hasTrue && other.hasTrue == isIn,
            ints: SortedLoops.filter(ints, isIn: isIn, other.ints),
            fractions: SortedLoops.filter(fractions, isIn: isIn, other.fractions),
            strings: strings.filter(isIn: isIn, other.strings),
            documents: documents.filter(isIn: isIn, other.documents))
    }
}
