// Chooses the first groups in some order from columns of figures, so that of a million groups only
// those are made that an answer shows.

internal import Kernels

/// One ordering of groups. Null comes last in either direction.
package struct GroupOrdering: Sendable {
    package enum Key: Sendable {
        /// A column of the group's values.
        case values(column: Int)
        /// A figure of each group; none is null.
        case figures([Extreme])
    }

    package var key: Key
    package var isDescending: Bool

    package init(_ key: Key, isDescending: Bool) {
        self.key = key
        self.isDescending = isDescending
    }
}

extension GroupKeys {
    /// The first groups, at most `limit`, in the order of `orderings`; groups that those do not
    /// tell apart ascend by their values.
    package func first(_ limit: Int, by orderings: [GroupOrdering]) -> [UInt32] {
        guard let first = orderings.first, limit > 0 else {
            return Array(answerOrder.prefix(limit))
        }
        let ranks = ranks(first)
        func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
            let (a, b) = (ranks[Int(left)], ranks[Int(right)])
            return a != b ? a < b : order(Int(left), Int(right), by: orderings) < 0
        }
        guard limit < count else { return (0..<UInt32(count)).sorted(by: precedes) }
        // Those chosen so far, the last of them on top.
        var heap = Array(0..<UInt32(limit))
        for place in (0..<limit / 2).reversed() { Self.sink(place, &heap, precedes) }
        var last = ranks[Int(heap[0])]
        for group in UInt32(limit)..<UInt32(count) {
            guard ranks[Int(group)] <= last, precedes(group, heap[0]) else { continue }
            heap[0] = group
            Self.sink(0, &heap, precedes)
            last = ranks[Int(heap[0])]
        }
        return heap.sorted(by: precedes)
    }

    private static func sink(
        _ place: Int, _ heap: inout [UInt32], _ precedes: (UInt32, UInt32) -> Bool
    ) {
        var place = place
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, precedes(heap[child], heap[child + 1]) { child += 1 }
            guard precedes(heap[place], heap[child]) else { return }
            heap.swapAt(place, child)
            place = child
        }
    }

    /// Numbers that ascend as the groups do by one ordering, as far as numbers can tell.
    private func ranks(_ ordering: GroupOrdering) -> [Int64] {
        guard case .figures(let figures) = ordering.key else {
            return [Int64](repeating: 0, count: count)
        }
        return figures.map { figure in
            let key: Int64
            switch figure {
            case .none: return .max
            // Integers beyond 2^53 may share a rank with their neighbours.
            case .int(let number): key = OrderedDouble.key(Double(number))
            case .double(let number): key = OrderedDouble.key(number == 0 ? 0 : number)
            }
            return ordering.isDescending ? ~key : key
        }
    }

    private func order(_ left: Int, _ right: Int, by orderings: [GroupOrdering]) -> Int {
        for ordering in orderings {
            let order = order(left, right, by: ordering)
            if order != 0 { return order }
        }
        return order(left, right)
    }

    private func order(_ left: Int, _ right: Int, by ordering: GroupOrdering) -> Int {
        let ascending: Int
        switch ordering.key {
        case .values(let column):
            let column = columns[column]
            ascending = column.order(left, right)
            if column.isNull(at: left) || column.isNull(at: right) { return ascending }
        case .figures(let figures):
            switch (figures[left], figures[right]) {
            case (.none, .none): return 0
            case (.none, _): return 1
            case (_, .none): return -1
            case (let a, let b): ascending = a < b ? -1 : b < a ? 1 : 0
            }
        }
        return ordering.isDescending ? -ascending : ascending
    }

    /// The different combinations of values over all buckets, as groups of one bucket, and for each
    /// group which of them it has.
    package var withoutBuckets: (keys: GroupKeys, places: [UInt32]) {
        var ranks = [Int64](repeating: 0, count: count)
        var representatives: [UInt32] = count > 0 ? [0] : []
        for column in columns {
            var words = ranks.indices.map { group in
                ranks[group] << (2 * Self.placeBits)
                    | Int64(column.codes[group]) << Self.placeBits | Int64(group)
            }
            RadixSort.sort(&words, ascendingBits: Int(Self.placeBits))
            representatives = []
            var before: Int64 = -1
            for word in words {
                let (combination, group) = (word >> Self.placeBits, Int(word & Self.placeMask))
                if combination != before { representatives.append(UInt32(group)) }
                before = combination
                ranks[group] = Int64(representatives.count - 1)
            }
        }
        let keys = GroupKeys(
            buckets: [Int32](repeating: 0, count: representatives.count),
            columns: columns.map { $0.picking(representatives) })
        return (keys, ranks.map { UInt32($0) })
    }
}
