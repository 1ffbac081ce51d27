import Aggregate
import Base
import Columns
import Model
import Plan
import Scan
import Testing

/// The documented meaning of filters and analyses, case by case, and what a scan may leave unread.
@Suite struct ScanTests {
    private static let x = RandomWorld.path("x")
    private static let g = RandomWorld.path("g")

    private func plan(
        _ filters: [Filter] = [], groupBy: [PropertyPath] = [],
        _ aggregates: [AggregateRequest] = [AggregateRequest(kind: .count)]
    ) throws -> ScanPlan {
        ScanPlan(
            collection: CollectionID(
                project: try ProjectID("p"), collection: try CollectionName("c")),
            filters: filters, groupBy: groupBy, aggregates: aggregates)
    }

    /// Events with the value in `x`, at times 0, 1, 2...
    private func block(_ values: [Value?], isSorted: Bool = true) throws -> Block {
        let events = values.enumerated().map { index, value in
            var event: Event = [.timestamp: .int(Int64(index))]
            event[Self.x] = value
            return event
        }
        return try RandomWorld.block(events, isSorted: isSorted)
    }

    private func run(_ plan: ScanPlan, _ blocks: Block...) throws -> PartialResult {
        let execution = ScanExecution(plan: plan)
        for block in blocks { try execution.consume(block) }
        var merger = PartialMerger()
        try merger.add(try execution.finish())
        return try merger.finish()
    }

    /// Texts that could never fit into an answer end the scan before they fill the memory; the same
    /// texts again and again do not.
    @Test func textInGroupsAndSetsIsBounded() throws {
        let texts = (0..<10).map { Value.string(String(repeating: "x", count: 90 + $0)) }
        let set = AggregateRequest(kind: .countUnique, target: Self.x)
        for plan in [try plan(groupBy: [Self.x]), try plan([], [set])] {
            let execution = ScanExecution(plan: plan, textBytesMax: 1000)
            for _ in 0..<3 { try execution.consume(try block(texts)) }
            #expect(throws: ScanLimitError.self) {
                try execution.consume(try block([.string(String(repeating: "y", count: 60))]))
            }
        }
        let counts = ScanExecution(plan: try plan(), textBytesMax: 1)
        try counts.consume(try block(texts))
        #expect(try counts.finish().groups.map(\.states) == [[.count(10)]])
    }

    /// One event of every kind, and which of them each filter takes.
    @Test(arguments: [
        (Filter.compare(x, .equal, .int(1)), "2 3 9"),
        (.compare(x, .equal, .string("1")), "6"),
        (.compare(x, .notEqual, .int(1)), "0 1 4 5 6 7 8 10 11"),
        (.compare(x, .equal, .null), "0 1 10"),
        (.compare(x, .notEqual, .null), "2 3 4 5 6 7 8 9 11"),
        (.compare(x, .equal, .bool(true)), "5"),
        (.compare(x, .equal, .json("[1,\"ab\"]")), "9"),
        (.compare(x, .less, .int(2)), "2 3"),
        (.compare(x, .lessOrEqual, .double(2.5)), "2 3 4"),
        (.compare(x, .greater, .double(1)), "4"),
        (.compare(x, .greaterOrEqual, .string("ab")), "7"),
        (.compare(x, .less, .string("ab")), "6 8"),
        (.compare(x, .less, .bool(true)), ""),
        (.among(x, [.int(1), .string("ab"), .null]), "0 1 2 3 7 9 10"),
        (.among(x, []), ""),
        (.exists(x, true), "2 3 4 5 6 7 8 9 10 11"),
        (.exists(x, false), "0 1"),
        (.contains(x, .string("b")), "7"),
        (.contains(x, .string("ab")), "7 9"),
        (.contains(x, .string("")), "6 7 8"),
        (.contains(x, .int(1)), "9"),
        (.not(.contains(x, .string("b"))), "0 1 2 3 4 5 6 8 9 10 11"),
        (.all([]), "0 1 2 3 4 5 6 7 8 9 10 11"),
        (.any([]), ""),
    ])
    func filterTakes(filter: Filter, expected: String) throws {
        let values: [Value?] = [
            nil, .null, .int(1), .double(1), .double(2.5), .bool(true), .string("1"),
            .string("ab"), .string(""), .json("[1,\"ab\"]"), .json("[null]"), .json("{}"),
        ]
        let request = AggregateRequest(kind: .selectUnique, target: .timestamp)
        let result = try run(plan([filter], [request]), block(values))
        guard let state = result.groups.first?.states.first else {
            #expect(expected.isEmpty)
            return
        }
        let wanted = expected.split(separator: " ").compactMap { Int64($0) }.map { Value.int($0) }
        #expect(state.result == .list(wanted))
    }

    /// Every comparison of every number near the limits of both types, in a column of its own type
    /// and in a mixed one, agrees with the exact order of values.
    @Test func largeNumbersCompareExactly() throws {
        let power: Int64 = 1 << 53
        let ints: [Int64] = [
            0, power - 1, power, power + 1, power + 2, -power, -power - 1, .max, .max - 1, .min,
            .min + 1, .max - 512, .max - 511,
        ]
        let doubles: [Double] = [
            0, 0.5, 0x1p53, 0x1.0000000000001p53, 0x1.fffffffffffffp52, -0x1p53, 0x1p63,
            0x1.fffffffffffffp62, -0x1p63, 0x1.0000000000001p63, -0x1.0000000000001p63, 1e300,
        ]
        let numbers = ints.map { Value.int($0) } + doubles.map { Value.double($0) }
        let blocks = [
            try block(numbers), try block(Array(numbers[..<ints.count])),
            try block(Array(numbers[ints.count...])),
        ]
        for literal in numbers {
            for comparison in ComparisonOperator.allCases {
                let filter = Filter.compare(Self.x, comparison, literal)
                let reference = ReferenceScan(plan: try plan())
                let wanted = numbers.count { reference.holds(filter, [Self.x: $0]) }
                let whole = try run(plan([filter]), blocks[0]).statistics.rowsMatched
                let parts = try run(plan([filter]), blocks[1], blocks[2]).statistics.rowsMatched
                #expect(whole == wanted && parts == wanted, "\(filter)")
            }
        }
    }

    /// Missing and null are one group; 1 and 1.0 are one group; a text and an array of the same
    /// characters are two.
    @Test func groupsOfMixedValues() throws {
        let values: [Value?] = [
            nil, .null, .int(1), .double(1), .string("[1]"), .json("[1]"), .bool(false),
        ]
        let result = try run(plan(groupBy: [Self.x]), block(values))
        #expect(
            result.groups.map(\.key)
                == [[.bool(false)], [.int(1)], [.string("[1]")], [.json("[1]")], [.null]])
        #expect(result.groups.map { $0.states[0] } == [1, 2, 1, 1, 2].map { .count($0) })
    }

    /// Buckets include their start and exclude their end; a sorted and an unsorted block agree.
    @Test(arguments: [true, false]) func bucketsAreHalfOpen(isSorted: Bool) throws {
        var plan = try plan()
        plan.boundaries = [2, 4, 9].map { Timestamp(milliseconds: $0) }
        let events = [4, 1, 9, 2, 8, 3].map { [PropertyPath.timestamp: Value.int($0)] }
        let result = try run(plan, RandomWorld.block(events, isSorted: isSorted))
        #expect(result.groups.map(\.bucket) == [0, 1])
        #expect(result.groups.map { $0.states[0] } == [.count(2), .count(2)])
    }

    /// Blocks that the zone map or the time excludes are not read.
    @Test func prunedBlocksAreNotRead() throws {
        let blocks = try block([.int(5), .int(9)])
        for filter in [
            Filter.compare(Self.x, .greater, .int(9)), .exists(Self.g, true),
            .compare(Self.x, .equal, .string("a")), .not(.exists(Self.x, true)),
            .all([.compare(Self.x, .less, .double(4.5)), .exists(Self.x, true)]),
        ] {
            let statistics = try run(plan([filter]), blocks).statistics
            #expect(statistics.blocksSkipped == 1, "\(filter)")
            #expect(statistics.rowsScanned == 0)
        }
        var late = try plan()
        late.timeframe = Timestamp(milliseconds: 2)..<Timestamp(milliseconds: 9)
        #expect(try run(late, blocks).statistics.blocksSkipped == 1)
    }

    /// A plan without events answers with no group at all.
    @Test func nothingMatched() throws {
        let result = try run(plan([.compare(Self.x, .equal, .int(7))]), block([.int(5), .int(9)]))
        #expect(result.groups.isEmpty)
        #expect(result.statistics.blocksRead == 1)
        #expect(result.statistics.rowsMatched == 0)
    }

    /// Sums that leave 64 bits within one block stay exact.
    @Test func sumsBeyondSixtyFourBits() throws {
        let values = [Value?](repeating: .int(.max), count: 1000) + [.int(.min)]
        let request = AggregateRequest(kind: .sum, target: Self.x)
        for group in [[], [Self.g]] {
            let result = try run(plan(groupBy: group, [request]), block(values))
            guard case .sum(let total)? = result.groups.first?.states.first else {
                Issue.record("no sum")
                return
            }
            #expect(total.integers == Int128(Int64.max) * 1000 + Int128(Int64.min))
        }
    }

    /// Thousands of groups and distinct values within a block take the hashed paths.
    @Test func manyGroupsAndValues() throws {
        var random = PRNG(seed: 3)
        let events = (0..<20_000).map { index -> Event in
            [
                .timestamp: .int(Int64(index)),
                Self.x: .int(Int64.random(in: -(1 << 60)...(1 << 60), using: &random)),
                Self.g: .string("user-\(Int.random(in: 0..<3000, using: &random))"),
            ]
        }
        let requests = [
            AggregateRequest(kind: .count), AggregateRequest(kind: .countUnique, target: Self.x),
        ]
        let plan = try plan(groupBy: [Self.g], requests)
        let result = try run(plan, RandomWorld.block(events, isSorted: true))
        var expected: [Value: Int64] = [:]
        for event in events { expected[event[Self.g] ?? .null, default: 0] += 1 }
        #expect(result.groups.count == expected.count)
        for group in result.groups {
            let count = expected[group.key[0]] ?? 0
            #expect(group.states[0] == .count(count))
            #expect(group.states[1].result == .int(count))
        }
    }
}
