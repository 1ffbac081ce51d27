// The set behind count_unique and select_unique: exact, so it is bounded by a limit and a clear
// error instead of by the memory of the machine.

internal import Base
package import Model

/// Distinct values that are not null, numbers in their one representation.
package struct DistinctValues: Sendable, Equatable {
    package private(set) var values: Set<Value> = []

    package init() {}

    /// Values that the caller knows to be canonical, not null and all different.
    package init(unique values: [Value]) {
        self.values = Set(minimumCapacity: values.count)
        for value in values { self.values.insert(value) }
    }

    package var count: Int { values.count }

    /// Ascending.
    package var sorted: [Value] { values.sorted() }

    /// Adds a value; null adds nothing.
    package mutating func insert(_ value: Value) throws(AggregateError) {
        let value = value.canonical
        guard value != .null, values.insert(value).inserted else { return }
        guard values.count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }

    package mutating func merge(_ other: DistinctValues) throws(AggregateError) {
        // Inserting the smaller set into the larger one costs the least.
        if values.count < other.values.count {
            var larger = other.values
            larger.formUnion(values)
            values = larger
        } else {
            values.formUnion(other.values)
        }
        guard values.count <= Limits.queryDistinctValuesMax else { throw .tooManyDistinctValues }
    }
}
