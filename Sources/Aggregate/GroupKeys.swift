// Which groups a result has, as columns: the bucket of each and its values. Groups ascend by
// bucket, then by the codes of their values from the first property on, so that results merge in
// passes over plain arrays, whatever the values are. The order of answers, in which texts ascend by
// their bytes, is worked out where an answer shows it.

package import Kernels
package import Model

/// The buckets and values of groups, each combination once.
package struct GroupKeys: Sendable, Equatable {
    /// Of each group, ascending.
    package private(set) var buckets: [Int32]
    /// One for each group-by property.
    package private(set) var columns: [KeyColumn]

    /// The places of groups in an order take this many bits: there are fewer of them by
    /// `Limits.queryGroupsMax`.
    static let placeBits: Int64 = 21
    static let placeMask: Int64 = 1 << placeBits - 1

    package init() {
        buckets = []
        columns = []
    }

    /// Groups in order. Every column has a value for each.
    package init(buckets: [Int32], columns: [KeyColumn]) {
        self.buckets = buckets
        self.columns = columns
    }

    package var count: Int { buckets.count }

    /// Bytes of memory.
    package var byteCount: Int { 4 * buckets.count + columns.reduce(0) { $0 + $1.byteCount } }

    /// A group's values.
    package func key(of group: Int) -> [Value] { columns.map { $0.value(at: group) } }

    /// Moves every group to a later bucket.
    package mutating func moveBuckets(by distance: Int32) {
        guard distance != 0 else { return }
        for index in buckets.indices { buckets[index] += distance }
    }

    /// Whether each group comes after the one before it.
    package var ascends: Bool {
        (1..<max(count, 1)).allSatisfy { group in
            if buckets[group - 1] != buckets[group] {
                return buckets[group - 1] < buckets[group]
            }
            for column in columns where column.codes[group - 1] != column.codes[group] {
                return column.codes[group - 1] < column.codes[group]
            }
            return false
        }
    }

    /// The bucket of all groups, if they have only one.
    package var singleBucket: Int32? {
        guard let first = buckets.first, buckets.last == first else { return nil }
        return first
    }

    // MARK: The order of answers

    /// The groups, ascending by bucket, then by their values. There are at most
    /// `Limits.queryGroupsMax`.
    package var answerOrder: [UInt32] {
        let places = columns.map(\.places)
        var order = (0..<UInt32(count)).map { $0 }
        // Groups are in order by their codes already.
        guard places.contains(where: { $0 != nil }) else { return order }
        var ranks = buckets.map { Int64($0) }
        for (column, places) in zip(columns, places) {
            var words = ranks.indices.map { group in
                let code = column.codes[group]
                let place = places.map { $0[Int(code)] } ?? code
                return ranks[group] << (2 * Self.placeBits) | Int64(place) << Self.placeBits
                    | Int64(group)
            }
            RadixSort.sort(&words, ascendingBits: Int(Self.placeBits))
            order = words.map { UInt32($0 & Self.placeMask) }
            var (rank, before) = (-1 as Int64, -1 as Int64)
            for word in words {
                let combination = word >> Self.placeBits
                rank += combination != before ? 1 : 0
                before = combination
                ranks[Int(word & Self.placeMask)] = rank
            }
        }
        return order
    }

    /// Negative, zero or positive by the values of two groups, from the first on.
    func order(_ left: Int, _ right: Int) -> Int {
        for column in columns {
            let order = column.order(left, right)
            if order != 0 { return order }
        }
        return 0
    }

    // MARK: Two of them

    /// The groups of either side, and where those of each side are among them. Both have as many
    /// columns.
    package func union(
        _ other: GroupKeys
    ) throws(AggregateError) -> (keys: GroupKeys, places: MergedPlaces) {
        var unions: [KeyColumn.Union] = []
        for (left, right) in zip(columns, other.columns) { unions.append(try left.union(right)) }
        // In one bucket every value of the only property is a group.
        if unions.count == 1, let bucket = singleBucket, bucket == other.singleBucket {
            let (union, count) = (unions[0], Int(unions[0].count))
            let column = KeyColumn(
                values: union.values, hasNull: union.hasNull, codes: (0..<union.count).map { $0 })
            return (
                GroupKeys(
                    buckets: [Int32](repeating: bucket, count: count), columns: [column]),
                MergedPlaces(left: union.left, right: union.right, count: count)
            )
        }
        let places = places(unions, other)
        let merged = unions.indices.map { index in
            let union = unions[index]
            return KeyColumn(
                values: union.values, hasNull: union.hasNull,
                codes: Self.spread(
                    columns[index].codes.map { union.left[Int($0)] },
                    other.columns[index].codes.map { union.right[Int($0)] }, places))
        }
        let all = Self.spread(buckets, other.buckets, places)
        return (GroupKeys(buckets: all, columns: merged), places)
    }

    /// Where each group is among those of `other`, which has as many columns; `other.count` for
    /// groups that it has not.
    package func indexes(in other: GroupKeys) throws(AggregateError) -> [UInt32] {
        let places = try union(other).places
        var groups = [UInt32](repeating: UInt32(other.count), count: places.count)
        for (group, place) in places.right.enumerated() { groups[Int(place)] = UInt32(group) }
        return places.left.map { groups[Int($0)] }
    }

    private func places(_ unions: [KeyColumn.Union], _ other: GroupKeys) -> MergedPlaces {
        var places = SortedLoops.places(
            buckets.map { Int64($0) }, other.buckets.map { Int64($0) })
        for (index, union) in unions.enumerated() {
            places = SortedLoops.places(
                Self.words(places.left, columns[index].codes, union.left),
                Self.words(places.right, other.columns[index].codes, union.right))
        }
        return places
    }

    /// What groups are in order by, up to one more column.
    private static func words(
        _ places: [UInt32], _ codes: [UInt32], _ map: [UInt32]
    ) -> [Int64] {
        places.indices.map { Int64(places[$0]) << 32 | Int64(map[Int(codes[$0])]) }
    }

    private static func spread<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ left: [Element], _ right: [Element], _ places: MergedPlaces
    ) -> [Element] {
        var all = [Element](repeating: 0, count: places.count)
        for index in left.indices { all[Int(places.left[index])] = left[index] }
        for index in right.indices { all[Int(places.right[index])] = right[index] }
        return all
    }
}
