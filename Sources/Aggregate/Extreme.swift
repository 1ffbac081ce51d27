// What the columns of minima and maxima are made of: a number without the weight of a `Value`.

internal import Model

/// The least or the greatest number; none before the first.
package enum Extreme: Sendable, Equatable {
    case none
    case int(Int64)
    /// Never NaN.
    case double(Double)
}

extension Extreme {
    /// Nil, or what is no number: none.
    init(_ value: Value?) {
        switch value {
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        default: self = .none
        }
    }

    /// None for what is no number.
    package init(_ result: AggregateResult) {
        switch result {
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .null, .list: self = .none
        }
    }

    var value: Value? {
        switch self {
        case .none: nil
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        }
    }

    package static func < (left: Extreme, right: Extreme) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.int(let left), .double(let right)): left.isLess(than: right)
        case (.double(let left), .int(let right)): right.isGreater(than: left)
        case (.none, _), (_, .none): false
        }
    }

    /// The smaller number; of equal ones the integer, so that the order of merging does not show.
    package func smaller(_ other: Extreme) -> Extreme {
        if case .none = self { return other }
        if case .none = other { return self }
        if self < other { return self }
        return other < self ? other : preferred(other)
    }

    package func larger(_ other: Extreme) -> Extreme {
        if case .none = self { return other }
        if case .none = other { return self }
        if other < self { return self }
        return self < other ? other : preferred(other)
    }

    private func preferred(_ other: Extreme) -> Extreme {
        if case .int = self { self } else { other }
    }
}
