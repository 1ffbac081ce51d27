// The groups of a whole scan, numbered from 0 as they come: a group is a bucket refined by one
// value after the other, so each step is one look-up of a pair of numbers, and none at all as long
// as there is a single bucket or group to refine.

internal import Aggregate
internal import Base
internal import Kernels
internal import Model
internal import Plan

/// Numbers the groups of a scan.
struct GroupTable {
    /// Groups by the values of one more property.
    private struct Level {
        /// Pairs of the group before and the value, by their numbers; not filled while there is but
        /// one group before, when a group has the number of its value.
        var pairs: WordTable
        var directCount: Int? = 0

        var count: Int { directCount ?? pairs.count }
    }

    let seed: UInt64
    /// One for each group column.
    let groupings: [Grouping]
    /// The values of each group column.
    var keys: [KeyInterner]
    private var buckets: WordTable
    private var levels: [Level]

    init(columnCount: Int, groupings: [Grouping], seed: UInt64) {
        self.seed = seed
        let rest = max(columnCount - groupings.count, 0)
        self.groupings = groupings + [Grouping](repeating: .value, count: rest)
        keys = (0..<columnCount).map { _ in KeyInterner(seed: seed) }
        buckets = WordTable(seed: seed)
        levels = (0..<columnCount).map { _ in Level(pairs: WordTable(seed: seed)) }
    }

    var count: Int { levels.last?.count ?? buckets.count }

    var textByteCount: Int { keys.reduce(0) { $0 + $1.textByteCount } }

    /// Bytes of memory that the table takes, roughly.
    var byteCount: Int {
        keys.reduce(0) { $0 + $1.byteCount }
            + levels.reduce(0) { $0 + $1.pairs.count * WordTable.entryBytes }
    }

    mutating func bucket(_ bucket: Int) -> UInt32 { buckets.number(of: UInt64(bucket)) }

    /// The numbers of groups so far, each with one more value, given by its number.
    mutating func refine(_ groups: [UInt32], column: Int, by values: [UInt32]) -> [UInt32] {
        if levels[column].directCount != nil {
            let before = column == 0 ? buckets.count : levels[column - 1].count
            guard before > 1 else {
                levels[column].directCount = keys[column].count
                return values
            }
            fill(column)
        }
        let count = groups.count
        let words: [UInt64] = filled(count) {
            CodeLoops.pair(groups, with: values, count: count, into: $0)
        }
        return filled(count) { levels[column].pairs.numbers(of: words, count: count, into: $0) }
    }

    /// Puts down the groups that had the numbers of their values.
    private mutating func fill(_ column: Int) {
        for value in 0..<(levels[column].directCount ?? 0) {
            _ = levels[column].pairs.number(of: UInt64(value))
        }
        levels[column].directCount = nil
    }

    /// Adds the groups of another table; gives the number here of each group there.
    mutating func absorb(_ other: GroupTable) -> [UInt32] {
        let words = other.buckets.words
        var map: [UInt32] = filled(words.count) {
            buckets.numbers(of: words, count: words.count, into: $0)
        }
        for column in keys.indices {
            let values = keys[column].absorb(other.keys[column])
            let (parents, numbers) = other.pairs(column)
            map = refine(
                parents.map { map[Int($0)] }, column: column, by: numbers.map { values[Int($0)] })
        }
        return map
    }

    /// For each group up to a column, the group that it refines and the number of its value.
    private func pairs(_ column: Int) -> (parents: [UInt32], values: [UInt32]) {
        if let count = levels[column].directCount {
            return ([UInt32](repeating: 0, count: count), Array(0..<UInt32(count)))
        }
        let words = levels[column].pairs.words
        return (
            words.map { UInt32(truncatingIfNeeded: $0 >> 32) },
            words.map { UInt32(truncatingIfNeeded: $0) }
        )
    }

    // MARK: In order

    /// A place takes this many bits: there are at most `Limits.queryGroupsMax` of them, and those
    /// that one more block could add.
    private static let placeBits: Int64 = 21

    /// The groups in the order of results, and for each place the number of its group here.
    func ordered() -> (keys: GroupKeys, numbers: [UInt32]) {
        let bucketWords = buckets.words.map { Int64(bitPattern: $0) }
        var order = bucketWords.indices.sorted { bucketWords[$0] < bucketWords[$1] }
            .map { UInt32($0) }
        let values = keys.map { $0.ordered() }
        // In one bucket every value of the only property is a group.
        if values.count == 1, levels[0].directCount != nil {
            let (values, hasNull, codes) = values[0]
            let column = KeyColumn(
                values: values, hasNull: hasNull, codes: (0..<UInt32(count)).map { $0 })
            let bucket = Int32(truncatingIfNeeded: bucketWords.first ?? 0)
            let keys = GroupKeys(
                buckets: [Int32](repeating: bucket, count: count), columns: [column])
            return (keys, Self.refine([0], [], codes))
        }
        var pairs: [(parents: [UInt32], codes: [UInt32])] = []
        for column in keys.indices {
            let (parents, numbers) = self.pairs(column)
            let valueCodes = values[column].codes
            let codes = numbers.map { valueCodes[Int($0)] }
            order = Self.refine(order, parents, codes)
            pairs.append((parents, codes))
        }
        // From the last column back to the bucket.
        var columns: [KeyColumn] = []
        var groups = order
        for column in keys.indices.reversed() {
            let (parents, codes) = pairs[column]
            columns.append(
                KeyColumn(
                    values: values[column].values, hasNull: values[column].hasNull,
                    codes: groups.map { codes[Int($0)] }))
            groups = groups.map { parents[Int($0)] }
        }
        let buckets = groups.map { Int32(truncatingIfNeeded: bucketWords[Int($0)]) }
        return (GroupKeys(buckets: buckets, columns: columns.reversed()), order)
    }

    /// The order of groups that refine others, from the order of those and the codes of their
    /// values.
    private static func refine(
        _ order: [UInt32], _ parents: [UInt32], _ codes: [UInt32]
    ) -> [UInt32] {
        var refined = [UInt32](repeating: 0, count: codes.count)
        // One group refined by every value.
        if order.count == 1 {
            for (group, code) in codes.enumerated() { refined[Int(code)] = UInt32(group) }
            return refined
        }
        var places = [Int64](repeating: 0, count: order.count)
        for (place, group) in order.enumerated() { places[Int(group)] = Int64(place) }
        var words = codes.indices.map { group in
            places[Int(parents[group])] << (2 * placeBits) | Int64(codes[group]) << placeBits
                | Int64(group)
        }
        RadixSort.sort(&words, ascendingBits: Int(placeBits))
        for (place, word) in words.enumerated() {
            refined[place] = UInt32(word & (1 << placeBits - 1))
        }
        return refined
    }
}
