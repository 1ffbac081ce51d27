import Aggregate
import Base
import Model
import Testing

/// Groups as columns do what a dictionary of groups does: they merge, come in the order of answers,
/// survive their bytes, and the first of them are those of a full sort.
@Suite struct GroupColumnsTests {
    private struct Cell: Hashable {
        var bucket: Int32
        var key: [Value]
    }

    private struct World {
        var random: PRNG

        mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

        mutating func value(_ kinds: Int) -> Value {
            switch below(kinds) {
            case 0: .int(Int64(below(30)) - 9)
            case 1: .string("text \(below(20))")
            case 2: .double(Double(below(40)) / 4 - 2.125)
            case 3: .null
            case 4: .bool(below(2) == 0)
            case 5: .json("[\(below(5))]")
            default: .int(.random(in: .min ... .max, using: &random))
            }
        }

        /// Different groups, each with a count.
        mutating func groups(_ count: Int, buckets: Int, columns: Int, kinds: Int) -> [Cell: Int64]
        {
            var groups: [Cell: Int64] = [:]
            for _ in 0..<count {
                let key = (0..<columns).map { _ in value(kinds).canonical }
                groups[Cell(bucket: Int32(below(buckets)), key: key)] = Int64(below(5))
            }
            return groups
        }
    }

    /// Ascending by bucket, then by values, as answers are.
    private func ascending(_ cells: some Sequence<Cell>) -> [Cell] {
        cells.sorted { left, right in
            left.bucket != right.bucket
                ? left.bucket < right.bucket : left.key.lexicographicallyPrecedes(right.key)
        }
    }

    private func columns(_ groups: [Cell: Int64]) -> (keys: GroupKeys, states: StateColumn) {
        let cells = groups.map(\.key)
        guard let width = cells.first?.key.count else { return (GroupKeys(), .counts([])) }
        let columns = (0..<width).map { column in KeyColumn(cells.map { $0.key[column] }) }
        let order = cells.indices.sorted { left, right in
            let codes = columns.map { ($0.codes[left], $0.codes[right]) }
            return cells[left].bucket != cells[right].bucket
                ? cells[left].bucket < cells[right].bucket
                : codes.first { $0.0 != $0.1 }.map { $0.0 < $0.1 } ?? false
        }.map { UInt32($0) }
        let keys = GroupKeys(
            buckets: order.map { cells[Int($0)].bucket }, columns: columns.map { $0.picking(order) }
        )
        return (keys, .counts(order.map { groups[cells[Int($0)]] ?? 0 }))
    }

    private func cell(_ keys: GroupKeys, _ group: UInt32) -> Cell {
        Cell(bucket: keys.buckets[Int(group)], key: keys.key(of: Int(group)))
    }

    private static let shapes: [(count: Int, buckets: Int, columns: Int, kinds: Int)] = [
        (0, 1, 1, 1), (1, 1, 0, 1), (40, 1, 1, 1), (40, 1, 1, 2), (300, 1, 1, 7), (300, 9, 1, 3),
        (9, 50, 0, 1), (400, 1, 2, 7), (500, 4, 3, 6), (900, 1, 1, 7),
    ]

    @Test(arguments: 0..<shapes.count) func mergingAndOrder(shape index: Int) throws {
        let shape = Self.shapes[index]
        var world = World(random: PRNG(seed: UInt64(index) + 1))
        for _ in 0..<20 {
            let (first, second) = (
                world.groups(
                    shape.count, buckets: shape.buckets, columns: shape.columns, kinds: shape.kinds),
                world.groups(
                    world.below(shape.count + 1) + 1, buckets: shape.buckets,
                    columns: shape.columns, kinds: shape.kinds)
            )
            let (left, right) = (columns(first), columns(second))
            #expect(left.keys.ascends && right.keys.ascends)
            #expect(left.keys.answerOrder.map { cell(left.keys, $0) } == ascending(first.keys))
            guard !first.isEmpty else { continue }
            let (keys, places) = try left.keys.union(right.keys)
            let states = try left.states.merged(right.states, places)
            #expect(keys.ascends)
            let expected = first.merging(second, uniquingKeysWith: +)
            #expect(keys.answerOrder.map { cell(keys, $0) } == ascending(expected.keys))
            #expect(
                (0..<keys.count).allSatisfy {
                    states[$0] == .count(expected[cell(keys, UInt32($0))] ?? -1)
                })
            let indexes = try left.keys.indexes(in: right.keys)
            for (group, index) in indexes.enumerated() {
                let wanted = cell(left.keys, UInt32(group))
                #expect(
                    index < right.keys.count
                        ? cell(right.keys, index) == wanted : second[wanted] == nil)
            }
            let (combinations, numbers) = keys.withoutBuckets
            #expect(
                combinations.answerOrder.map { combinations.key(of: Int($0)) }
                    == Set(expected.keys.map(\.key)).sorted { $0.lexicographicallyPrecedes($1) })
            #expect(
                numbers.indices.allSatisfy {
                    combinations.key(of: Int(numbers[$0])) == keys.key(of: $0)
                })
        }
    }

    @Test(arguments: 0..<shapes.count) func bytesReadBack(shape index: Int) throws {
        let shape = Self.shapes[index]
        var world = World(random: PRNG(seed: UInt64(index) + 50))
        let groups = world.groups(
            shape.count, buckets: shape.buckets, columns: shape.columns, kinds: shape.kinds)
        let (keys, states) = columns(groups)
        var writer = ByteWriter()
        keys.encode(into: &writer)
        states.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try GroupKeys(from: &reader) == keys)
        #expect(try StateColumn(from: &reader, count: keys.count) == states)
        #expect(reader.isAtEnd)
        for end in stride(from: 0, to: writer.count, by: max(writer.count / 40, 1)) {
            #expect(throws: ByteReaderError.self) {
                var reader = ByteReader(Array(writer.bytes[..<end]))
                let keys = try GroupKeys(from: &reader)
                _ = try StateColumn(from: &reader, count: keys.count)
            }
        }
    }

    /// Golden bytes: changing one breaks clusters of mixed versions.
    @Test func goldenBytes() throws {
        let keys = GroupKeys(
            buckets: [0, 0, 2], columns: [KeyColumn([.int(5), .null, .int(5)])])
        var writer = ByteWriter()
        keys.encode(into: &writer)
        #expect(writer.bytes == [3, 2, 0, 2, 2, 1, 1, 1, 4, 1, 10, 0, 1, 0])
        writer = ByteWriter()
        StateColumn([.count(300), .count(1), .count(2)]).encode(into: &writer)
        StateColumn([.sum(try sum(-3)), .sum(try sum(1))]).encode(into: &writer)
        StateColumn([.average(try sum(7), count: 1)]).encode(into: &writer)
        StateColumn([.minimum(nil), .minimum(.int(4))]).encode(into: &writer)
        StateColumn([.selectUnique(DistinctValues([.bool(true)]))]).encode(into: &writer)
        #expect(
            writer.bytes == [0, 0xAC, 2, 1, 2, 2, 0, 5, 0, 2, 3, 0, 14, 1, 4, 1, 4, 8, 6, 38, 2])
        // Ascending values, each group its own.
        writer = ByteWriter()
        GroupKeys(buckets: [0, 0], columns: [KeyColumn([.int(5), .int(6)])]).encode(into: &writer)
        #expect(writer.bytes.prefix(8) == [2, 1, 0, 2, 1, 2, 4, 2])
    }

    private func sum(_ value: Int64) throws -> NumberSum {
        var sum = NumberSum()
        try sum.add(value)
        return sum
    }

    /// Bytes that no group has: out of order, values that are not there or not used, empty buckets.
    @Test(
        arguments: [
            [3, 2, 0, 2, 2, 1, 1, 1, 4, 1, 10, 1, 0, 0],
            [3, 2, 0, 2, 2, 1, 1, 1, 4, 1, 10, 0, 2, 0],
            [3, 2, 0, 2, 2, 1, 1, 1, 4, 1, 10, 0, 0, 0], [3, 2, 0, 2, 2, 1, 1, 2, 4, 1, 10],
            [3, 2, 2, 2, 0, 1, 1, 1, 4, 1, 10, 0, 1, 0], [3, 1, 0, 2, 1, 1, 4, 1, 10, 0, 1, 0],
            [2, 1, 0, 2, 0], [1, 1, 0xFF, 0xFF, 3, 1, 0], [0xC1, 0x84, 0x3D, 1, 0, 1],
        ] as [[UInt8]]) func strangeBytesAreErrors(bytes: [UInt8])
    {
        #expect(throws: ByteReaderError.self) {
            var reader = ByteReader(bytes)
            _ = try GroupKeys(from: &reader)
        }
    }

    @Test(arguments: [1, 3, 17, 400, 5000]) func theFirstOfASort(limit: Int) throws {
        var world = World(random: PRNG(seed: UInt64(limit)))
        for round in 0..<30 {
            let groups = world.groups(
                world.below(600) + 1, buckets: 1, columns: 1 + round % 2, kinds: 7)
            let (keys, _) = columns(groups)
            let figures: [Extreme] = (0..<keys.count).map { _ in
                switch world.below(4) {
                case 0: .none
                case 1: .double(Double(world.below(9)) + 0.5)
                default: .int(Int64(world.below(9)))
                }
            }
            for isDescending in [false, true] {
                let orderings = [
                    GroupOrdering(.figures(figures), isDescending: isDescending),
                    GroupOrdering(.values(column: 0), isDescending: !isDescending),
                ]
                let expected = keys.answerOrder.enumerated().sorted { left, right in
                    let (a, b) = (left.element, right.element)
                    for order in [
                        Self.order(figures[Int(a)], figures[Int(b)], isDescending),
                        Self.order(
                            keys.key(of: Int(a))[0], keys.key(of: Int(b))[0], !isDescending),
                    ] where order != 0 { return order < 0 }
                    return left.offset < right.offset
                }.map(\.element)
                #expect(
                    keys.first(limit, by: orderings) == Array(expected.prefix(limit)),
                    "round \(round)")
                #expect(
                    keys.first(limit, by: [orderings[1]])
                        == Array(
                            keys.first(.max, by: [orderings[1]]).prefix(limit)), "round \(round)")
            }
        }
    }

    private static func order(_ left: Extreme, _ right: Extreme, _ isDescending: Bool) -> Int {
        if left == right { return 0 }
        if left == .none { return 1 }
        if right == .none { return -1 }
        return (left < right) == isDescending ? 1 : -1
    }

    private static func order(_ left: Value, _ right: Value, _ isDescending: Bool) -> Int {
        if left == right { return 0 }
        if left == .null { return 1 }
        if right == .null { return -1 }
        return (left < right) == isDescending ? 1 : -1
    }

    /// Whatever the order of merging, states of a kind come to the same.
    @Test func everyKindMerges() throws {
        for kind in AggregateKind.allCases {
            func state(_ values: [Value]) throws -> AggregateState {
                var state = AggregateState(empty: kind)
                for value in values { try state.add(value) }
                return state
            }
            let left = [try state([.int(3), .double(0.5)]), try state([.string("a")])]
            let right = [try state([.int(-7)]), try state([.double(3)])]
            let places = try GroupKeys(
                buckets: [0, 1], columns: []
            ).union(GroupKeys(buckets: [1, 2], columns: [])).places
            let merged = try StateColumn(left).merged(StateColumn(right), places)
            var both = left[1]
            try both.merge(right[0])
            #expect((0..<3).map { merged[$0] } == [left[0], both, right[1]], "\(kind)")
            #expect(throws: AggregateError.self) {
                let other: AggregateKind = kind == .count ? .sum : .count
                _ = try StateColumn(left).merged(StateColumn(empty: other, count: 2), places)
            }
        }
    }
}
