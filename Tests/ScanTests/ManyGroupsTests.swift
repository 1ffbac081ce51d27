import Aggregate
import Base
import Columns
import Model
import Plan
import Scan
import Testing

/// Groups of many values come to what a dictionary counts, over blocks and threads, by one property
/// or two, with buckets or without, whatever kinds the values are of.
@Suite struct ManyGroupsTests {
    private static let g = RandomWorld.path("g")
    private static let h = RandomWorld.path("h")
    private static let x = RandomWorld.path("x")

    private struct Cell: Hashable {
        var bucket: Int32
        var key: [Value]
    }

    private enum Values: CaseIterable {
        case sparse, dense, texts, fractions, mixed
    }

    private func value(_ values: Values, _ random: inout PRNG) -> Value? {
        switch values {
        case .sparse: .int(Int64.random(in: 0..<3000, using: &random) &* 0x9E37_79B9_7F4A)
        case .dense: .int(Int64.random(in: -500..<2500, using: &random))
        case .texts: .string("user-\(Int.random(in: 0..<3000, using: &random))")
        case .fractions: .double(Double(Int.random(in: 0..<9000, using: &random)) / 4)
        case .mixed:
            switch Int.random(in: 0..<8, using: &random) {
            case 0: nil
            case 1: .null
            case 2: .bool(.random(using: &random))
            case 3: .json("[\(Int.random(in: 0..<40, using: &random))]")
            case 4: value(.texts, &random)
            case 5: value(.fractions, &random)
            case 6: value(.sparse, &random)
            default: value(.dense, &random)
            }
        }
    }

    private func events(_ count: Int, _ values: Values, _ random: inout PRNG) -> [Event] {
        (0..<count).map { index in
            var event: Event = [.timestamp: .int(Int64(index))]
            event[Self.g] = value(values, &random)
            event[Self.h] = .int(Int64.random(in: 0..<7, using: &random))
            event[Self.x] = .double(Double(Int.random(in: 0..<10_000, using: &random)) / 100)
            return event
        }
    }

    private func expected(_ events: [Event], _ plan: ScanPlan) -> [Cell: (Int64, Double)] {
        var cells: [Cell: (Int64, Double)] = [:]
        let boundaries = plan.boundaries.map(\.milliseconds)
        for event in events {
            guard case .int(let time)? = event[.timestamp] else { continue }
            let bucket = max((boundaries.lastIndex { $0 <= time } ?? 0), 0)
            let key = plan.groupBy.map { (event[$0] ?? .null).canonical }
            let before = cells[Cell(bucket: Int32(bucket), key: key)] ?? (0, 0)
            let amount = event[Self.x]?.number ?? 0
            cells[Cell(bucket: Int32(bucket), key: key)] = (before.0 + 1, before.1 + amount)
        }
        return cells
    }

    private static let counts = [1, 2, 300, 9000, 65_536]

    @Test(arguments: counts) func manyGroups(count: Int) throws {
        // A full block, once with numbers far apart and once with everything.
        let all = count > 10_000 ? [Values.sparse, .mixed] : Values.allCases
        for (number, values) in all.enumerated() {
            let seed = UInt64(count * 10 + number)
            var random = PRNG(seed: seed)
            let parts = [count, min(count, 1000)].map { events($0, values, &random) }
            let blocks = try parts.map { try RandomWorld.block($0, isSorted: true) }
            let shapes = [([Self.g], 1), ([Self.g], 5), ([Self.h, Self.g], 3)]
            for (columns, buckets) in count > 10_000 ? Array(shapes[...0]) : shapes {
                let boundaries = (0...buckets).map {
                    Timestamp(milliseconds: Int64($0 * (count / buckets + 1)))
                }
                let plan = ScanPlan(
                    collection: CollectionID(
                        project: try ProjectID("p"), collection: try CollectionName("c")),
                    groupBy: columns, boundaries: buckets > 1 ? boundaries : [],
                    aggregates: [
                        AggregateRequest(kind: .count),
                        AggregateRequest(kind: .average, target: Self.x),
                    ])
                let expected = expected(Array(parts.joined()), plan)
                for lanes in 1...2 {
                    let found = try scan(plan, blocks, lanes)
                    try #require(found.count == expected.count, "seed \(seed)")
                    #expect(found.keys.ascends)
                    for group in 0..<found.count {
                        let cell = Cell(
                            bucket: found.keys.buckets[group], key: found.keys.key(of: group))
                        let wanted = try #require(expected[cell], "seed \(seed): \(cell)")
                        #expect(found.states[0][group] == .count(wanted.0))
                        guard case .average(let sum, wanted.0) = found.states[1][group] else {
                            Issue.record("seed \(seed): another count of numbers")
                            continue
                        }
                        #expect((sum.approximate - wanted.1).magnitude < 1e-6)
                    }
                }
            }
        }
    }

    private func scan(_ plan: ScanPlan, _ blocks: [Block], _ lanes: Int) throws -> PartialResult {
        let executions = (0..<lanes).map { _ in ScanExecution(plan: plan) }
        for (index, block) in blocks.enumerated() {
            try executions[index % lanes].consume(block)
        }
        var merger = PartialMerger()
        for execution in executions { try merger.add(try execution.finish()) }
        return try merger.finish()
    }

    /// Sums of cents are exact, however many there are, and those of other fractions stay doubles.
    @Test func sumsOfDecimals() throws {
        let cents = (0..<5000).map { Value.double(Double($0 % 997) / 100 + 0.01) }
        let plan = ScanPlan(
            collection: CollectionID(
                project: try ProjectID("p"), collection: try CollectionName("c")),
            aggregates: [AggregateRequest(kind: .sum, target: Self.x)])
        let events = cents.map { value in
            [PropertyPath.timestamp: Value.int(1), Self.x: value] as Event
        }
        let found = try scan(plan, [try RandomWorld.block(events, isSorted: true)], 1)
        let total = (0..<5000).reduce(0) { $0 + $1 % 997 + 1 }
        #expect(found.states[0][0].result == .double(Double(total) / 100))
        let large = [1e15 + 0.5, 1e15 + 0.25, -2e15].map { value in
            [PropertyPath.timestamp: Value.int(1), Self.x: .double(value)] as Event
        }
        let sum = try scan(plan, [try RandomWorld.block(large, isSorted: true)], 1)
        #expect(sum.states[0][0].result == .double(0.75))
    }
}
