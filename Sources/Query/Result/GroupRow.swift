// One group of an answer, and the order in which a request wants groups.

internal import Aggregate
internal import Model

/// A combination of group values with its result.
struct GroupRow {
    var key: [Value]
    var result: AggregateResult
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
    case .result:
        switch row.result {
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .null, .list: .null
        }
    }
}
