// One group of an answer, and the order in which a request wants groups.

internal import Aggregate
internal import Model

/// What a figure comes to.
enum FigureValue {
    case single(AggregateResult)
    /// Of several percentiles, in the order of the request.
    case several([AggregateResult])
}

/// A combination of group values with its figures.
struct GroupRow {
    var key: [Value]
    var figures: [FigureValue]
}

extension [GroupRow] {
    /// Ordered as asked for. Null comes last in either direction, so that the first groups of a
    /// descending order are the largest. Rows that the orderings do not tell apart keep ascending
    /// by key, which is how they must come in.
    func ordered(by orderings: [Ordering]) -> [GroupRow] {
        // The sort is stable in practice but not by contract: the place breaks ties.
        enumerated().sorted { left, right in
            for ordering in orderings {
                switch compare(left.element, right.element, by: ordering) {
                case .before: return true
                case .after: return false
                case .equal: continue
                }
            }
            return left.offset < right.offset
        }.map(\.element)
    }
}

private enum Order { case before, equal, after }

private func compare(_ left: GroupRow, _ right: GroupRow, by ordering: Ordering) -> Order {
    let leftValue = sortValue(left, ordering.key)
    let rightValue = sortValue(right, ordering.key)
    switch (leftValue == .null, rightValue == .null) {
    case (true, true): return .equal
    case (true, false): return .after
    case (false, true): return .before
    case (false, false): break
    }
    if leftValue < rightValue { return ordering.isDescending ? .after : .before }
    if rightValue < leftValue { return ordering.isDescending ? .before : .after }
    return .equal
}

private func sortValue(_ row: GroupRow, _ key: Ordering.Key) -> Value {
    switch key {
    case .group(let place): row.key[place]
    case .figure(let place):
        switch row.figures[place] {
        case .single(.int(let number)): .int(number)
        case .single(.double(let number)): .double(number)
        case .single, .several: .null
        }
    }
}
