// How a value becomes the value of a group.

package import Model

/// Numbers from one up to, but without, another; either may be infinite.
package struct NumberRange: Sendable, Hashable {
    package var start: Double
    package var end: Double

    package init(start: Double, end: Double) {
        self.start = start
        self.end = end
    }

    func contains(_ number: Int64) -> Bool {
        !number.isLess(than: start) && number.isLess(than: end)
    }

    func contains(_ number: Double) -> Bool { number >= start && number < end }
}

/// What a group_by does with the values of a property.
package enum Grouping: Sendable, Hashable {
    /// Each value is a group.
    case value
    /// Numbers fall into ranges of this length, each named by its least number; everything else is
    /// null. The size is positive and finite.
    case numbers(size: Double)
    /// Numbers fall into the first range that has them, named by its place; everything else is
    /// null.
    case ranges([NumberRange])

    /// The group value of a number.
    package func group(of number: Int64) -> Value {
        if case .ranges(let ranges) = self { return Self.place(ranges) { $0.contains(number) } }
        guard case .numbers(let size) = self else { return .int(number) }
        if let size = Int64(exactly: size), size > 0 {
            let rest = number % size
            let (start, overflow) = number.subtractingReportingOverflow(
                rest < 0 ? rest + size : rest)
            if !overflow { return .int(start) }
        }
        return Self.start(of: Double(number), size: size)
    }

    /// The group value of a number that is not NaN.
    package func group(of number: Double) -> Value {
        if case .ranges(let ranges) = self { return Self.place(ranges) { $0.contains(number) } }
        guard case .numbers(let size) = self else { return Value(canonical: number) }
        return Self.start(of: number, size: size)
    }

    private static func place(
        _ ranges: [NumberRange], where holds: (NumberRange) -> Bool
    ) -> Value {
        ranges.firstIndex(where: holds).map { .int(Int64($0)) } ?? .null
    }

    private static func start(of number: Double, size: Double) -> Value {
        let start = (number / size).rounded(.down) * size
        return start.isFinite ? Value(canonical: start) : .null
    }
}
