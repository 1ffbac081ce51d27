import Aggregate
import Model
import Plan
import Testing

/// Partial results add up by bucket and group, in a fixed order, and mismatches are errors.
@Suite struct PartialMergerTests {
    private func group(_ bucket: Int32, _ key: [Value], _ count: Int64) -> PartialGroup {
        PartialGroup(bucket: bucket, key: key, states: [.count(count)])
    }

    @Test func sameCellsAddUpAndOrderIsFixed() throws {
        let first = PartialResult(groups: [group(1, [.string("b")], 2), group(0, [.null], 1)])
        let second = PartialResult(groups: [
            group(0, [.int(3)], 5), group(1, [.string("b")], 4), group(1, [.string("a")], 1),
        ])
        let expected = [
            group(0, [.int(3)], 5), group(0, [.null], 1), group(1, [.string("a")], 1),
            group(1, [.string("b")], 6),
        ]
        for parts in [[first, second], [second, first]] {
            var merger = PartialMerger()
            for part in parts { try merger.add(part) }
            #expect(try merger.finish().groups == expected)
        }
    }

    @Test func statisticsAddUp() throws {
        var statistics = ScanStatistics()
        statistics.blocksRead = 2
        statistics.rowsScanned = .max
        statistics.usedRollup = true
        var merger = PartialMerger()
        try merger.add(PartialResult(statistics: statistics))
        try merger.add(PartialResult(statistics: statistics))
        let total = try merger.finish().statistics
        #expect(total.blocksRead == 4)
        #expect(total.rowsScanned == .max)
        #expect(total.usedRollup)
    }

    @Test func differentShapesDoNotMerge() throws {
        let base = group(0, [.int(1)], 1)
        var wide = base
        wide.states.append(.count(1))
        var average = base
        average.states = [AggregateState(empty: .average)]
        for other in [wide, average, group(0, [.int(1), .int(2)], 1)] {
            var merger = PartialMerger()
            try merger.add(PartialResult(groups: [base]))
            #expect(throws: PartialError.self) { try merger.add(PartialResult(groups: [other])) }
        }
    }
}
